"""POST /signup: an account with a password, or without anything (anonymous).

https://supabase.com/docs/reference/javascript/auth-signup
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from backstay.auth import audit
from backstay.auth.accounts import (
    NewUser,
    Provider,
    ask_before_creation,
    confirmed_email,
    confirmed_phone,
    identity_data,
    insertion,
    merge,
    new_identity,
    pending,
    provider_metadata,
)
from backstay.auth.addresses import valid_email, valid_phone
from backstay.auth.body import Body
from backstay.auth.challenges import Pkce, confirmation, send_mails
from backstay.auth.errors import Code, bad_request, invalid, unprocessable
from backstay.auth.issue import hooked, sign_in
from backstay.auth.kit import Call, Kit, database, first_user, new_id, refused
from backstay.auth.model import AUTHENTICATED, User
from backstay.auth.one_time import check_challenge
from backstay.auth.passwords import check_new_password
from backstay.auth.present import user_json
from backstay.db.model import DatabaseError, Query
from backstay.web import Response

INVALID_CHANNEL = (
    "Invalid channel, supported values are 'sms' or 'whatsapp'. 'whatsapp' is only supported if"
    " Twilio or Twilio Verify is used as the provider."
)


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody signs up with. ``address``: the e-mail address or the number."""

    provider: Provider
    address: str
    password: str
    data: dict[str, Any]
    pkce: Pkce
    session: bool = True
    """False: make the account only; a link will open its first session."""


async def signup(kit: Kit, call: Call) -> Response:
    """The endpoint. A session where confirmation is not asked for, else the bare user."""
    body = await call.body()
    if not body.text("email") and not body.text("phone"):
        return await _anonymous(kit, call, body)
    return call.reply(await sign_up(kit, call, _application(kit, body)))


async def sign_up(kit: Kit, call: Call, wanted: Application) -> dict[str, Any]:
    """Make the account, or answer as its existence demands; the body of the answer."""
    _refuse_when_closed(kit)
    wanted = _checked(kit, wanted)
    existing = await _find(kit, call, wanted)
    if existing is None:
        return await _create(kit, call, wanted)
    return await _again(kit, call, wanted, existing)


def _application(kit: Kit, body: Body) -> Application:
    _refuse_when_closed(kit)
    email, phone = body.text("email"), body.text("phone")
    password = body.text("password")
    channel = body.text("channel") or "sms"
    pkce = Pkce(body.text("code_challenge"), body.text("code_challenge_method"))
    data = body.object("data") or {}
    if not password:
        raise invalid("Signup requires a valid password")
    check_new_password(password, kit.settings)
    if email and phone:
        raise invalid("Only an email address or phone number should be provided on signup.")
    if phone and channel not in ("sms", "whatsapp"):
        raise invalid(INVALID_CHANNEL)
    if phone and pkce:
        raise invalid("PKCE not supported for phone signups")
    check_challenge(pkce.challenge, pkce.method)
    return Application("email" if email else "phone", email or phone, password, data, pkce)


def _refuse_when_closed(kit: Kit) -> None:
    if not kit.settings.enable_signup:
        raise unprocessable(Code.SIGNUP_DISABLED, "Signups not allowed for this instance")


def _checked(kit: Kit, wanted: Application) -> Application:
    if wanted.provider == "email":
        if not kit.settings.email.enable_signup:
            raise bad_request(Code.EMAIL_PROVIDER_DISABLED, "Email signups are disabled")
        return replace(wanted, address=valid_email(wanted.address))
    if not kit.settings.sms.enable_signup:
        raise bad_request(Code.PHONE_PROVIDER_DISABLED, "Phone signups are disabled")
    return replace(wanted, address=valid_phone(wanted.address))


async def _find(kit: Kit, call: Call, wanted: Application) -> User | None:
    with database("finding user"):
        if wanted.provider == "phone":
            return await kit.find("user_by_phone", wanted.address, call.audience)
        return await kit.find("user_by_email_or_identity", wanted.address, call.audience, None)


# ── a new account ─────────────────────────────────────────────────────────────────────────────────


async def _create(kit: Kit, call: Call, wanted: Application) -> dict[str, Any]:
    by_email = wanted.provider == "email"
    new = NewUser(
        id=new_id(),
        aud=call.audience,
        role=AUTHENTICATED,
        email=wanted.address if by_email else "",
        phone="" if by_email else wanted.address,
        password_hash=await kit.hasher.hash(wanted.password),
        app_metadata=provider_metadata(wanted.provider),
        user_metadata=wanted.data,
    )
    await ask_before_creation(kit, call, new)
    data = {**wanted.data, **identity_data(new.id, email=new.email)}
    statements = [
        insertion(kit, new, call.now),
        new_identity(kit, new.id, wanted.provider, data, call.now),
        merge(new.id, call.now, "raw_user_meta_data", data),
    ]
    try:
        return await _finish(kit, call, wanted, pending(new, call.now), statements)
    except DatabaseError as error:
        if error.sqlstate == "23505":
            # Somebody signed up with the same address since we looked.
            winner = await _find(kit, call, wanted)
            if winner is not None:
                call.mails.clear()
                return await _again(kit, call, wanted, winner)
        raise refused(error, "saving new user") from error


