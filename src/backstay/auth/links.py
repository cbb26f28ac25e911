"""Endpoints that send a code or a link: /otp, /magiclink, /recover, /resend, /reauthenticate.

None of them tells whether an address is registered, unless asked not to make an account.
https://supabase.com/docs/guides/auth/auth-email-passwordless
"""

from __future__ import annotations

from backstay.auth import audit
from backstay.auth.addresses import valid_email, valid_phone
from backstay.auth.bearer import require_user
from backstay.auth.body import Body
from backstay.auth.challenges import (
    Pkce,
    confirmation,
    email_change,
    reauthentication,
    recovery,
    send_mails,
)
from backstay.auth.errors import Code, bad_request, invalid, unprocessable
from backstay.auth.kit import Call, Kit, database
from backstay.auth.model import User
from backstay.auth.one_time import check_challenge
from backstay.auth.passwords import random_password
from backstay.auth.signup import Application, sign_up
from backstay.db.model import Query
from backstay.web import Response


async def otp(kit: Kit, call: Call) -> Response:
    """POST /otp."""
    body = await call.body()
    email, phone = body.text("email"), body.text("phone")
    if email and phone:
        raise invalid("Only an email address or phone number should be provided")
    if email and body.text("channel"):
        raise invalid("Channel should only be specified with Phone OTP")
    _pkce(body)
    if not body.flag("create_user", default=True) and not await _exists(kit, call, email, phone):
        raise unprocessable(Code.OTP_DISABLED, "Signups not allowed for otp")
    if email:
        return await magiclink(kit, call)
    if not phone:
        raise invalid("One of email or phone must be set")
    if not kit.settings.sms.enable_signup:
        raise bad_request(Code.PHONE_PROVIDER_DISABLED, "Unsupported phone provider")
    valid_phone(phone)
    raise unprocessable(Code.SMS_SEND_FAILED, "Error sending confirmation OTP to provider")


async def magiclink(kit: Kit, call: Call) -> Response:
    """POST /magiclink: a link to sign in with; an unknown address gets an account."""
    if not kit.settings.email.enable_signup:
        raise unprocessable(Code.EMAIL_PROVIDER_DISABLED, "Email logins are disabled")
    body = await call.body()
    if not body.text("email"):
        raise unprocessable(Code.VALIDATION_FAILED, "Password recovery requires an email")
    email, pkce = valid_email(body.text("email")), _pkce(body)
    confirms = kit.settings.email.enable_confirmations
    user = await _find(kit, call, email)
    if user is None or (user.email_confirmed_at is None and confirms):
        password = random_password(kit.settings)
        data = body.object("data") or {}
        await sign_up(kit, call, Application("email", email, password, data, pkce, session=False))
        if confirms:
            return call.reply({})  # the mail that asks for confirmation signs in as well
        user = await _find(kit, call, email)
    if user is not None:
        await _send(kit, call, user, recovery(kit, call, user, pkce, "magiclink"))
    return call.reply({})


async def recover(kit: Kit, call: Call) -> Response:
    """POST /recover: a link to set a new password."""
    _require_email(kit)
    body = await call.body()
    if not body.text("email"):
        raise invalid("Password recovery requires an email")
    email, pkce = valid_email(body.text("email")), _pkce(body)
    user = await _find(kit, call, email)
    if user is not None:
        await _send(kit, call, user, recovery(kit, call, user, pkce, "recovery"))
    return call.reply({})


async def resend(kit: Kit, call: Call) -> Response:
    """POST /resend: what was sent last, again."""
    body = await call.body()
    kind, email, phone = body.text("type"), body.text("email"), body.text("phone")
    if kind not in ("signup", "email_change", "sms", "phone_change"):
        raise invalid("Missing one of these types: signup, email_change, sms, phone_change")
    pkce = _pkce(body) if kind in ("signup", "email_change") else Pkce()
    if kind == "signup" and not email:
        raise invalid("Type provided requires an email address")
    if kind == "sms" and not phone:
        raise invalid("Type provided requires a phone number")
    if email and phone:
        raise invalid("Only an email address or phone number should be provided.")
    if not email and not phone:
        raise invalid("Missing email address or phone number")
    if phone:
        return await _resend_message(kit, call, phone)
    _require_email(kit)
    user = await _find(kit, call, valid_email(email))
    if user is not None and kind == "signup" and user.email_confirmed_at is None:
        asked = audit.entry(kit, call, user, "user_confirmation_requested")
        await _run(kit, call, [asked, *confirmation(kit, call, user, pkce)])
    elif user is not None and kind == "email_change" and user.email_change:
        await _run(kit, call, email_change(kit, call, user, user.email_change, pkce))
    return call.reply({})


async def reauthenticate(kit: Kit, call: Call) -> Response:
    """GET /reauthenticate: a code that allows a change of password."""
    user = await require_user(kit, call)
    if not user.email and not user.phone:
        raise invalid("Reauthentication requires the user to have an email or a phone number")
    if user.email and user.email_confirmed_at is None:
        raise unprocessable(Code.EMAIL_NOT_CONFIRMED, "Please verify your email first.")
    if not user.email and user.phone_confirmed_at is None:
        raise unprocessable(Code.PHONE_NOT_CONFIRMED, "Please verify your phone first.")
    if not user.email:
        raise unprocessable(Code.SMS_SEND_FAILED, "Error sending reauthentication OTP to provider")
    asked = audit.entry(kit, call, user, "user_reauthenticate_requested")
    await _run(kit, call, [asked, *reauthentication(kit, call, user)])
    return call.reply({})


def _pkce(body: Body) -> Pkce:
    pkce = Pkce(body.text("code_challenge"), body.text("code_challenge_method"))
    check_challenge(pkce.challenge, pkce.method)
    return pkce


def _require_email(kit: Kit) -> None:
    if not kit.settings.email.enable_signup:
        raise bad_request(Code.EMAIL_PROVIDER_DISABLED, "Email logins are disabled")


async def _find(kit: Kit, call: Call, email: str) -> User | None:
    with database("finding user"):
        return await kit.find("user_by_email", email, call.audience)


async def _exists(kit: Kit, call: Call, email: str, phone: str) -> bool:
    if email:
        return await _find(kit, call, valid_email(email)) is not None
    if phone:
        with database("finding user"):
            return await kit.find("user_by_phone", valid_phone(phone), call.audience) is not None
    return True


async def _resend_message(kit: Kit, call: Call, phone: str) -> Response:
    if not kit.settings.sms.enable_signup:
        raise bad_request(Code.PHONE_PROVIDER_DISABLED, "Phone logins are disabled")
    with database("finding user"):
        user = await kit.find("user_by_phone", valid_phone(phone), call.audience)
    if user is None or user.phone_confirmed_at is not None:
        return call.reply({})
    raise unprocessable(Code.SMS_SEND_FAILED, "Error sending confirmation OTP to provider")


async def _send(kit: Kit, call: Call, user: User, statements: list[Query]) -> None:
    await _run(kit, call, [audit.entry(kit, call, user, "user_recovery_requested"), *statements])


async def _run(kit: Kit, call: Call, statements: list[Query]) -> None:
    with database("updating user"):
        await kit.run_all(statements)
    await send_mails(kit, call)
