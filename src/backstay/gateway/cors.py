"""CORS, for every service alike: any origin may call, and preflights end here.

A preflight is answered with what it asks for. Credentials are not part of it: clients send their
tokens in headers, so ``*`` is safe and nothing depends on the origin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from backstay.web import Header, Request, Response

_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_REQUEST_HEADERS: Final = (
    "Authorization, Content-Type, apikey, X-Client-Info, X-Supabase-Api-Version, Accept, "
    "Accept-Profile, Content-Profile, Prefer, Range, Range-Unit, X-Retry-Count"
)
_EXPOSED: Final = (
    "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, ETag, Link, Location, "
    "Preference-Applied, Range-Unit, Server, Transfer-Encoding, Upload-Length, Upload-Offset, "
    "Tus-Resumable, X-Request-Id, X-Supabase-Api-Version, X-Total-Count, sb-request-id, "
    "x-sb-error-code, Batch-Failed, Idempotent-Replayed"
)
_MAX_AGE: Final = "86400"

_ALLOW: Final[Header] = ("access-control-allow-origin", "*")
_EXPOSE: Final[Header] = ("access-control-expose-headers", _EXPOSED)
_FROM_ANYWHERE: Final = (_ALLOW,)
_FROM_A_PAGE: Final = (_ALLOW, _EXPOSE)


def is_preflight(request: Request) -> bool:
    """Whether a browser asks, on behalf of a page, if it may send a request."""
    headers = request.headers
    return (
        request.method == "OPTIONS"
        and "origin" in headers
        and "access-control-request-method" in headers
    )


def preflight(headers: Mapping[str, str]) -> Response:
    """The permission, echoing the method, headers and private network that are asked for."""
    asked = headers.get("access-control-request-method", "")
    answer = [
        _ALLOW,
        ("access-control-allow-methods", _methods(asked)),
        (
            "access-control-allow-headers",
            headers.get("access-control-request-headers") or _REQUEST_HEADERS,
        ),
        ("access-control-max-age", _MAX_AGE),
        ("vary", "Access-Control-Request-Headers, Access-Control-Request-Method"),
    ]
    if headers.get("access-control-request-private-network") == "true":
        answer.append(("access-control-allow-private-network", "true"))
    return Response(200, answer)


def cors_headers(request: Mapping[str, str], answered: Sequence[Header]) -> Sequence[Header]:
    """What an answer needs so that a page may read it; nothing when its service,
    in lower case, saw to that."""
    for name, _ in answered:
        if name == "access-control-allow-origin":
            return ()
    return _FROM_A_PAGE if "origin" in request else _FROM_ANYWHERE


def _methods(asked: str) -> str:
    known = asked.upper() in _METHODS or not asked.isalpha()
    return _METHODS if known else f"{_METHODS}, {asked.upper()}"
