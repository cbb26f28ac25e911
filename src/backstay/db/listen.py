"""LISTEN on a connection of its own, for as long as the project runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from backstay.db.dial import dial, wait_ready
from backstay.db.model import DatabaseUnavailable
from backstay.db.quote import quote_ident

_FIRST_BACKOFF: Final = 0.1
_LAST_BACKOFF: Final = 10.0
_CONNECT_TIMEOUT: Final = 10.0
_HEARTBEAT: Final = 30.0
"""Seconds of silence after which the server is asked whether it is still there."""


class Listener:
    """Calls ``on_notify(channel, payload)`` for every notification on ``channels``.

    ``on_connect()`` is called each time LISTEN has begun, the first time and after every
    reconnection: what was notified in between is lost, so what depends on it is read anew there.
    Both are called on the event loop; what they raise goes to its exception handler.
    """

    def __init__(
        self,
        conninfo: str,
        channels: Sequence[str],
        on_notify: Callable[[str, str], None],
        on_connect: Callable[[], None],
        *,
        name: str = "backstay listener",
    ) -> None:
        self._conninfo = conninfo
        self._listen = "; ".join(f"listen {quote_ident(channel)}" for channel in channels).encode()
        self._on_notify = on_notify
        self._on_connect = on_connect
        self._name = name
        self._task: asyncio.Task[None] | None = None
        self._failures = 0

    async def start(self) -> None:
        """Begin in the background; a server that is not there yet is waited for."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Leave the server."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            with suppress(DatabaseUnavailable, psycopg.Error, TimeoutError):
                await self._listen_until_lost()
            delay = min(_FIRST_BACKOFF * 2**self._failures, _LAST_BACKOFF)
            self._failures = min(self._failures + 1, 10)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311

    async def _listen_until_lost(self) -> None:
        connection = await dial(self._conninfo, name=self._name, timeout=_CONNECT_TIMEOUT)
        try:
            await self._ask(connection, self._listen)
            self._failures = 0
            self._call(self._on_connect)
            while True:
                self._hand_on(connection)
                try:
                    async with asyncio.timeout(_HEARTBEAT):
                        await wait_ready(connection.socket, writing=False)
                except TimeoutError:
                    await self._ask(connection, b"select")
                else:
                    connection.consume_input()
        finally:
            connection.finish()

    async def _ask(self, connection: PGconn, sql: bytes) -> None:
        """Run ``sql`` to its end, within a connection's timeout."""
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            connection.send_query(sql)
            while connection.flush():
                await wait_ready(connection.socket, writing=True)
            while True:
                while connection.is_busy():
                    await wait_ready(connection.socket, writing=False)
                    connection.consume_input()
                result = connection.get_result()
                if result is None:
                    return
                if result.status == ExecStatus.FATAL_ERROR:
                    raise DatabaseUnavailable(result.get_error_message().strip())

    def _hand_on(self, connection: PGconn) -> None:
        while notification := connection.notifies():
            channel, payload = notification.relname.decode(), notification.extra.decode()
            self._call(self._on_notify, channel, payload)

    def _call(self, hook: Callable[..., None], *arguments: str) -> None:
        try:
            hook(*arguments)
        except Exception as error:  # a fault of the hook must not end the listening
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a listener's hook failed", "exception": error}
            )
