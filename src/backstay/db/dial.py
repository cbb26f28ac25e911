"""Make, and cancel, connections to PostgreSQL without ever blocking the event loop."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq.abc import PGconn

from backstay.db.model import DatabaseUnavailable


async def wait_ready(fd: int, *, writing: bool) -> None:
    """Wait until the socket ``fd`` can be read, or written."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    add, remove = (
        (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    )
    add(fd, _settle, ready)
    try:
        await ready
    finally:
        remove(fd)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def dial(conninfo: str, *, name: str, timeout: float) -> PGconn:  # noqa: ASYNC109
    """A new connection that speaks UTF-8 and never blocks.

    ``name`` becomes its application_name unless ``conninfo`` gives one. Raises
    ``DatabaseUnavailable`` with libpq's words when there is none to be had in ``timeout`` seconds.
    """
    try:
        async with asyncio.timeout(timeout):
            resolved = await _resolve(conninfo, name)
            connection = pq.PGconn.connect_start(resolved.encode())
            await _poll(connection.connect_poll, lambda: connection.socket)
    except TimeoutError as error:
        raise DatabaseUnavailable(f"no connection within {timeout:g} seconds") from error
    except (psycopg.Error, OSError, UnicodeError) as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    if connection.status != pq.ConnStatus.OK:
        message = connection.get_error_message()
        connection.finish()
        raise DatabaseUnavailable(message.strip())
    connection.nonblocking = 1
    return connection


async def cancel(connection: PGconn) -> None:
    """Ask the server to cancel what ``connection`` runs; returns once it has been told."""
    request = connection.cancel_conn()
    try:
        request.start()
        await _poll(request.poll, lambda: request.socket)
    except psycopg.Error as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    finally:
        request.finish()


async def _poll(poll: Callable[[], int], fd: Callable[[], int]) -> None:
    # libpq asks to be polled for the first time only once the socket can be written to.
    status: int = pq.PollingStatus.WRITING
    while status not in (pq.PollingStatus.OK, pq.PollingStatus.FAILED):
        await wait_ready(fd(), writing=status == pq.PollingStatus.WRITING)
        status = poll()


async def _resolve(conninfo: str, name: str) -> str:
    """``conninfo`` with its defaults, and its host name looked up off the event loop.

    libpq would look it up while everybody waits. A list of hosts is left to libpq.
    """
    given = conninfo_to_dict(conninfo)
    given.setdefault("application_name", name)
    given["client_encoding"] = "UTF8"
    host = str(given.get("host") or "")
    if _is_name(host) and not given.get("hostaddr"):
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
        given["host"] = ",".join([host] * len(addresses))
        given["hostaddr"] = ",".join(addresses)
    return make_conninfo("", **given)


def _is_name(host: str) -> bool:
    if not host or host[0] in "/@" or "," in host:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False
