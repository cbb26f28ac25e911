"""POST /token?grant_type=password: sign in with an address, a number or the project's own name.

https://supabase.com/docs/reference/javascript/auth-signinwithpassword
"""

from __future__ import annotations

from typing import Final

from backstay.auth import audit
from backstay.auth.addresses import plain_phone
from backstay.auth.body import Body
from backstay.auth.errors import AuthError, Code, bad_request, invalid, unprocessable
from backstay.auth.issue import sign_in
from backstay.auth.kit import Call, Kit, database
from backstay.auth.model import User
from backstay.auth.passwords import weakness
from backstay.web import Response

INVALID: Final = "Invalid login credentials"


async def password_grant(kit: Kit, call: Call) -> Response:
    """The endpoint. The same refusal, after the same time, for an unknown account, one without a
    password, and a wrong password."""
    body = await call.body()
    password = body.text("password")
    provider, user = await _account(kit, call, body)
    banned = user is not None and user.banned(call.now)
    if user is not None and banned and user.encrypted_password:
        raise bad_request(Code.USER_BANNED, "User is banned")
    right = await kit.hasher.matches(password, user.encrypted_password if user else "")
    if user is None or not right:
        raise bad_request(Code.INVALID_CREDENTIALS, INVALID)
    _check_confirmed(provider, user)
    login = audit.entry(kit, call, user, "login", provider=provider)
    with database("granting user"):
        answer = await sign_in(kit, call, user.id, "password", [login])
    weak = weakness(password, kit.settings)
    if weak is not None:
        answer["weak_password"] = {"message": weak.message, "reasons": weak.reasons}
    return call.reply(answer)


async def _account(kit: Kit, call: Call, body: Body) -> tuple[str, User | None]:
    """The provider the body names, and the account it names."""
    email, phone = body.text("email"), body.text("phone")
    login = body.text("username") if kit.profile.login_by else ""
    if email and phone:
        raise invalid("Only an email address or phone number should be provided on login.")
    with database("querying schema"):
        if email or (login and not phone):
            _check_enabled(kit.settings.email.enable_signup, "Email", Code.EMAIL_PROVIDER_DISABLED)
            if email:
                return "email", await kit.find("user_by_email", email.lower(), call.audience)
            return "email", await kit.find("user_by_login", login, call.audience)
        if phone:
            _check_enabled(kit.settings.sms.enable_signup, "Phone", Code.PHONE_PROVIDER_DISABLED)
            return "phone", await kit.find("user_by_phone", plain_phone(phone), call.audience)
    raise invalid("missing email or phone")


def _check_enabled(enabled: bool, name: str, code: Code) -> None:
    if not enabled:
        raise unprocessable(code, f"{name} logins are disabled")


def _check_confirmed(provider: str, user: User) -> None:
    unconfirmed: AuthError | None = None
    if provider == "email" and user.email_confirmed_at is None:
        unconfirmed = bad_request(Code.EMAIL_NOT_CONFIRMED, "Email not confirmed")
    elif provider == "phone" and user.phone_confirmed_at is None:
        unconfirmed = bad_request(Code.PHONE_NOT_CONFIRMED, "Phone not confirmed")
    if unconfirmed is not None:
        raise unconfirmed
