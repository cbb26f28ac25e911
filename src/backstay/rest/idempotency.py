"""Writes that are done once: a request with an ``Idempotency-Key`` and every repetition of it.

    claim the key ─▶ the request ─▶ keep its reply ─▶ commit          one transaction
         └ known already: the kept reply, nothing else is done

A key belongs to a caller: a role and its claims but for the times of the token. The table is
written and read by the login role within the transaction, between the caller's own statements; the
roles a token can name have no right to it, so that nobody sees another one's replies. A request
that fails leaves no trace and may be sent again under the same key.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from weakref import WeakValueDictionary

import orjson

from backstay.db.model import DatabaseError, Param, Query, Result, Session, Transaction
from backstay.rest import errors
from backstay.rest.auth import Caller
from backstay.rest.execute import Database
from backstay.rest.transaction import OneTransaction, one_transaction
from backstay.web import Header, Request, Response

HEADER = "idempotency-key"
REPLAYED: Header = ("Idempotent-Replayed", "true")

_METHODS = frozenset({"POST", "PATCH", "PUT", "DELETE"})
_KEY = re.compile(r"[\x20-\x7e]{1,255}\Z")
_NAMED = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_TIMES_OF_A_TOKEN = frozenset({"exp", "iat", "nbf", "jti"})
_DECIDING = (
    "accept",
    "accept-profile",
    "content-profile",
    "content-type",
    "prefer",
    "x-http-method-override",
)
"""Headers that make a request another one."""

_OURS = Session(search_path="pg_catalog")
"""Nothing the caller put into the search path is to be found by our statements."""

_NOT_SET_UP = frozenset({"42P01", "3F000", "42501"})
_CONFLICT = "40001"

Serve = Callable[[Request, Database], Awaitable[Response]]


class _Known(Exception):
    """The key was used before: with this ``reply``."""

    def __init__(self, reply: Response) -> None:
        super().__init__()
        self.reply = reply


def asked(request: Request) -> bool:
    """Whether ``request`` is a write that is to be done once."""
    return HEADER in request.headers and request.method in _METHODS


class Turns:
    """Repetitions that come to this process wait here, not with a connection in their hands."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[Param, ...], asyncio.Lock] = WeakValueDictionary()

    def of(self, key: tuple[Param, ...]) -> asyncio.Lock:
        """The lock of a key, as long as somebody holds or awaits it."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock


async def once(serve: Serve, pool: Database, claim: Claim, request: Request) -> Response:
    """Serve ``request``, whose body can be read again, or give the reply it had.

    Raises ``RestError`` BSTAY121 and BSTAY122, and what serving or the commit raises.
    """
    try:
        return await _served(serve, pool, claim, request)
    except _Known as known:
        return known.reply
    except DatabaseError as error:
        # Stricter isolation than the default cannot see what it waited for; a new one can.
        if error.sqlstate != _CONFLICT or not claim.pending:
            raise
    try:
        return await _served(serve, pool, claim, request)
    except _Known as known:
        return known.reply


async def _served(serve: Serve, pool: Database, claim: Claim, request: Request) -> Response:
    async with one_transaction(pool, claim) as transaction:
        response = await serve(request, transaction)
        if not (claim.pending or transaction.rolls_back):
            await _keep(transaction, claim, response)
    return response


class Claim:
    """A key in the hands of one request: what a transaction has to begin with.

    Its reply is kept for ``expiry`` seconds from ``now``. Raises ``RestError`` BSTAY120.
    """

    def __init__(
        self, caller: Caller, request: Request, body: bytes, now: datetime, expiry: float
    ) -> None:
        key = request.headers[HEADER]
        if not _KEY.match(key):
            raise errors.bad_key()
        self.now = now.isoformat()
        self.id: tuple[Param, ...] = (_bytea(caller_hash(caller)), key)
        self._request = _bytea(request_hash(request, body))
        self._expires = (now + timedelta(seconds=expiry)).isoformat()
        self.pending = True
        """Not yet made, or it could not be."""

    async def __call__(self, transaction: Transaction) -> None:
        """Take the key, or raise what is known of it."""
        self.pending = True
        values = (*self.id, self._request)
        try:
            _, taken, found = await transaction.run_all(
                (
                    Query("select pg_catalog.set_config('search_path', 'pg_catalog', true)"),
                    Query(_sql("claim"), (*values, self._expires, self.now)),
                    Query(_sql("find"), values),
                )
            )
        except DatabaseError as error:
            if error.sqlstate in _NOT_SET_UP:
                raise errors.keys_not_set_up(error.message) from error
            raise
        self.pending = False
        if not taken.affected:
            raise _Known(_reply(found))


def _reply(found: Result) -> Response:
    same, status, headers, body = found.rows[0]
    if same != b"t":
        raise errors.key_reused()
    listed = [(name, value) for name, value in orjson.loads(headers or b"[]")]
    content = bytes.fromhex((body or b"\\x")[2:].decode("ascii"))
    return Response(int(status or 0), [*listed, REPLAYED], content)


async def _keep(transaction: OneTransaction, claim: Claim, response: Response) -> None:
    assert isinstance(response.body, bytes)
    headers = orjson.dumps(list(response.headers))
    reply = (str(response.status), headers, _bytea(response.body))
    await transaction.run_all(
        _OURS,
        (Query(_sql("keep"), (*claim.id, *reply)), Query(_sql("sweep"), (claim.now,))),
    )


def caller_hash(caller: Caller) -> bytes:
    """Who a key belongs to: the same after a token was refreshed, another for anybody else."""
    claims = orjson.loads(caller.claims)
    lasting = {name: value for name, value in claims.items() if name not in _TIMES_OF_A_TOKEN}
    return _hash(caller.role, orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS))


def request_hash(request: Request, body: bytes) -> bytes:
    """What a key stands for: everything that decides what is done and answered."""
    chosen = {name: request.headers.get(name) for name in _DECIDING}
    return _hash(request.method, request.path, request.query, orjson.dumps(chosen), body)


def _hash(*parts: str | bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8) + raw)
    return digest.digest()


def _bytea(raw: bytes) -> str:
    return f"\\x{raw.hex()}"


def _sql(name: str) -> str:
    return _statements()[name]


@lru_cache(maxsize=1)
def _statements() -> Mapping[str, str]:
    text = files("backstay.rest").joinpath("idempotency.sql").read_text(encoding="utf-8")
    _, *parts = _NAMED.split(text)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
