"""From ASGI to ``web.Request`` and back: for in-process clients, tests, and other servers.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from backstay.gateway.adapter import answer, encoded_path, has_body, joined, status_code
from backstay.gateway.in_flight import InFlight
from backstay.observe.bus import Bus
from backstay.observe.events import ClientLeft
from backstay.web import ClientDisconnected, Request, Response, Service

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]


class AsgiApp:
    """An ASGI application that hands every HTTP request to ``handler``."""

    def __init__(self, handler: Service, bus: Bus) -> None:
        self._handler = handler
        self._bus = bus
        self._in_flight = InFlight()

    @property
    def in_flight(self) -> int:
        """How many requests are being answered."""
        return len(self._in_flight)

    async def drain(self, timeout: float) -> int:  # noqa: ASYNC109 - the remainder is the result
        """Let the requests in flight end; how many were cancelled after ``timeout`` seconds."""
        return await self._in_flight.drain(timeout)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await _lifespan(receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1013})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        inbox = _Inbox(receive)
        request = _request(scope, inbox)
        flight = self._in_flight.enter(inbox.gone)
        try:
            response = await answer(self._handler, request, self._bus)
            await _send(request, response, send)
        except asyncio.CancelledError:
            if not flight.abandoned:
                raise
            self._bus.emit(ClientLeft(request_id=request.id, path=request.path))
        except ClientDisconnected:
            self._bus.emit(ClientLeft(request_id=request.id, path=request.path))
        finally:
            self._in_flight.leave(flight)


def asgi_app(handler: Service, bus: Bus) -> AsgiApp:
    """An ASGI application that serves ``handler``."""
    return AsgiApp(handler, bus)


class _Inbox:
    """What a client sends. ``receive`` has one reader at a time: the body, then the watch."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = asyncio.Event()

    async def body(self) -> AsyncIterator[bytes]:
        while not self._complete.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            if not message.get("more_body", False):
                self._complete.set()
            if chunk := message.get("body", b""):
                yield chunk

    async def gone(self) -> None:
        """Returns when the client has gone away. While it still sends, ``body`` notices that."""
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _request(scope: Scope, inbox: _Inbox) -> Request:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    headers = joined(pairs)
    raw = scope.get("raw_path")
    request = Request(
        scope["method"],
        raw.partition(b"?")[0].decode("latin-1") if raw else encoded_path(scope["path"]),
        scope["query_string"].decode("latin-1"),
        headers,
        client=(scope.get("client") or ("",))[0],
        scheme=scope.get("scheme", "http"),
        host=headers.get("host", ""),
    )
    request.body = inbox.body
    return request


async def _send(request: Request, response: Response, send: Send) -> None:
    status, body = status_code(response), response.body
    headers = [(name.lower().encode("latin-1"), value.encode()) for name, value in response.headers]
    silent = not has_body(request.method, status)
    if isinstance(body, bytes):
        if status not in (204, 304) and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if silent else body})
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if not silent:
        async for chunk in body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _lifespan(receive: Receive, send: Send) -> None:
    """Starting and stopping is the composition root's; here they are only acknowledged."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
