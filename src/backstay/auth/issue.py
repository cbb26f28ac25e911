"""Sessions: opened, and answered with an access token and a refresh token.

Without a custom_access_token hook, everything is one round trip; with one, the hook runs inside the
transaction that opens the session, so that its refusal leaves none behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backstay.auth import hooks
from backstay.auth.claims import access_claims, checked
from backstay.auth.errors import AuthError, Code, internal
from backstay.auth.kit import Call, Kit, first_user, new_id
from backstay.auth.model import Method, User
from backstay.auth.present import user_json
from backstay.auth.rotation import new_token
from backstay.auth.times import stored
from backstay.db.model import Query, Transaction


@dataclass(frozen=True, slots=True)
class Grant:
    """A session and what it was given: the refresh token, and how it was authenticated."""

    session_id: str
    refresh_token: str
    methods: tuple[Method, ...]


def new_grant(call: Call, method: str) -> Grant:
    """A grant for a session that is about to be opened by ``method``."""
    return Grant(new_id(), new_token(), (Method(method, call.now),))


def opening(kit: Kit, call: Call, grant: Grant, user_id: str) -> Query:
    """The statement that opens the session of ``grant``; it answers the user."""
    return kit.statements(
        "issue_session",
        grant.session_id,
        user_id,
        stored(call.now),
        call.user_agent,
        call.ip or None,
        grant.refresh_token,
        grant.methods[0].name,
        new_id(),
    )


def hooked(kit: Kit) -> bool:
    """Whether a hook shapes the claims."""
    return kit.settings.hook.custom_access_token.enabled


async def sign_in(
    kit: Kit, call: Call, user_id: str, method: str, first: Sequence[Query] = ()
) -> dict[str, Any]:
    """Open a session for a user, after the statements ``first``; the token answer.

    Raises ``AuthError``, and ``DatabaseError`` for the flow to word.
    """
    if hooked(kit):
        async with kit.transaction() as tx:
            return await sign_in_within(kit, call, tx, user_id, method, first)
    grant = new_grant(call, method)
    results = await kit.run_all((*first, opening(kit, call, grant, user_id)))
    user = _opened(first_user(results[-1]))
    return token_answer(kit, call, user, grant, plain_token(kit, call, user, grant))


async def sign_in_within(
    kit: Kit,
    call: Call,
    tx: Transaction,
    user_id: str,
    method: str,
    first: Sequence[Query] = (),
) -> dict[str, Any]:
    """Like ``sign_in``, inside a transaction that is open already. Raises the same."""
    grant = new_grant(call, method)
    results = await tx.run_all((*first, opening(kit, call, grant, user_id)))
    user = _opened(first_user(results[-1]))
    signed = await access_token(kit, call, tx, user, grant, method)
    return token_answer(kit, call, user, grant, signed)


async def access_token(
    kit: Kit, call: Call, tx: Transaction, user: User, grant: Grant, method: str
) -> str:
    """A signed access token; the hook, if there is one, has shaped its claims."""
    if not hooked(kit):
        return plain_token(kit, call, user, grant)
    event = {
        "metadata": hooks.metadata("customize-access-token", call.ip, call.now),
        "user_id": user.id,
        "claims": _claims(kit, call, user, grant),
        "authentication_method": method,
    }
    answer = await hooks.call(tx, kit.settings.hook.custom_access_token, event)
    claims = answer.get("claims")
    if not isinstance(claims, dict):
        raise internal("output claims field is missing")
    return kit.signer.sign(checked(claims))


def plain_token(kit: Kit, call: Call, user: User, grant: Grant) -> str:
    """A signed access token with the ordinary claims."""
    return kit.signer.sign(_claims(kit, call, user, grant))


def token_answer(
    kit: Kit, call: Call, user: User, grant: Grant, signed: str, **more: Any
) -> dict[str, Any]:
    """The body of a successful sign-in; its headers are put on the call."""
    call.headers += [
        ("sb-auth-user-id", user.id),
        ("sb-auth-session-id", grant.session_id),
        ("sb-auth-refresh-token-prefix", grant.refresh_token[:5]),
    ]
    return {
        "access_token": signed,
        "token_type": "bearer",
        "expires_in": kit.settings.jwt_expiry,
        "expires_at": int(call.now.timestamp()) + kit.settings.jwt_expiry,
        "refresh_token": grant.refresh_token,
        "user": user_json(user, with_profile=True),
        **more,
    }


def _claims(kit: Kit, call: Call, user: User, grant: Grant) -> Mapping[str, Any]:
    return access_claims(user, grant.session_id, grant.methods, kit.settings, call.now)


def _opened(user: User | None) -> User:
    if user is None:
        # Deleted between its password being checked and its session being opened.
        raise AuthError(400, Code.INVALID_CREDENTIALS, "Invalid login credentials")
    return user
