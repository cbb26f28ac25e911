"""GET and POST /verify: a code or a link turned into a session.

    kind                    found by              what follows
    ────────────────────────────────────────────────────────────────────────────────
    signup, invite          confirmation token    the address is confirmed
    recovery, magiclink     recovery token        signed in, the address is confirmed
    email                   either of the two     as that one
    email_change            either of two tokens  the address changes, once both agreed

GET answers with a redirect that carries the session (or, for PKCE, a code) and also the refusal.
https://supabase.com/docs/guides/auth/auth-email-templates
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from backstay.auth import audit
from backstay.auth.accounts import confirmed_email
from backstay.auth.addresses import valid_email, valid_phone
from backstay.auth.changes import changed_email
from backstay.auth.errors import AuthError, Code, bad_request, forbidden, invalid, unprocessable
from backstay.auth.issue import sign_in_within
from backstay.auth.kit import Call, Kit, first_user, json_text, refused
from backstay.auth.model import User
from backstay.auth.one_time import PKCE, expired, same, token_hash
from backstay.auth.passwords import random_password
from backstay.auth.statements import text_array, update_user
from backstay.auth.times import stored
from backstay.auth.user import EMAIL_TAKEN, password_change
from backstay.db.model import DatabaseError, Query, Transaction
from backstay.web import Response

ONE_OF_TWO: Final = (
    "Confirmation link accepted. Please proceed to confirm link sent to the other email"
)
LINK_INVALID: Final = "Email link is invalid or has expired"
CODE_INVALID: Final = "Token has expired or is invalid"

_CONFIRMATION: Final = ("confirmation_token",)
_RECOVERY: Final = ("recovery_token",)
_CHANGE: Final = ("email_change_token_current", "email_change_token_new")
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "signup": _CONFIRMATION,
    "invite": _CONFIRMATION,
    "recovery": _RECOVERY,
    "magiclink": _RECOVERY,
    "email": (*_CONFIRMATION, *_RECOVERY),
    "email_change": _CHANGE,
}
"""The stored tokens each type of verification accepts."""

_METHODS: Final = {"signup": "email/signup"}
_OAUTH: Final = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied"}


@dataclass(frozen=True, slots=True)
class Proof:
    """What is presented: a hash of the kind ``type``, from a link, or made of a code."""

    type: str
    hash: str
    by_code: bool = False


@dataclass(frozen=True, slots=True)
class _Verified:
    """The token answer, or the code of a PKCE flow; neither after the first of two agreements."""

    answer: dict[str, Any] | None = None
    code: str = ""


async def verify_post(kit: Kit, call: Call) -> Response:
    """POST /verify."""
    body = await call.body()
    kind, code, hashed = body.text("type"), body.text("token"), body.text("token_hash")
    email, phone = body.text("email"), body.text("phone")
    if not kind:
        raise invalid("Verify requires a verification type")
    if bool(code) == bool(hashed):
        raise invalid("Verify requires either a token or a token hash")
    if hashed and (email or phone or body.text("redirect_to")):
        raise invalid("Only the token_hash and type should be provided")
    if code:
        hashed = token_hash(_address(email, phone), code)
    verified = await _verify(kit, call, Proof(kind, hashed, bool(code)), pkce=False)
    if verified.answer is None:
        return call.reply({"msg": ONE_OF_TWO, "code": "200"})
    return call.reply(verified.answer)


async def verify_get(kit: Kit, call: Call) -> Response:
    """GET /verify: the link of a mail."""
    kind, token = call.query.get("type", ""), call.query.get("token", "")
    if not kind:
        raise invalid("Verify requires a verification type")
    if not token:
        raise invalid("Verify requires a token or a token hash")
    wanted = call.header("redirect_to") or call.query.get("redirect_to", "")
    target = kit.redirects.choose(wanted, call.header("referer"))
    pkce = token.startswith(PKCE)
    try:
        verified = await _verify(kit, call, Proof(kind, token), pkce=pkce)
    except AuthError as error:
        call.headers.clear()
        return _redirect(call, _with_error(target, error, pkce=pkce))
    if verified.code:
        return _redirect(call, _with_query(target, {"code": verified.code}))
    if verified.answer is None:
        message = {"message": ONE_OF_TWO}
        base = _with_query(target, message) if pkce else target
        return _redirect(call, _with_fragment(base, message | {"sb": ""}))
    return _redirect(call, f"{target}#{urlencode(_fragment(verified.answer, kind))}")


async def _verify(kit: Kit, call: Call, proof: Proof, *, pkce: bool) -> _Verified:
    if proof.type not in KINDS:
        if proof.by_code and proof.type in ("sms", "phone_change"):
            raise forbidden(Code.OTP_EXPIRED, CODE_INVALID)
        raise invalid("Invalid email verification type")
    try:
        async with kit.transaction() as tx:
            return await _verify_within(kit, call, tx, proof, pkce=pkce)
    except DatabaseError as error:
        if error.sqlstate == "23505" and proof.type == "email_change":
            raise unprocessable(Code.EMAIL_EXISTS, EMAIL_TAKEN) from error
        raise refused(error, "confirming user") from error


async def _verify_within(
    kit: Kit, call: Call, tx: Transaction, proof: Proof, *, pkce: bool
) -> _Verified:
    user, proof, stored_kind = await _find(kit, call, tx, proof)
    statements: Sequence[Query]
    if proof.type == "email_change":
        if _first_of_two(kit, user):
            await tx.run_all(_one_agreed(kit, call, user, stored_kind))
            return _Verified()
        modified = audit.entry(kit, call, user, "user_modified")
        statements = [modified, *changed_email(kit, user, user.email_change, call.now)]
    elif proof.type in ("signup", "invite"):
        statements = await _confirm(kit, call, user)
    else:
        statements = _recover(kit, call, user)
    derived = kit.statements("derive_providers", user.id, stored(call.now))
    if pkce:
        results = await tx.run_all((*statements, derived, _issue_code(kit, call, user, proof)))
        return _Verified(code=_code(results[-1].rows))
    answer = await sign_in_within(kit, call, tx, user.id, "otp", [*statements, derived])
    return _Verified(answer)


async def _find(kit: Kit, call: Call, tx: Transaction, proof: Proof) -> tuple[User, Proof, str]:
    """The user, the proof with its final type, and which of its tokens was presented."""
    hashes = [proof.hash, PKCE + proof.hash] if proof.by_code else [proof.hash]
    message = CODE_INVALID if proof.by_code else LINK_INVALID
    result = await tx.run(
        kit.statements("user_by_one_time_token", text_array(hashes), text_array(KINDS[proof.type]))
    )
    user = first_user(result)
    if user is None:
        raise forbidden(Code.OTP_EXPIRED, message)
    if user.banned(call.now):
        raise forbidden(Code.USER_BANNED, "User is banned")
    kind = bytes(result.rows[0][1] or b"").decode()
    sent_at, expected = _stored(user, kind)
    late = expired(sent_at, kit.settings.email.otp_expiry, call.now)
    if late or not any(same(candidate, expected) for candidate in hashes):
        raise forbidden(Code.OTP_EXPIRED, message)
    if proof.type == "email":
        proof = replace(proof, type="signup" if kind in _CONFIRMATION else "magiclink")
    return user, proof, kind


def _stored(user: User, kind: str) -> tuple[datetime | None, str]:
    """When the token of a kind was sent, and what was stored of it."""
    if kind == "confirmation_token":
        return user.confirmation_sent_at, user.confirmation_token
    if kind == "recovery_token":
        return user.recovery_sent_at, user.recovery_token
    if kind == "email_change_token_new":
        return user.email_change_sent_at, user.email_change_token_new
    return user.email_change_sent_at, user.email_change_token_current


async def _confirm(kit: Kit, call: Call, user: User) -> list[Query]:
    statements: list[Query] = []
    if user.invited_at is not None and not user.encrypted_password:
        hashed = await kit.hasher.hash(random_password(kit.settings))
        statements += password_change(kit, call, user.id, hashed, None)
    statements.append(audit.entry(kit, call, user, "user_signedup", provider="email"))
    statements += confirmed_email(kit, user.id, call.now)
    identity = user.identity("email")
    if identity is not None and identity.email == user.email:
        verified = json_text({"email_verified": True})
        statements.append(
            kit.statements("merge_identity", user.id, "email", stored(call.now), verified)
        )
    return statements


def _recover(kit: Kit, call: Call, user: User) -> list[Query]:
    statements = [
        update_user(user.id, call.now, {"recovery_token": ""}),
        kit.statements("clear_one_time_tokens", user.id),
    ]
    if user.email_confirmed_at is not None:
        return [*statements, audit.entry(kit, call, user, "login")]
    return [
        *statements,
        audit.entry(kit, call, user, "user_signedup", provider="email"),
        *confirmed_email(kit, user.id, call.now),
    ]


def _first_of_two(kit: Kit, user: User) -> bool:
    email = kit.settings.email
    both = email.enable_confirmations and email.double_confirm_changes and bool(user.email)
    return both and user.email_change_confirm_status == 0


def _one_agreed(kit: Kit, call: Call, user: User, kind: str) -> list[Query]:
    agreed = {"email_change_confirm_status": "1", kind: ""}
    return [
        update_user(user.id, call.now, agreed),
        kit.statements("clear_one_time_token", user.id, kind),
    ]


# ── PKCE ──────────────────────────────────────────────────────────────────────────────────────────


def _issue_code(kit: Kit, call: Call, user: User, proof: Proof) -> Query:
    method = _METHODS.get(proof.type, proof.type)
    return kit.statements("issue_code", user.id, method, stored(call.now))


def _code(rows: Sequence[Sequence[bytes | None]]) -> str:
    code = rows[0][0] if rows else None
    if code is None:
        message = "No associated flow state found. No valid flow state found for user."
        raise bad_request(Code.FLOW_STATE_NOT_FOUND, message)
    return bytes(code).decode()


# ── where the answer of GET goes ──────────────────────────────────────────────────────────────────


def _address(email: str, phone: str) -> str:
    if phone and not email:
        return valid_phone(phone)
    if email and not phone:
        try:
            return valid_email(email)
        except AuthError as error:
            raise unprocessable(Code.VALIDATION_FAILED, "Invalid email format") from error
    raise invalid("Only an email address or phone number should be provided on verify")


def _fragment(answer: dict[str, Any], kind: str) -> dict[str, Any]:
    names = ("access_token", "expires_at", "expires_in", "refresh_token")
    carried = {name: answer[name] for name in names}
    return carried | {"sb": "", "token_type": answer["token_type"], "type": kind}


def _with_error(target: str, error: AuthError, *, pkce: bool) -> str:
    told = {"error_code": str(error.code), "error_description": error.message}
    if error.status in _OAUTH:
        told = {"error": _OAUTH[error.status]} | told
    base = _with_query(target, told) if pkce else target
    return _with_fragment(base, told | {"sb": ""})


def _with_query(url: str, more: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | more
    return urlunsplit(parts._replace(query=urlencode(sorted(query.items()))))


def _with_fragment(url: str, members: dict[str, str]) -> str:
    return urlunsplit(urlsplit(url)._replace(fragment=urlencode(members)))


def _redirect(call: Call, url: str) -> Response:
    return Response(303, (*call.headers, ("location", url)))
