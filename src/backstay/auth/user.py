"""GET and PUT /user: one's own account.

https://supabase.com/docs/reference/javascript/auth-updateuser
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from backstay.auth import audit
from backstay.auth.accounts import merge
from backstay.auth.addresses import valid_email, valid_phone
from backstay.auth.bearer import require_user
from backstay.auth.body import Body
from backstay.auth.challenges import Pkce, email_change, send_mails
from backstay.auth.changes import changed_email, changed_phone
from backstay.auth.errors import AuthError, Code, bad_request, forbidden, invalid, unprocessable
from backstay.auth.kit import Call, Kit, database, first_user, refused
from backstay.auth.model import AUTHENTICATED, User
from backstay.auth.one_time import check_challenge, expired, same, token_hash
from backstay.auth.passwords import check_new_password
from backstay.auth.present import user_json
from backstay.auth.signup import INVALID_CHANNEL
from backstay.auth.statements import update_user
from backstay.auth.times import after
from backstay.db.model import DatabaseError, Param, Query
from backstay.web import Response

RECENT: Final = 24 * 3600
"""Seconds after which a session no longer proves that its user is at the keyboard."""

EMAIL_TAKEN: Final = "A user with this email address has already been registered"
PHONE_TAKEN: Final = "A user with this phone number has already been registered"


@dataclass(frozen=True, slots=True)
class Changes:
    """What a user asks to change of itself; empty or None: nothing."""

    email: str
    phone: str
    password: str | None
    nonce: str
    data: dict[str, Any] | None
    app_data: dict[str, Any] | None
    pkce: Pkce

    @classmethod
    def of(cls, kit: Kit, body: Body) -> Changes:
        """Raises ``AuthError`` for what could not be stored for anybody."""
        email, phone, password = (
            body.text("email"),
            body.text("phone"),
            body.optional_text("password"),
        )
        if phone and (body.text("channel") or "sms") not in ("sms", "whatsapp"):
            raise invalid(INVALID_CHANNEL)
        changes = cls(
            email=valid_email(email) if email else "",
            phone=valid_phone(phone) if phone else "",
            password=password,
            nonce=body.text("nonce"),
            data=body.object("data"),
            app_data=body.object("app_metadata"),
            pkce=Pkce(body.text("code_challenge"), body.text("code_challenge_method")),
        )
        if password is not None:
            check_new_password(password, kit.settings)
        if changes.pkce:
            check_challenge(changes.pkce.challenge, changes.pkce.method)
        return changes


async def get_user(kit: Kit, call: Call) -> Response:
    """GET /user."""
    user = await require_user(kit, call)
    aud = call.claims.data.get("aud") if call.claims else None
    audiences = aud if isinstance(aud, list) else [aud]
    if call.audience not in audiences[:1]:
        raise invalid("Token audience doesn't match request audience")
    return call.reply(user_json(user, with_profile=True))


async def put_user(kit: Kit, call: Call) -> Response:
    """PUT /user: the changed user. An address changes only once it is confirmed."""
    user = await require_user(kit, call)
    changes = Changes.of(kit, await call.body())
    _check_allowed(user, call, changes)
    await _check_free(kit, call, user, changes)
    statements: list[Query] = []
    if changes.password is not None:
        await _check_password(kit, call, user, changes)
        statements += await _new_password(kit, call, user, changes.password)
    statements += _rest(kit, call, user, changes)
    statements += [
        audit.entry(kit, call, user, "user_modified"),
        kit.statements("user_by_id", user.id),
    ]
    try:
        results = await kit.run_all(statements)
    except DatabaseError as error:
        if error.sqlstate == "23505" and error.table == "users":
            raise _taken(error) from error
        raise refused(error, "updating user") from error
    await send_mails(kit, call)
    return call.reply(user_json(first_user(results[-1]) or user, with_profile=True))


def password_change(
    kit: Kit, call: Call, user_id: str, hashed: str, keep_session: str | None
) -> list[Query]:
    """The statements of a new password: every open link and every other session ends."""
    reset: dict[str, Param] = {
        "encrypted_password": hashed,
        "confirmation_token": "",
        "confirmation_sent_at": None,
        "recovery_token": "",
        "recovery_sent_at": None,
        "email_change_token_current": "",
        "email_change_token_new": "",
        "email_change_sent_at": None,
        "phone_change_token": "",
        "phone_change_sent_at": None,
        "reauthentication_token": "",
        "reauthentication_sent_at": None,
    }
    ending = (
        kit.statements("end_other_sessions", user_id, keep_session)
        if keep_session
        else kit.statements("end_all_sessions", user_id)
    )
    return [
        update_user(user_id, call.now, reset),
        kit.statements("clear_one_time_tokens", user_id),
        ending,
    ]


def _check_allowed(user: User, call: Call, changes: Changes) -> None:
    is_admin = user.aud == AUTHENTICATED and user.role == "admin"
    if changes.app_data is not None and not is_admin:
        raise forbidden(Code.NOT_ADMIN, "Updating app_metadata requires admin privileges")
    sensitive = (
        bool(changes.password)
        or changes.email not in ("", user.email)
        or changes.phone not in ("", user.phone)
    )
    second_factor = call.session is not None and call.session.aal == "aal2"
    if sensitive and user.has_mfa and not second_factor:
        message = "AAL2 session is required to update email or password when MFA is enabled."
        raise AuthError(401, Code.INSUFFICIENT_AAL, message)
    if user.is_anonymous and changes.password and not (changes.email or changes.phone):
        raise unprocessable(
            Code.VALIDATION_FAILED,
            "Updating password of an anonymous user without an email or phone is not allowed",
        )
    if user.is_sso_user and (sensitive or changes.nonce):
        raise unprocessable(
            Code.USER_SSO_MANAGED,
            "Updating email, phone, password of a SSO account only possible via SSO",
        )


async def _check_free(kit: Kit, call: Call, user: User, changes: Changes) -> None:
    with database("checking email"):
        if changes.email not in ("", user.email) and await kit.find(
            "user_by_email_or_identity", changes.email, call.audience, user.id
        ):
            raise unprocessable(Code.EMAIL_EXISTS, EMAIL_TAKEN)
    with database("checking phone"):
        if changes.phone not in ("", user.phone) and await kit.find(
            "user_by_phone", changes.phone, call.audience
        ):
            raise unprocessable(Code.PHONE_EXISTS, PHONE_TAKEN)


async def _check_password(kit: Kit, call: Call, user: User, changes: Changes) -> None:
    """Raises ``AuthError`` unless this session may set this password."""
    session = call.session
    stale = session is None or call.now > after(session.created_at, RECENT)
    if kit.settings.email.secure_password_change and stale:
        if not changes.nonce:
            raise bad_request(
                Code.REAUTHENTICATION_NEEDED, "Password update requires reauthentication"
            )
        _check_nonce(kit, call, user, changes.nonce)
    if user.encrypted_password and await kit.hasher.matches(
        changes.password or "", user.encrypted_password
    ):
        raise unprocessable(
            Code.SAME_PASSWORD, "New password should be different from the old password."
        )


def _check_nonce(kit: Kit, call: Call, user: User, nonce: str) -> None:
    hashed = token_hash(user.email or user.phone, nonce)
    late = expired(user.reauthentication_sent_at, kit.settings.email.otp_expiry, call.now)
    if late or not same(hashed, user.reauthentication_token):
        raise unprocessable(Code.REAUTHENTICATION_NOT_VALID, "Nonce has expired or is invalid")


async def _new_password(kit: Kit, call: Call, user: User, password: str) -> list[Query]:
    hashed = await kit.hasher.hash(password)
    keep = call.session.id if call.session else None
    return [
        *password_change(kit, call, user.id, hashed, keep),
        audit.entry(kit, call, user, "user_updated_password"),
    ]


def _rest(kit: Kit, call: Call, user: User, changes: Changes) -> list[Query]:
    """Everything but the password."""
    statements: list[Query] = []
    if changes.data is not None:
        statements.append(merge(user.id, call.now, "raw_user_meta_data", changes.data))
    if changes.app_data is not None:
        statements.append(merge(user.id, call.now, "raw_app_meta_data", changes.app_data))
    if changes.email not in ("", user.email):
        statements += _new_email(kit, call, user, changes)
    if changes.phone not in ("", user.phone):
        if kit.settings.sms.enable_confirmations:
            raise unprocessable(Code.SMS_SEND_FAILED, "Error sending phone change OTP to provider")
        statements += changed_phone(kit, user, changes.phone, call.now)
    return statements


def _new_email(kit: Kit, call: Call, user: User, changes: Changes) -> list[Query]:
    # Someone without an account yet is signing up with it; an account always confirms.
    if user.is_anonymous and not kit.settings.email.enable_confirmations:
        return changed_email(kit, user, changes.email, call.now)
    return email_change(kit, call, user, changes.email, changes.pkce)


def _taken(error: DatabaseError) -> AuthError:
    if error.constraint == "users_phone_key":
        return unprocessable(Code.PHONE_EXISTS, PHONE_TAKEN)
    return unprocessable(Code.EMAIL_EXISTS, EMAIL_TAKEN)
