"""The pool: a fair queue for few connections, and the one round trip of a request.

    async with a free connection
        exchange: settings · queries · Sync

Connections are made when somebody waits for one, kept while they are used, and replaced when they
break or age. Nothing here remembers a failure for longer than its back-off: the pool heals with the
first request after the server is back.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from backstay.clock import monotonic
from backstay.db.connection import IMPLICIT, Around, Connection, NoticeHook
from backstay.db.dial import dial
from backstay.db.model import (
    DatabaseUnavailable,
    Isolation,
    PoolTimeout,
    Query,
    Result,
    Session,
)
from backstay.db.stream import RowStream
from backstay.db.transaction import PooledTransaction

_FIRST_BACKOFF: Final = 0.05
_LAST_BACKOFF: Final = 2.0
_MEND_PATIENCE: Final = 10.0
_CLOSE_PATIENCE: Final = 5.0
_CONNECT_TIMEOUT: Final = 10.0


class PoolStats(NamedTuple):
    """The pool at this moment, and what happened since it was opened."""

    size: int
    """Connections there may be."""
    open: int
    idle: int
    waiting: int
    connected: int
    """Connections made so far."""
    broken: int
    """Connections lost to the server or to a cancel that could not be mended."""
    timeouts: int
    """Requests that waited in vain for a connection."""
    exchanges: int
    """Requests that got one."""


@dataclass(slots=True)
class _Counters:
    connected: int = 0
    broken: int = 0
    timeouts: int = 0
    exchanges: int = 0


class Pool:
    """Connections to one database, shared by every request of one event loop.

    Times are in seconds; 0 for ``max_idletime`` or ``max_lifetime`` means for ever. ``prepared``
    False sends every statement unnamed, as transaction poolers need it. ``statement_cache`` bounds
    the prepared statements of each connection.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        size: int = 10,
        min_size: int = 0,
        acquisition_timeout: float = 10.0,
        prepared: bool = True,
        statement_cache: int = 512,
        max_lifetime: float = 1800.0,
        max_idletime: float = 300.0,
        connect_timeout: float = _CONNECT_TIMEOUT,
        name: str = "backstay",
        on_notice: NoticeHook | None = None,
    ) -> None:
        self._conninfo = conninfo
        self._size = size
        self._min_size = min(min_size, size)
        self._acquisition_timeout = acquisition_timeout
        self._prepared = prepared
        self._statement_cache = statement_cache
        self._max_lifetime = max_lifetime
        self._max_idletime = max_idletime
        self._connect_timeout = connect_timeout
        self._name = name
        self._on_notice = on_notice
        self._loop: asyncio.AbstractEventLoop | None = None
        self._all: set[Connection] = set()
        self._emptied = asyncio.Event()
        self._idle: list[Connection] = []
        """Longest idle first; the last one is used next, so that the others may age."""
        self._waiters: deque[tuple[float, asyncio.Future[Connection]]] = deque()
        """Deadline and future of those who wait, first come first."""
        self._alarm: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connecting = 0
        self._failures = 0
        self._retry_at = 0.0
        self._last_failure = DatabaseUnavailable("the pool is not open")
        self._counters = _Counters()
        self._epoch = 0
        self._closed = True
        self._reaper: asyncio.TimerHandle | None = None

    # ── life ──────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Start serving. Raises ``DatabaseUnavailable`` if ``min_size`` connections cannot be made.

        With ``min_size`` 0 it makes none and cannot fail.
        """
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._retry_at = 0.0
        for _ in range(self._min_size - len(self._all)):
            self._connecting += 1
            await self._connect()
        if len(self._all) < self._min_size:
            raise self._last_failure

    async def close(self) -> None:
        """Refuse new work, let what runs finish for a few seconds, then leave."""
        self._closed = True
        self._last_failure = DatabaseUnavailable("the pool is closed")
        self._fail_waiters(self._last_failure)
        for timer in (self._reaper, self._alarm):
            if timer is not None:
                timer.cancel()
        while self._idle:
            self._discard(self._idle[-1])
        if self._all:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), _CLOSE_PATIENCE)
        for connection in tuple(self._all):
            self._discard(connection)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def stats(self) -> PoolStats:
        counters = self._counters
        return PoolStats(
            size=self._size,
            open=len(self._all),
            idle=len(self._idle),
            waiting=sum(not waiter.done() for _, waiter in self._waiters),
            connected=counters.connected,
            broken=counters.broken,
            timeouts=counters.timeouts,
            exchanges=counters.exchanges,
        )

    @property
    def exchanges(self) -> int:
        """How many requests have got a connection so far."""
        return self._counters.exchanges

    def forget_statements(self) -> None:
        """Prepare everything anew from the next request on: the schema changed.

        PostgreSQL re-plans by itself, but it keeps the parameter types it inferred the first time.
        """
        self._epoch += 1

    # ── work ──────────────────────────────────────────────────────────────────────────────────

    async def run(self, session: Session, query: Query) -> Result:
        """Run one statement as ``session`` in a transaction of its own: one round trip."""
        return (await self.run_all(session, (query,)))[0]

    async def run_all(
        self,
        session: Session,
        queries: Sequence[Query],
        *,
        isolation: Isolation = "",
        rollback: bool = False,
    ) -> list[Result]:
        """Run ``queries`` in one transaction and one round trip; one result for each.

        ``rollback`` undoes everything in the end, after deferred constraints had their say.
        Raises ``DatabaseError`` (all was rolled back), ``DatabaseUnavailable``, ``PoolTimeout``.
        """
        around: Around = IMPLICIT
        if rollback:
            around = begin(isolation), ("set constraints all immediate", "rollback")
        elif isolation:
            around = begin(isolation), ("commit",)
        connection = self._take() or await self._wait()
        try:
            return await connection.exchange(session, queries, around, epoch=self._epoch)
        except DatabaseUnavailable:
            if not connection.untouched:
                raise
        finally:
            self._release(connection)
        # It was ended while it was idle, and we were the first to hear of it.
        connection = self._take() or await self._wait()
        try:
            return await connection.exchange(session, queries, around, epoch=self._epoch)
        finally:
            self._release(connection)

    @asynccontextmanager
    async def transaction(
        self, session: Session, isolation: Isolation = ""
    ) -> AsyncIterator[PooledTransaction]:
        """An open transaction, committed when the block ends, rolled back when it raises.

        The first statement carries BEGIN and the settings with it. Raises ``DatabaseError`` from
        the commit, also when a statement failed and the block went on regardless.
        """
        connection = self._take() or await self._wait()
        try:
            transaction = PooledTransaction(connection, session, begin(isolation), self._epoch)
            try:
                yield transaction
            except Exception:
                await transaction.rollback()
                raise
            await transaction.commit()
        finally:
            self._release(connection)

    @asynccontextmanager
    async def stream(
        self, session: Session, queries: Sequence[Query], *, rows_per_chunk: int = 256
    ) -> AsyncIterator[RowStream]:
        """Run ``queries``; the rows of the last come in chunks, no faster than taken.

        Entering waits for the first chunk, so errors of planning surface before anything is sent
        on; a later error is raised by the iteration. Leaving early cancels the statement.
        """
        connection = self._take() or await self._wait()
        try:
            flight = connection.start_stream(session, queries, rows_per_chunk, self._epoch)
            stream = RowStream(connection, flight)
            await stream.begin()
            yield stream
        finally:
            self._release(connection)

    # ── the queue ─────────────────────────────────────────────────────────────────────────────

    def _take(self) -> Connection | None:
        """An idle connection, if there is one and nobody came before."""
        self._counters.exchanges += 1
        while self._idle and not self._waiters:
            connection = self._idle.pop()
            if connection.still_there():
                return connection
            self._discard(connection)
        return None

    async def _wait(self) -> Connection:
        loop = self._loop  # asking asyncio for it is a system call before Python 3.12
        if self._closed or loop is None:
            raise self._last_failure
        waiter: asyncio.Future[Connection] = loop.create_future()
        self._waiters.append((monotonic() + self._acquisition_timeout, waiter))
        if len(self._all) < self._size:
            self._grow()
        if self._alarm is None:
            self._alarm = loop.call_later(self._acquisition_timeout, self._expire)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release(waiter.result())  # handed over in the moment of the cancellation
            raise

    def _expire(self) -> None:
        """Send away who has waited too long: the queue is in order of their deadlines."""
        self._alarm = None
        now = monotonic()
        while self._waiters and (self._waiters[0][0] <= now or self._waiters[0][1].done()):
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                self._counters.timeouts += 1
                waiter.set_exception(
                    PoolTimeout(f"no connection became free in {self._acquisition_timeout:g} s")
                )
        if self._waiters:
            delay = self._waiters[0][0] - now
            self._alarm = asyncio.get_running_loop().call_later(delay, self._expire)

    def _release(self, connection: Connection) -> None:
        if connection.clean and not self._closed and monotonic() < connection.expires:
            self._offer(connection)
        elif connection.broken is None and not connection.clean:
            self._spawn(self._mend(connection))
        else:
            self._discard(connection)

    def _offer(self, connection: Connection) -> None:
        """Hand a clean connection to whoever waits longest, or keep it idle."""
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        connection.idle_since = monotonic()
        self._idle.append(connection)
        if self._reaper is None and self._max_idletime:
            self._reap_in(self._max_idletime)

    def _fail_waiters(self, error: DatabaseUnavailable) -> None:
        waiters, self._waiters = self._waiters, deque()
        for _, waiter in waiters:
            if not waiter.done():
                waiter.set_exception(error)

    async def _mend(self, connection: Connection) -> None:
        if not await connection.mend(_MEND_PATIENCE):
            self._discard(connection, lost=True)
        else:
            self._release(connection)

    # ── growing and shrinking ─────────────────────────────────────────────────────────────────

    def _grow(self) -> None:
        """Make connections for those who wait, up to the pool's size."""
        if self._closed or (not self._all and not self._connecting and self._backing_off()):
            self._fail_waiters(self._last_failure)
            return
        room = self._size - len(self._all) - self._connecting
        for _ in range(min(room, len(self._waiters) - self._connecting)):
            self._connecting += 1
            self._spawn(self._connect())

    def _backing_off(self) -> bool:
        return monotonic() < self._retry_at

    async def _connect(self) -> None:
        try:
            pg = await dial(self._conninfo, name=self._name, timeout=self._connect_timeout)
        except DatabaseUnavailable as error:
            self._failed(error)
            return
        finally:
            self._connecting -= 1
        connection = Connection(
            pg,
            prepared=self._prepared,
            statement_cache=self._statement_cache,
            on_broken=self._lost,
            on_notice=self._on_notice,
        )
        # Spread, so that connections made together do not end together.
        lifetime = self._max_lifetime * random.uniform(0.9, 1.1)  # noqa: S311
        connection.expires = monotonic() + lifetime if self._max_lifetime else float("inf")
        self._failures = 0
        self._counters.connected += 1
        self._all.add(connection)
        self._emptied.clear()
        self._release(connection)

    def _failed(self, error: DatabaseUnavailable) -> None:
        delay = min(_FIRST_BACKOFF * 2**self._failures, _LAST_BACKOFF)
        self._failures = min(self._failures + 1, 10)
        self._retry_at = monotonic() + delay * random.uniform(0.5, 1.0)  # noqa: S311
        self._last_failure = error
        if not self._all:
            self._fail_waiters(error)

    def _lost(self, connection: Connection) -> None:
        """``connection`` broke. Whoever uses it finds out; if it was idle, it is gone at once."""
        if connection in self._idle:
            self._discard(connection)

    def _discard(self, connection: Connection, *, lost: bool = False) -> None:
        if connection not in self._all:
            return
        self._counters.broken += lost or connection.broken is not None
        connection.close()
        self._all.discard(connection)
        if not self._all:
            self._emptied.set()
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiters:
            self._grow()

    def _reap(self) -> None:
        """Close connections that nobody needed for ``max_idletime``."""
        self._reaper = None
        now = monotonic()
        while (
            self._idle
            and len(self._all) > self._min_size
            and now - self._idle[0].idle_since >= self._max_idletime
        ):
            self._discard(self._idle[0])
        if self._idle and not self._closed:
            due = self._idle[0].idle_since + self._max_idletime - now
            self._reap_in(due if due > 0 else self._max_idletime)

    def _reap_in(self, delay: float) -> None:
        self._reaper = asyncio.get_running_loop().call_later(delay, self._reap)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def begin(isolation: Isolation) -> str:
    """The BEGIN of a transaction at ``isolation``, the server's default when empty."""
    return f"begin isolation level {isolation}" if isolation else "begin"
