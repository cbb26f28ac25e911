"""How large a request may be, before its service sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

from backstay.gateway.errors import BodyRefused, TargetRefused
from backstay.web import BodyTooLarge, Request

_BODYLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Body = Callable[[], AsyncIterator[bytes]]


def check_target(request: Request, limit: int) -> None:
    """Raises ``TargetRefused`` (414) when path and query are longer than ``limit`` bytes."""
    if limit and len(request.path) + len(request.query) > limit:
        raise TargetRefused(limit)


def limit_body(request: Request, limit: int) -> None:
    """Refuse a body announced as larger than ``limit`` (413), and stop one that grows larger."""
    if not limit:
        return
    announced = request.headers.get("content-length")
    if announced is None:
        if "transfer-encoding" in request.headers or request.method not in _BODYLESS:
            request.body = _counted(request.body, limit)
    elif announced.isdecimal() and int(announced) > limit:
        raise BodyRefused(limit)


def _counted(body: Body, limit: int) -> Body:
    async def chunks() -> AsyncIterator[bytes]:
        size = 0
        async for chunk in body():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(limit)
            yield chunk

    return chunks
