"""POST /token?grant_type=refresh_token: a new pair for a refresh token.

The ordinary case is one statement, one round trip. Whatever it does not cover (a spent token, a
session that is over, a hook) is decided by ``rotation`` under locks on the session and the token;
who finds them locked tries again for a few seconds without holding a connection.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any, Final

from backstay.auth import audit
from backstay.auth.errors import AuthError, Code, bad_request, invalid
from backstay.auth.issue import Grant, access_token, hooked, plain_token, token_answer
from backstay.auth.kit import Call, Kit, database, new_id
from backstay.auth.model import RefreshToken, Session, User
from backstay.auth.rotation import Decision, decide, is_token, lapsed, new_token, since
from backstay.auth.times import stored
from backstay.clock import monotonic
from backstay.db.model import DatabaseError, Query, Row, Transaction
from backstay.web import Response

PATIENCE: Final = 5.0
"""Seconds to wait for whoever is refreshing the same session."""

NOT_FOUND: Final = "Invalid Refresh Token: Refresh Token Not Found"
ALREADY_USED: Final = "Invalid Refresh Token: Already Used"


@dataclass(frozen=True, slots=True)
class _Found:
    token: RefreshToken
    user: User | None
    session: Session | None
    active: RefreshToken | None

    @classmethod
    def of(cls, row: Row) -> _Found:
        token, user, session, active = row
        return cls(
            RefreshToken.from_json(bytes(token or b"")),
            None if user is None else User.from_json(bytes(user)),
            None if session is None else Session.from_json(bytes(session)),
            None if active is None else RefreshToken.from_json(bytes(active)),
        )


async def refresh_grant(kit: Kit, call: Call) -> Response:
    """The endpoint."""
    presented = (await call.body()).text("refresh_token")
    if not is_token(presented):
        raise invalid("Refresh token is not valid")
    with database("refreshing token"):
        if not hooked(kit):
            answer = await _at_once(kit, call, presented)
            if answer is not None:
                return call.reply(answer)
        return call.reply(await _in_turn(kit, call, presented))


async def _at_once(kit: Kit, call: Call, presented: str) -> dict[str, Any] | None:
    """The rotation of an active token in one statement; None when it is not that simple."""
    token = new_token()
    result = await kit.run(
        "rotate",
        presented,
        token,
        stored(call.now),
        call.user_agent,
        call.ip or None,
        stored(since(kit.rules.timebox, call.now)),
        stored(since(kit.rules.inactivity, call.now)),
        new_id(),
        new_id(),
    )
    if not result.rows:
        return None
    user_cell, session_cell = result.rows[0]
    user, session = (
        User.from_json(bytes(user_cell or b"")),
        Session.from_json(bytes(session_cell or b"")),
    )
    grant = Grant(session.id, token, session.methods)
    call.headers.append(("sb-auth-refresh-token-reuse", "false"))
    return token_answer(kit, call, user, grant, plain_token(kit, call, user, grant))


async def _in_turn(kit: Kit, call: Call, presented: str) -> dict[str, Any]:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        found = await _read(kit, presented)
        _check(kit, call, found)
        if found.session is None:
            await kit.run("delete_token", presented)
            message = "Invalid Refresh Token: No Valid Session Found"
            raise bad_request(Code.SESSION_NOT_FOUND, message)
        answer = await _locked(kit, call, presented)
        if answer is not None:
            return answer
        await asyncio.sleep(random.uniform(0.01, 0.03))  # noqa: S311
    raise AuthError(
        409,
        Code.CONFLICT,
        "Too many concurrent token refresh requests on the same session or refresh token",
    )


async def _read(kit: Kit, presented: str) -> _Found:
    result = await kit.run("read_token", presented)
    if not result.rows:
        raise bad_request(Code.REFRESH_TOKEN_NOT_FOUND, NOT_FOUND)
    return _Found.of(result.rows[0])


def _check(kit: Kit, call: Call, found: _Found) -> None:
    """Raises ``AuthError`` when no lock is needed to refuse."""
    if found.user is None:
        raise bad_request(Code.REFRESH_TOKEN_NOT_FOUND, NOT_FOUND)
    call.headers[:] = [("sb-auth-user-id", found.user.id)]
    if found.user.banned(call.now):
        raise bad_request(Code.USER_BANNED, "Invalid Refresh Token: User Banned")
    if found.session is None:
        return
    lapse = lapsed(found.session, found.token.updated_at, kit.rules, call.now)
    if lapse is not None:
        raise bad_request(Code.SESSION_EXPIRED, lapse.value)


async def _locked(kit: Kit, call: Call, presented: str) -> dict[str, Any] | None:
    """Decide with the session and the token locked; None when someone else holds them."""
    refusal: AuthError | None = None
    answer: dict[str, Any] | None = None
    try:
        async with kit.transaction() as tx:
            locked, now = await tx.run_all(
                (
                    kit.statements("lock_token", presented),
                    kit.statements("read_token", presented),
                )
            )
            if not locked.rows:
                return None
            found = _Found.of(now.rows[0])
            decision = decide(found.token, found.active, kit.rules, call.now)
            if decision in (Decision.ROTATE, Decision.RETURN):
                answer = await _grant(kit, call, tx, found, decision)
            else:
                # Committed, not rolled back: the revocation is the answer to the abuse.
                refusal = bad_request(Code.REFRESH_TOKEN_ALREADY_USED, ALREADY_USED)
                if decision is Decision.REVOKE:
                    await _revoke(kit, call, tx, found)
    except DatabaseError as error:
        if error.sqlstate in ("40001", "40P01"):
            return None
        raise
    if refusal is not None:
        raise refusal
    return answer


async def _grant(
    kit: Kit, call: Call, tx: Transaction, found: _Found, decision: Decision
) -> dict[str, Any]:
    user, session = found.user, found.session
    if user is None or session is None:
        raise bad_request(Code.SESSION_NOT_FOUND, "Invalid Refresh Token: No Valid Session Found")
    now = stored(call.now)
    statements: list[Query] = [audit.entry(kit, call, user, "token_refreshed")]
    if decision is Decision.RETURN and found.active is not None:
        token = found.active.token
    else:
        token = new_token()
        statements += [
            audit.entry(kit, call, user, "token_revoked"),
            kit.statements("spend_token", found.token.token, now),
            kit.statements("insert_token", token, found.token.token, user.id, session.id, now),
        ]
        call.headers.append(("sb-auth-refresh-token-reuse", "false"))
    statements.append(
        kit.statements("touch_session", session.id, now, call.user_agent, call.ip or None)
    )
    await tx.run_all(statements)
    grant = Grant(session.id, token, session.methods)
    signed = await access_token(kit, call, tx, user, grant, "token_refresh")
    call.headers[:] = [h for h in call.headers if h[0] != "sb-auth-user-id"]
    return token_answer(kit, call, user, grant, signed)


async def _revoke(kit: Kit, call: Call, tx: Transaction, found: _Found) -> None:
    if found.session is not None:
        await tx.run(kit.statements("revoke_family", found.session.id, stored(call.now)))