async def _finish(
    kit: Kit, call: Call, wanted: Application, user: User, statements: list[Query]
) -> dict[str, Any]:
    """Confirm and sign in, or ask for confirmation: in the round trip of ``statements``."""
    if not _confirms_itself(kit, wanted):
        return await _ask_confirmation(kit, call, wanted, user, statements)
    confirm = confirmed_email if wanted.provider == "email" else confirmed_phone
    statements += [
        audit.entry(kit, call, user, "user_signedup", provider=wanted.provider),
        *confirm(kit, user.id, call.now),
    ]
    if not wanted.session:
        await kit.run_all(statements)
        return {}
    login = audit.entry(kit, call, user, "login", provider=wanted.provider)
    if hooked(kit):
        # The account stays when the hook refuses its first session.
        await kit.run_all(statements)
        statements = []
    return await sign_in(kit, call, user.id, "password", [*statements, login])


async def _ask_confirmation(
    kit: Kit, call: Call, wanted: Application, user: User, statements: list[Query]
) -> dict[str, Any]:
    if wanted.provider == "phone":
        raise unprocessable(Code.SMS_SEND_FAILED, "Error sending confirmation OTP to provider")
    asked = audit.entry(kit, call, user, "user_confirmation_requested", provider="email")
    results = await kit.run_all(
        (
            *statements,
            asked,
            *confirmation(kit, call, user, wanted.pkce),
            kit.statements("user_by_id", user.id),
        )
    )
    await send_mails(kit, call)
    fresh = first_user(results[-1]) or user
    if fresh.invited_at is not None:
        fresh = replace(fresh, user_metadata={}, identities=())
    return user_json(fresh)


def _confirms_itself(kit: Kit, wanted: Application) -> bool:
    settings = kit.settings
    section = settings.email if wanted.provider == "email" else settings.sms
    return not section.enable_confirmations


# ── an address that is known already ──────────────────────────────────────────────────────────────


async def _again(kit: Kit, call: Call, wanted: Application, user: User) -> dict[str, Any]:
    by_email = wanted.provider == "email"
    confirmed = user.email_confirmed_at if by_email else user.phone_confirmed_at
    if confirmed is not None:
        return await _repeated(kit, call, wanted, user)
    if _confirms_itself(kit, wanted) and not await _knows_password(kit, wanted, user):
        # An account nobody confirmed is not handed to whoever names its address.
        return await _repeated(kit, call, wanted, user)
    statements: list[Query] = []
    if user.identity(wanted.provider) is None:
        data = {**wanted.data, **identity_data(user.id, email=user.email)}
        statements = [
            new_identity(kit, user.id, wanted.provider, data, call.now),
            merge(user.id, call.now, "raw_user_meta_data", data),
        ]
    with database("updating user"):
        return await _finish(kit, call, wanted, user, statements)


async def _knows_password(kit: Kit, wanted: Application, user: User) -> bool:
    if not user.encrypted_password:
        return False
    return await kit.hasher.matches(wanted.password, user.encrypted_password)


async def _repeated(kit: Kit, call: Call, wanted: Application, user: User) -> dict[str, Any]:
    repeated = audit.entry(kit, call, user, "user_repeated_signup", provider=wanted.provider)
    with database("finding user"):
        await kit.run_all((repeated,))
    if _confirms_itself(kit, wanted):
        raise unprocessable(Code.USER_ALREADY_EXISTS, "User already registered")
    return _stranger(call, wanted)


def _stranger(call: Call, wanted: Application) -> dict[str, Any]:
    """A user that never was, as a new one would look, so that nobody learns who is registered."""
    by_email = wanted.provider == "email"
    made_up = NewUser(
        id=new_id(),
        aud=call.audience,
        role="",
        email=wanted.address if by_email else "",
        phone="" if by_email else wanted.address,
        app_metadata=provider_metadata(wanted.provider),
        user_metadata=wanted.data,
    )
    return user_json(replace(pending(made_up, call.now), confirmation_sent_at=call.now))


# ── nobody in particular ──────────────────────────────────────────────────────────────────────────


async def _anonymous(kit: Kit, call: Call, body: Body) -> Response:
    if not kit.settings.enable_anonymous_sign_ins:
        raise unprocessable(Code.ANONYMOUS_PROVIDER_DISABLED, "Anonymous sign-ins are disabled")
    _refuse_when_closed(kit)
    new = NewUser(
        id=new_id(),
        aud=call.audience,
        role=AUTHENTICATED,
        app_metadata={},
        user_metadata=body.object("data") or {},
        is_anonymous=True,
    )
    await ask_before_creation(kit, call, new)
    with database("creating anonymous user"):
        return call.reply(
            await sign_in(kit, call, new.id, "anonymous", [insertion(kit, new, call.now)])
        )
