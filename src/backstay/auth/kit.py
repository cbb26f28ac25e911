"""What every flow is given: the project's parts (``Kit``) and the request (``Call``)."""

from __future__ import annotations

import ipaddress
import json
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from backstay.auth.body import Body, parse_body, read_bytes
from backstay.auth.errors import AuthError, Code, internal
from backstay.auth.mailer import Mail, Mailer
from backstay.auth.model import AUTHENTICATED, Session, User
from backstay.auth.passwords import Hasher
from backstay.auth.redirects import Redirects
from backstay.auth.rotation import Rules
from backstay.auth.statements import Statements
from backstay.clock import Clock
from backstay.config.auth import AuthSettings
from backstay.config.auth_profile import AuthProfile
from backstay.db.model import DatabaseError, Query, Result, Transaction
from backstay.db.model import Session as DatabaseSession
from backstay.db.pool import Pool
from backstay.tokens.model import Claims, Verifier
from backstay.tokens.sign import Signer
from backstay.web import Header, Request, Response

ADMIN: Final = DatabaseSession(role="supabase_auth_admin", search_path="auth")
"""The service's own role: the one place it is named. It owns the schema and nothing else."""

ADMIN_ROLES: Final = ("service_role", "supabase_admin")
"""Roles whose tokens may use the admin endpoints."""


@dataclass(frozen=True, slots=True)
class Kit:
    """The parts of one project the flows work with."""

    pool: Pool
    settings: AuthSettings
    profile: AuthProfile
    statements: Statements
    signer: Signer
    verifier: Verifier
    clock: Clock
    mailer: Mailer
    hasher: Hasher
    redirects: Redirects
    rules: Rules
    jwks: Mapping[str, Any]

    async def run(self, name: str, *params: bytes | str | None) -> Result:
        """One named statement in one round trip."""
        return await self.pool.run(ADMIN, self.statements(name, *params))

    async def run_all(self, queries: Sequence[Query]) -> list[Result]:
        """Several statements in one transaction and one round trip."""
        return await self.pool.run_all(ADMIN, queries)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """For flows that decide between statements."""
        async with self.pool.transaction(ADMIN) as tx:
            yield tx

    async def find(self, name: str, *params: bytes | str | None) -> User | None:
        """The user a statement answers."""
        return first_user(await self.run(name, *params))


@dataclass(slots=True)
class Call:
    """One request to the service, and who makes it once that is known."""

    request: Request
    now: datetime
    query: Mapping[str, str]
    claims: Claims | None = None
    user: User | None = None
    session: Session | None = None
    headers: list[Header] = field(default_factory=list)
    """Headers of the answer."""
    mails: list[Mail] = field(default_factory=list)
    """Sent when the transaction that promised them is committed."""
    _bytes: bytes | None = None

    @classmethod
    def of(cls, request: Request, now: datetime) -> Call:
        pairs = parse_qsl(request.query, keep_blank_values=True)
        return cls(request, now, dict(reversed(pairs)))

    async def bytes(self) -> bytes:
        """The body as it came. Raises ``AuthError`` 413."""
        if self._bytes is None:
            self._bytes = await read_bytes(self.request)
        return self._bytes

    async def body(self) -> Body:
        """The body as JSON. Raises ``AuthError`` 400 ``bad_json``, 413."""
        return parse_body(await self.bytes())

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    @property
    def role(self) -> str:
        """The role the bearer's token names."""
        return (self.claims.text("role") or "") if self.claims else ""

    @property
    def audience(self) -> str:
        """Header, then the token's (unless it is an administrator's), then the ordinary one."""
        if named := self.header("x-jwt-aud"):
            return named
        if self.claims is not None and self.role not in ADMIN_ROLES:
            aud = self.claims.data.get("aud")
            first = aud[0] if isinstance(aud, list) and aud else aud
            if isinstance(first, str) and first:
                return first
        return AUTHENTICATED

    @property
    def ip(self) -> str:
        """The client's address; empty when none is known."""
        return _address(self.request)

    @property
    def user_agent(self) -> str | None:
        return self.header("user-agent") or None

    def known(self) -> User:
        """The user of an authenticated route."""
        if self.user is None:
            raise internal("Could not read claims")
        return self.user

    def reply(self, document: Any, status: int = 200) -> Response:
        """``document`` as the JSON answer, with the headers collected on the way."""
        headers = (*self.headers, ("content-type", "application/json"))
        return Response(status, headers, to_json(document))


def to_json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def json_text(document: Any) -> str:
    """``document`` as a parameter of type json."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def new_id() -> str:
    return str(uuid.uuid4())


def as_uuid(text: str) -> str | None:
    """``text`` in the canonical form of a UUID, or None when it is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def first_user(result: Result) -> User | None:
    """The user in the first column of the first row."""
    cell = result.rows[0][0] if result.rows else None
    return None if cell is None else User.from_json(bytes(cell))


@contextmanager
def database(doing: str) -> Iterator[None]:
    """Turns what the database refuses while ``doing`` into the documented 500."""
    try:
        yield
    except DatabaseError as error:
        raise refused(error, doing) from error


def refused(error: DatabaseError, doing: str) -> AuthError:
    """400 for a value that fits no column; else 500, whose cause is PostgreSQL's message."""
    if error.sqlstate in ("22001", "22021", "22P05"):
        return AuthError(400, Code.VALIDATION_FAILED, "A value is too long or cannot be stored")
    return internal(f"Database error {doing}")


def _address(request: Request) -> str:
    """The client's address: the first valid one of X-Forwarded-For, else the socket's."""
    forwarded = request.headers.get("x-forwarded-for", "")
    for text in (*forwarded.split(","), request.client):
        try:
            return str(ipaddress.ip_address(text.strip()))
        except ValueError:
            continue
    return ""
