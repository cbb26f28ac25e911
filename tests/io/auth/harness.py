"""The auth service over a real database, called in process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from backstay.auth.mailer import CapturedMailer
from backstay.auth.passwords import Hasher
from backstay.auth.service import AuthService
from backstay.clock import ManualClock
from backstay.config.auth import AuthSettings
from backstay.config.auth_profile import AuthProfile
from backstay.db.pool import Pool
from backstay.observe.bus import Bus
from backstay.observe.events import Failed
from backstay.tokens.keys import KeySet
from backstay.tokens.sign import Signer
from backstay.tokens.verify import JwtVerifier
from backstay.web import Request, bytes_body
from tests.support.cluster import Database

SECRET = "a-secret-for-tests-of-at-least-32-characters"
EXTERNAL = "http://127.0.0.1:54321/auth/v1"
START = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)
VERSIONED = {"x-supabase-api-version": "2024-01-01"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.headers.get("x-sb-error-code", "")


@dataclass
class Auth:
    """A service, and a client of it. ``dsn`` is for looking into the database."""

    service: AuthService
    clock: ManualClock
    mailer: CapturedMailer
    signer: Signer
    dsn: str
    failures: list[Failed] = field(default_factory=list)

    async def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Reply:
        path, _, query = target.partition("?")
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {token}"} if token else {}
        request = Request(
            method,
            path,
            query,
            {**sent, **(headers or {})},
            bytes_body(data),
            id="request-1",
            client="127.0.0.1",
        )
        response = await self.service(request)
        assert isinstance(response.body, bytes)
        return Reply(response.status, dict(response.headers), response.body)

    async def ok(self, method: str, target: str, body: Any = None, *, token: str = "") -> Any:
        """The JSON of a call that must succeed."""
        reply = await self.call(method, target, body, token=token)
        assert reply.status == 200, reply
        return reply.json

    async def sign_up(self, email: str = "ada@example.com", password: str = "correct1") -> Any:
        return await self.ok("POST", "/signup", {"email": email, "password": password})

    async def sign_in(self, email: str = "ada@example.com", password: str = "correct1") -> Reply:
        credentials = {"email": email, "password": password}
        return await self.call("POST", "/token?grant_type=password", credentials)

    async def refresh(self, token: str) -> Reply:
        return await self.call("POST", "/token?grant_type=refresh_token", {"refresh_token": token})

    @property
    def service_key(self) -> str:
        return self.signer.sign({"iss": "tests", "role": "service_role", "exp": 4_000_000_000})

    @property
    def anon_key(self) -> str:
        return self.signer.sign({"iss": "tests", "role": "anon", "exp": 4_000_000_000})

    def wait(self, seconds: float) -> None:
        self.clock.set(self.clock.now() + timedelta(seconds=seconds))

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a superuser sees, outside any request."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), params or None)
            return cursor.fetchall() if cursor.description else []


def settings(**changes: Any) -> AuthSettings:
    """The CLI's settings with ``changes``; ``email=dict`` changes that section only."""
    base = AuthSettings(external_url=EXTERNAL)
    for section in ("email", "sms", "sessions", "hook"):
        if section in changes:
            changes[section] = replace(getattr(base, section), **changes[section])
    return replace(base, **changes)


@asynccontextmanager
async def serving(
    database: Database, configured: AuthSettings, profile: AuthProfile | None = None
) -> AsyncIterator[Auth]:
    """The service over ``database`` with cheap hashes and a clock that is turned by hand."""
    clock, mailer, bus = ManualClock(START), CapturedMailer(), Bus()
    pool = Pool(database.dsn("supabase_auth_admin"), size=6)
    await pool.open()
    signer = Signer.from_secret(SECRET)
    service = AuthService(
        pool,
        configured,
        profile=profile or AuthProfile(),
        signer=signer,
        verifier=JwtVerifier.for_auth(KeySet.from_secret(SECRET), clock),
        clock=clock,
        mailer=mailer,
        observer=bus,
        hasher=Hasher(cost=4),
    )
    auth = Auth(service, clock, mailer, signer, database.dsn("supabase_admin"))
    bus.subscribe(Failed, auth.failures.append)
    try:
        yield auth
    finally:
        service.close()
        await pool.close()
