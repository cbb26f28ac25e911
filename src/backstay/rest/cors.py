"""CORS as PostgREST does it on its own, for serving without a gateway.

https://docs.postgrest.org/en/stable/references/configuration.html#server-cors-allowed-origins
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backstay.web import Header, Request, Response, Service

_METHODS = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
_SIMPLE_HEADERS = ("Accept", "Accept-Language", "Content-Language")
_EXPOSED = (
    "Content-Encoding, Content-Location, Content-Range, Content-Type, "
    "Date, Location, Server, Transfer-Encoding, Range-Unit"
)
_MAX_AGE = "86400"


def with_cors(service: Service, allowed_origins: Callable[[], Sequence[str]]) -> Service:
    """``service`` with preflights answered and CORS headers added.

    ``allowed_origins`` is asked for every request, since it may change; none means any origin.
    """

    async def serve(request: Request) -> Response:
        origin = request.headers.get("origin")
        if origin is None:
            return await service(request)
        headers = _origin_headers(origin, allowed_origins())
        if not headers:
            return await service(request)
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return Response(200, [*headers, *_preflight(request)])
        response = await service(request)
        kept = [h for h in response.headers if h[0].lower() != "access-control-allow-origin"]
        exposed = ("Access-Control-Expose-Headers", _EXPOSED)
        return Response(response.status, [*headers, exposed, *kept], response.body)

    return serve


def _origin_headers(origin: str, allowed: Sequence[str]) -> list[Header]:
    if not allowed:
        return [("Access-Control-Allow-Origin", "*")]
    if origin not in allowed:
        return []
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
    ]


def _preflight(request: Request) -> list[Header]:
    asked = request.headers.get("access-control-request-headers", "")
    names = ["Authorization", *(name.strip() for name in asked.split(",") if name.strip())]
    present = {name.lower() for name in names}
    names += [name for name in _SIMPLE_HEADERS if name.lower() not in present]
    return [
        ("Access-Control-Allow-Methods", _METHODS),
        ("Access-Control-Allow-Headers", ", ".join(names)),
        ("Access-Control-Max-Age", _MAX_AGE),
    ]
