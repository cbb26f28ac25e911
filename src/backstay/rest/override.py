"""A read whose query is too long for a URL: a POST with ``X-HTTP-Method-Override: GET``.

The body holds further query parameters, as a form or as a JSON object. Everything else is as if the
URL had held them: conditions, order, limits, arguments of a function, the read-only transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from backstay.rest import errors, media
from backstay.rest.media import parse_media_type
from backstay.web import Request, Response, bytes_body

HEADER = "x-http-method-override"
_METHODS = ("GET", "HEAD")
_OF_THE_BODY = frozenset({HEADER, "content-type", "content-length"})


def asked(request: Request) -> bool:
    """Whether ``request`` is a read sent by POST."""
    return request.method == "POST" and request.headers.get(HEADER, "").upper() in _METHODS


def as_get(request: Request, body: bytes) -> Request:
    """The read that ``request`` stands for. Raises ``RestError`` BSTAY102."""
    query = "&".join(part for part in (request.query, _parameters(request, body)) if part)
    headers = {name: text for name, text in request.headers.items() if name not in _OF_THE_BODY}
    method = request.headers[HEADER].upper()
    return replace(request, method=method, query=query, headers=headers, body=bytes_body(b""))


def answered(response: Response) -> Response:
    """The answer without the URL that a GET would have had, which may be as long as the body."""
    kept = [header for header in response.headers if header[0].lower() != "content-location"]
    return Response(response.status, kept, response.body)


def _parameters(request: Request, body: bytes) -> str:
    """The body as a query string."""
    kind = parse_media_type(request.headers.get("content-type", media.URL_ENCODED.name))
    if kind == media.URL_ENCODED:
        return body.decode("latin-1").strip()
    if kind != media.JSON:
        raise errors.bad_override("It must be application/x-www-form-urlencoded or JSON.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.bad_override("It is not JSON.") from None
    if not isinstance(found, dict):
        raise errors.bad_override("It must be an object of parameters.")
    return "&".join(_pairs(found))


def _pairs(parameters: dict[str, Any]) -> Iterator[str]:
    for name, value in parameters.items():
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str):
                raise errors.bad_override(f"'{name}' must be text, or a list of texts.")
            yield f"{quote(name, safe='')}={quote(each, safe='')}"
