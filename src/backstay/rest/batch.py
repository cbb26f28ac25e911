"""``POST /batch``: a list of requests in one transaction, all of them or none.

Each request is served as if it had been sent by itself, by the same caller; the transaction alone
is shared. The first that fails undoes everything, and its error is the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from backstay.db.model import DatabaseError
from backstay.rest import errors, media
from backstay.rest.auth import Caller
from backstay.rest.errors import RestError
from backstay.rest.execute import Database
from backstay.rest.failures import failure
from backstay.rest.media import parse_media_type
from backstay.rest.respond import VARY
from backstay.rest.transaction import Refused, one_transaction
from backstay.web import Request, Response, bytes_body

PATH = "/batch"
FAILED = "Batch-Failed"
"""The header that says which request failed, counted from 0."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"})
_MEMBERS = frozenset({"method", "path", "headers", "body"})
_OWN = frozenset(
    {
        "accept",
        "accept-profile",
        "content-profile",
        "content-type",
        "prefer",
        "range",
        "range-unit",
        "x-http-method-override",
    }
)
"""Headers that say something of one request. All others are the batch's: who asks, from where, and
whatever else policies may go by."""

_NOT_INHERITED = _OWN | {"content-encoding", "content-length", "idempotency-key"}

_LEFT_OUT = frozenset({"server-timing"})

One = Callable[[Request, Database], Awaitable[Response]]


def asked(request: Request) -> bool:
    """Whether ``request`` is a batch."""
    return request.method == "POST" and request.path.rstrip("/") == PATH


async def run(
    one: One, database: Database, caller: Caller, request: Request, body: bytes, limit: int
) -> Response:
    """Answer a batch of at most ``limit`` requests, each by ``one``.

    Raises ``RestError`` BSTAY100 and BSTAY101 and that of the first request that fails, ``Refused``
    for one that is answered with an error, and what the commit raises.
    """
    steps = parse(request, body, limit)
    answers: list[bytes] = []
    async with one_transaction(database) as transaction:
        for place, step in enumerate(steps):
            try:
                answers.append(_listed(await one(step, transaction), place))
            except RestError as error:
                error.headers = (*error.headers, (FAILED, str(place)))
                raise
            except DatabaseError as error:
                refusal = failure(error, authenticated=not caller.anonymous)
                refusal.headers = (*refusal.headers, (FAILED, str(place)))
                raise refusal from error
    listed = b"[" + b",".join(answers) + b"]"
    return Response(200, [("Content-Type", media.JSON.content_type), VARY], listed)


def _listed(response: Response, place: int) -> bytes:
    """One answer of the list. Raises ``Refused`` when it is an error."""
    if response.status < 400:
        return written(response)
    kept = [header for header in response.headers if header[0].lower() not in _LEFT_OUT]
    raise Refused(Response(response.status, [*kept, (FAILED, str(place))], response.body))


def written(response: Response) -> bytes:
    """An answer as JSON: its body as it came where that is JSON, as text where it is not."""
    assert isinstance(response.body, bytes)
    headers: dict[str, str] = {}
    for name, value in response.headers:
        key = name.lower()
        if key not in _LEFT_OUT:
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
    head = orjson.dumps({"status": response.status, "headers": headers})
    return head[:-1] + b',"body":' + _body(response.body, headers.get("content-type", "")) + b"}"


def _body(body: bytes, content_type: str) -> bytes:
    name = content_type.partition(";")[0].strip()
    if not body:
        return b"null"
    if name == "application/json" or name.endswith("+json"):
        return body
    return orjson.dumps(body.decode("utf-8", "replace"))


def parse(request: Request, body: bytes, limit: int) -> list[Request]:
    """The requests of a batch. Raises ``RestError`` BSTAY100 and BSTAY101."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.bad_batch("It is not JSON.") from None
    if not isinstance(found, list):
        raise errors.bad_batch("It must be a list of requests.")
    if len(found) > limit:
        raise errors.batch_too_long(len(found), limit)
    inherited = {
        name: value for name, value in request.headers.items() if name not in _NOT_INHERITED
    }
    return [_step(request, inherited, each, place) for place, each in enumerate(found)]


def _step(whole: Request, inherited: Mapping[str, str], found: Any, place: int) -> Request:
    if not isinstance(found, dict) or not found.keys() <= _MEMBERS:
        raise errors.bad_batch(f"Request {place} must have method, path, headers and body only.")
    method, target = found.get("method", "GET"), found.get("path")
    if method not in _METHODS:
        raise errors.bad_batch(f"Request {place} has no method that a batch may use.")
    if not isinstance(target, str) or not target.startswith("/"):
        raise errors.bad_batch(f"Request {place} needs a path that begins with a slash.")
    if whole.prefix and target.startswith(f"{whole.prefix}/"):
        target = target[len(whole.prefix) :]
    own = _headers(found.get("headers", {}), place)
    path, _, query = target.partition("?")
    step = replace(
        whole,
        method=method,
        path=path,
        query=query,
        headers={**inherited, **own},
        body=bytes_body(_sent(found, own)),
    )
    if asked(step):
        raise errors.bad_batch(f"Request {place} is a batch itself.")
    return step


def _headers(found: Any, place: int) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise errors.bad_batch(f"The headers of request {place} must be an object of texts.")
    headers = {name.lower(): text for name, text in found.items()}
    refused = sorted(headers.keys() - _OWN)
    if refused:
        raise errors.bad_batch(f"Request {place} may not have a header {refused[0]} of its own.")
    return headers


def _sent(found: dict[str, Any], headers: Mapping[str, str]) -> bytes:
    """The bytes a body stands for: JSON, unless its own content type says that it is text."""
    if "body" not in found:
        return b""
    kind = parse_media_type(headers.get("content-type", media.JSON.name))
    if isinstance(found["body"], str) and kind != media.JSON:
        return found["body"].encode()
    return orjson.dumps(found["body"])
