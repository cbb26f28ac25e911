"""Who makes a request: the bearer's token, its user and its session, in one round trip."""

from __future__ import annotations

import re
from typing import Final

from backstay.auth.errors import AuthError, Code, bad_request, forbidden
from backstay.auth.kit import ADMIN_ROLES, Call, Kit, as_uuid, database
from backstay.auth.model import NIL, Session, User
from backstay.auth.rotation import lapsed
from backstay.tokens.model import Claims, Reason, TokenError

_BEARER: Final = re.compile(r"[Bb]earer (\S+)")

_REASONS: Final[dict[Reason, str]] = {
    "no_secret": "token is unverifiable: no key is configured",
    "malformed": "token is malformed",
    "parts": "token is malformed: token contains an invalid number of segments",
    "algorithm": "token signature is invalid: signing method is invalid",
    "no_key": "token is unverifiable: unrecognized JWT kid or algorithm",
    "signature": "token signature is invalid: signature is invalid",
    "expired": "token has invalid claims: token is expired",
    "not_yet_valid": "token has invalid claims: token is not valid yet",
    "issued_in_future": "token has invalid claims: token used before issued",
    "audience": "token has invalid claims: token has invalid audience",
    "claims": "token has invalid claims",
}


def verify_bearer(kit: Kit, call: Call) -> Claims:
    """The claims of the call's token, kept on the call.

    Raises ``AuthError``: 401 ``no_authorization`` without one, 403 ``bad_jwt`` for a bad one.
    """
    found = _BEARER.fullmatch(call.header("authorization"))
    if found is None:
        raise AuthError(401, Code.NO_AUTHORIZATION, "This endpoint requires a valid Bearer token")
    try:
        call.claims = kit.verifier.verify(found[1])
    except TokenError as error:
        reason = _REASONS[error.reason]
        message = f"invalid JWT: unable to parse or verify signature, {reason}"
        raise forbidden(Code.BAD_JWT, message) from error
    return call.claims


async def require_user(kit: Kit, call: Call) -> User:
    """The user whose token the call bears, kept on the call with its session.

    Raises ``AuthError`` 401 or 403: no token, a bad one, its user or session gone, a ban.
    """
    claims = verify_bearer(kit, call)
    user = await _load(kit, call, claims)
    if user.banned(call.now):
        raise forbidden(Code.USER_BANNED, "User is banned")
    return user


async def require_admin(kit: Kit, call: Call) -> None:
    """Raises ``AuthError`` 403 ``not_admin`` unless an administrator's token is borne.

    One that belongs to a session is refused when that session is over.
    """
    claims = verify_bearer(kit, call)
    if (claims.text("session_id") or NIL) != NIL:
        await _load(kit, call, claims)
        if call.session and lapsed(call.session, None, kit.rules, call.now):
            raise forbidden(Code.SESSION_EXPIRED, "Session is no longer valid")
    if call.role not in ADMIN_ROLES:
        raise forbidden(Code.NOT_ADMIN, "User not allowed")


async def _load(kit: Kit, call: Call, claims: Claims) -> User:
    subject, session_id = claims.text("sub") or "", claims.text("session_id") or NIL
    if not subject:
        raise forbidden(Code.BAD_JWT, "invalid claim: missing sub claim")
    user_id, wanted = as_uuid(subject), as_uuid(session_id)
    if user_id is None:
        raise bad_request(Code.BAD_JWT, "invalid claim: sub claim must be a UUID")
    if wanted is None:
        raise forbidden(Code.BAD_JWT, "invalid claim: session_id claim must be a UUID")
    with database("finding user"):
        result = await kit.run("caller", user_id, wanted)
    user_cell, session_cell = result.rows[0]
    if user_cell is None:
        raise forbidden(Code.USER_NOT_FOUND, "User from sub claim in JWT does not exist")
    call.user = User.from_json(bytes(user_cell))
    if wanted != NIL:
        if session_cell is None:
            message = "Session from session_id claim in JWT does not exist"
            raise forbidden(Code.SESSION_NOT_FOUND, message)
        call.session = Session.from_json(bytes(session_cell))
    return call.user
