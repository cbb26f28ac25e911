"""What a service sees of HTTP: one request, one response, no server in between.

The gateway turns ASGI (or RSGI) into these and back, so that a service is a plain function from
``Request`` to ``Response`` that a test can call without a socket. Kept small and slotted because it
is made for every request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Header = tuple[str, str]


class BodyTooLarge(Exception):
    """More bytes arrived than the reader allowed; ``limit`` is what was allowed, in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"body larger than {limit} bytes")
        self.limit = limit


class ClientDisconnected(Exception):
    """The client went away before its request had been read or answered."""


async def _no_body() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


class WholeBody(Protocol):
    """A body that can also be read at once, which is cheaper than chunk by chunk."""

    async def whole(self) -> bytes:
        """All of it. Raises ``ClientDisconnected`` for one that breaks off."""
        ...

    def __call__(self) -> AsyncIterator[bytes]: ...


@dataclass(slots=True)
class Request:
    """One HTTP request, as a service receives it.

    ``path`` is still percent-encoded and has the service's prefix removed (``/todos``, not
    ``/rest/v1/todos``); ``prefix`` is what was removed. ``query`` is the raw query string without
    its question mark. Header names are lower case; a repeated header is joined with ``", "``.
    ``body`` gives the body in chunks; one that is a ``WholeBody`` is read at once by ``read``.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], AsyncIterator[bytes]] = _no_body
    id: str = ""
    client: str = ""
    scheme: str = "http"
    host: str = ""
    prefix: str = ""

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises ``BodyTooLarge`` as soon as more than ``limit`` bytes arrived."""
        length = self.headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            raise BodyTooLarge(limit)
        if self.body is _no_body:
            return b""
        whole: Callable[[], Awaitable[bytes]] | None = getattr(self.body, "whole", None)
        if whole is not None:
            body = await whole()
            if len(body) > limit:
                raise BodyTooLarge(limit)
            return body
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.body():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(limit)
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


@dataclass(slots=True)
class Response:
    """One HTTP response. ``body`` is bytes, or an iterator of chunks for a streamed answer.

    A response to HEAD carries the headers of the GET and an empty body; the server adds
    ``content-length`` for bytes.
    """

    status: int
    headers: Sequence[Header] = ()
    body: bytes | AsyncIterator[bytes] = b""


Service = Callable[[Request], Awaitable[Response]]
"""A service: everything mounted under a prefix of the gateway has this shape."""


def bytes_body(data: bytes) -> Callable[[], AsyncIterator[bytes]]:
    """A request body made of ``data``, for tests and for calls made in process."""

    async def chunks() -> AsyncIterator[bytes]:
        if data:
            yield data

    return chunks
