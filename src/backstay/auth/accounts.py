"""New accounts and what becomes of them: the statements, built before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from backstay.auth import hooks
from backstay.auth.kit import Call, Kit, database, json_text, new_id
from backstay.auth.model import User
from backstay.auth.present import user_json
from backstay.auth.statements import merge_metadata, update_user
from backstay.auth.times import stored
from backstay.db.model import Query

Provider = Literal["email", "phone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """An account that is about to be made. ``password_hash`` empty: no password fits."""

    id: str
    aud: str
    role: str
    email: str = ""
    phone: str = ""
    password_hash: str = ""
    app_metadata: Mapping[str, Any]
    user_metadata: Mapping[str, Any]
    is_anonymous: bool = False


def provider_metadata(*providers: Provider) -> dict[str, Any]:
    """app_metadata of an account whose identities are ``providers``."""
    return {"provider": providers[0], "providers": list(providers)}


def identity_data(
    user_id: str,
    *,
    email: str = "",
    phone: str = "",
    email_verified: bool = False,
    phone_verified: bool = False,
) -> dict[str, Any]:
    """What an e-mail or phone identity says of its user."""
    return {
        **({"email": email} if email else {}),
        "email_verified": email_verified,
        **({"phone": phone} if phone else {}),
        "phone_verified": phone_verified,
        "sub": user_id,
    }


def insertion(kit: Kit, new: NewUser, now: datetime) -> Query:
    """The statement that inserts ``new``; triggers of the application run in it."""
    return kit.statements(
        "insert_user",
        new.id,
        new.aud,
        new.role,
        new.email or None,
        new.phone or None,
        new.password_hash,
        json_text(new.app_metadata),
        json_text(new.user_metadata),
        "true" if new.is_anonymous else "false",
        stored(now),
    )


def new_identity(
    kit: Kit, user_id: str, provider: Provider, data: Mapping[str, Any], now: datetime
) -> Query:
    """The statement that gives a user an identity of its own."""
    return kit.statements(
        "insert_identity", new_id(), user_id, provider, user_id, json_text(data), stored(now)
    )


def put_identity(
    kit: Kit, user: User, provider: Provider, data: Mapping[str, Any], now: datetime
) -> Query:
    """Merges ``data`` into the user's identity with ``provider``, or makes it."""
    if user.identity(provider) is None:
        return new_identity(kit, user.id, provider, data, now)
    return kit.statements("merge_identity", user.id, provider, stored(now), json_text(data))


def confirmed_email(kit: Kit, user_id: str, now: datetime) -> list[Query]:
    """The statements that confirm the user's address; links sent before no longer work."""
    return [
        update_user(user_id, now, {"confirmation_token": "", "email_confirmed_at": stored(now)}),
        merge(user_id, now, "raw_user_meta_data", {"email_verified": True}),
        kit.statements("clear_one_time_tokens", user_id),
    ]


def confirmed_phone(kit: Kit, user_id: str, now: datetime) -> list[Query]:
    """The statements that confirm the user's number."""
    return [
        update_user(user_id, now, {"confirmation_token": "", "phone_confirmed_at": stored(now)}),
        kit.statements("clear_one_time_tokens", user_id),
    ]


def merge(user_id: str, now: datetime, column: str, changes: Mapping[str, Any]) -> Query:
    """Merges ``changes`` into a metadata column; a null removes its key."""
    present = {name: value for name, value in changes.items() if value is not None}
    removed = [name for name, value in changes.items() if value is None]
    return merge_metadata(user_id, now, column, json_text(present), removed)


def pending(new: NewUser, now: datetime) -> User:
    """``new`` as a user, before the database has it."""
    return User(
        id=new.id,
        aud=new.aud,
        role=new.role,
        email=new.email,
        phone=new.phone,
        encrypted_password=new.password_hash,
        app_metadata=new.app_metadata,
        user_metadata=new.user_metadata,
        email_confirmed_at=None,
        phone_confirmed_at=None,
        confirmed_at=None,
        invited_at=None,
        confirmation_token="",
        confirmation_sent_at=None,
        recovery_token="",
        recovery_sent_at=None,
        email_change="",
        email_change_token_current="",
        email_change_token_new="",
        email_change_sent_at=None,
        email_change_confirm_status=0,
        phone_change="",
        phone_change_sent_at=None,
        reauthentication_token="",
        reauthentication_sent_at=None,
        last_sign_in_at=None,
        banned_until=None,
        deleted_at=None,
        created_at=now,
        updated_at=now,
        is_anonymous=new.is_anonymous,
        is_sso_user=False,
        identities=(),
    )


async def ask_before_creation(kit: Kit, call: Call, new: NewUser) -> None:
    """Asks the before_user_created hook. Raises ``AuthError`` when it refuses."""
    hook = kit.settings.hook.before_user_created
    if not hook.enabled:
        return
    event = {
        "metadata": hooks.metadata("before-user-created", call.ip, call.now),
        "user": user_json(pending(new, call.now)),
    }
    with database("running hook"):
        async with kit.transaction() as tx:
            await hooks.call(tx, hook, event)
