"""What the RSGI and the ASGI adapter share: heads in, heads out, and the last resort."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from backstay.errors import HttpError
from backstay.gateway.errors import BodyRefused, Incomplete, error_response, failure_response
from backstay.observe.bus import Bus
from backstay.observe.events import RequestFailed
from backstay.web import BodyTooLarge, ClientDisconnected, Header, Request, Response, Service

_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/_.~!$&'()*+,;=:@-]*")
_PATH_SAFE: Final = "/!$&'()*+,;=:@"
_NO_BODY_STATUS: Final = frozenset({204, 304})


async def answer(handler: Service, request: Request, bus: Bus) -> Response:
    """The handler's answer; for whatever it raises, the answer that says least.

    A handler that words its errors, as the gateway does, never comes to this.
    """
    try:
        return await handler(request)
    except HttpError as error:
        return error_response(error, request.id)
    except BodyTooLarge as error:
        return error_response(BodyRefused(error.limit), request.id)
    except ClientDisconnected:
        return error_response(Incomplete())
    except Exception as error:
        bus.emit(RequestFailed(request_id=request.id, service="", error=error))
        return failure_response(request.id)


def joined(pairs: Sequence[Header]) -> dict[str, str]:
    """Headers by lower-case name; a repeated one is joined with ", ", cookies with "; "."""
    headers = dict(pairs)
    if len(headers) == len(pairs):
        return headers
    headers = {}
    for name, value in pairs:
        if name in headers:
            separator = "; " if name == "cookie" else ", "
            headers[name] = f"{headers[name]}{separator}{value}"
        else:
            headers[name] = value
    return headers


def encoded_path(path: str) -> str:
    """A path the server has percent-decoded, encoded again."""
    return path if _PLAIN_PATH.fullmatch(path) else quote(path, safe=_PATH_SAFE)


def status_code(response: Response) -> int:
    """The status, or 500 for one no server can send: applications may set it from SQL."""
    return response.status if 200 <= response.status <= 999 else 500


def has_body(method: str, status: int) -> bool:
    """Whether an answer to ``method`` with ``status`` may carry a body."""
    return method != "HEAD" and status not in _NO_BODY_STATUS
