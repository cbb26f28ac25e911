"""From Granian's RSGI to ``web.Request`` and back.

https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md. RSGI gives the path
percent-decoded, so it is encoded again (``%2F`` in a segment comes out as ``/``), and leaves out
request headers whose value is not visible ASCII. Granian drops a response header it cannot send,
answers HEAD without the body it is given, and adds Content-Length and Date. What is streamed waits
in memory for a slow client, and a stream that fails can only be cut: the client sees that when a
Content-Length was sent or when what it reads has an end of its own, as JSON has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian._granian import RSGIProtocolError as ProtocolError

from backstay.gateway.adapter import answer, encoded_path, has_body, joined, status_code
from backstay.gateway.in_flight import InFlight
from backstay.observe.bus import Bus
from backstay.observe.events import ClientLeft, RequestFailed
from backstay.web import ClientDisconnected, Header, Request, Response, Service

_BODYLESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
SMALL_BODY: Final = 1 << 18
"""Bytes up to which a body is read at once. Larger ones are streamed."""


class _Scope(Protocol):
    proto: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Any


Websocket = Callable[[Request, Any], Awaitable[None]]
"""Answers a websocket: its opening request, and Granian's websocket protocol to accept or close."""


class RsgiApp:
    """An RSGI application that hands every request to ``handler``.

    ``bus`` hears of clients that leave and of handlers that fail. Without ``websocket`` every
    websocket is refused.
    """

    def __init__(self, handler: Service, bus: Bus, websocket: Websocket | None = None) -> None:
        self._handler = handler
        self._bus = bus
        self._websocket = websocket
        self._in_flight = InFlight()

    @property
    def in_flight(self) -> int:
        """How many requests are being answered."""
        return len(self._in_flight)

    async def drain(self, timeout: float) -> int:  # noqa: ASYNC109 - the remainder is the result
        """Let the requests in flight end; how many were cancelled after ``timeout`` seconds."""
        return await self._in_flight.drain(timeout)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        request = _request(scope, protocol)
        if scope.proto != "http":
            await self._upgrade(request, protocol)
            return
        flight = self._in_flight.enter(protocol.client_disconnect)
        try:
            response = await answer(self._handler, request, self._bus)
            await self._send(request, response, protocol)
        except asyncio.CancelledError:
            if not flight.abandoned:
                raise
            self._bus.emit(ClientLeft(request_id=request.id, path=request.path))
        except ClientDisconnected:
            self._bus.emit(ClientLeft(request_id=request.id, path=request.path))
        except Exception as error:
            self._bus.emit(RequestFailed(request_id=request.id, service="", error=error))
        finally:
            self._in_flight.leave(flight)

    async def _send(self, request: Request, response: Response, protocol: Any) -> None:
        status, body = status_code(response), response.body
        headers = response.headers if isinstance(response.headers, list) else [*response.headers]
        if isinstance(body, bytes):
            if body and has_body("GET", status):
                protocol.response_bytes(status, headers, body)  # Granian keeps a HEAD's length
            else:
                protocol.response_empty(status, headers)
        elif has_body(request.method, status):
            await self._stream(request, protocol.response_stream(status, headers), body)
        else:
            protocol.response_empty(status, headers)

    async def _stream(self, request: Request, transport: Any, body: AsyncIterator[bytes]) -> None:
        try:
            async for chunk in body:
                await transport.send_bytes(chunk)
        except (ProtocolClosed, ProtocolError) as error:
            raise ClientDisconnected from error
        finally:
            # The stream ends when nobody refers to it, and an error's traceback would go on to.
            del transport

    async def _upgrade(self, request: Request, protocol: Any) -> None:
        if self._websocket is None:
            protocol.close(501)
            return
        try:
            await self._websocket(request, protocol)
        except Exception as error:
            self._bus.emit(RequestFailed(request_id=request.id, service="", error=error))
            protocol.close(None)


def rsgi_app(handler: Service, bus: Bus, websocket: Websocket | None = None) -> RsgiApp:
    """An RSGI application that serves ``handler``."""
    return RsgiApp(handler, bus, websocket)


def _request(scope: _Scope, protocol: Any) -> Request:
    pairs: list[Header] = scope.headers.items()
    headers = joined(pairs)
    method = scope.method
    request = Request(
        method,
        encoded_path(scope.path),
        scope.query_string,
        headers,
        client=scope.client.rpartition(":")[0].strip("[]"),
        scheme=scope.scheme,
        host=headers.get("host") or scope.authority or "",
    )
    if method not in _BODYLESS or "content-length" in headers or "transfer-encoding" in headers:
        request.body = _body(protocol, headers)
    return request


class _SmallBody:
    """A ``WholeBody`` whose announced length, ``length``, is small enough to be waited for."""

    __slots__ = ("_data", "_length", "_protocol")

    def __init__(self, protocol: Any, length: int) -> None:
        self._protocol = protocol
        self._length = length
        self._data: bytes | None = None

    async def whole(self) -> bytes:
        if self._data is None:
            # One that breaks off comes as what there was of it.
            data: bytes = await self._protocol() if self._length else b""
            if len(data) != self._length:
                raise ClientDisconnected
            self._data = data
        return self._data

    async def __call__(self) -> AsyncIterator[bytes]:
        yield await self.whole()


def _body(protocol: Any, headers: Mapping[str, str]) -> Callable[[], AsyncIterator[bytes]]:
    """The body in chunks; raises ``ClientDisconnected`` for one that breaks off.

    Granian ends every body with one empty chunk, and gives one more when reading failed; it raises
    for neither. So a body is whole when it has the announced length, or, announced or not, when
    there was no more than that one. Trailers come as an empty chunk too: they must be announced.
    """
    length = headers.get("content-length", "")
    expected = int(length) if length.isdecimal() else None
    if expected is not None and expected <= SMALL_BODY and "transfer-encoding" not in headers:
        return _SmallBody(protocol, expected)

    async def chunks() -> AsyncIterator[bytes]:
        size = empty = 0
        async for chunk in protocol:
            size += len(chunk)
            empty += not chunk
            if chunk:
                yield chunk
        whole = empty <= 1 or "trailer" in headers if expected is None else size == expected
        if not whole:
            raise ClientDisconnected

    return chunks
