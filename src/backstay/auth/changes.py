"""A new address or number, once it is certain: the statements that make it the user's."""

from __future__ import annotations

from datetime import datetime

from backstay.auth.accounts import confirmed_email, identity_data, put_identity
from backstay.auth.kit import Kit
from backstay.auth.model import User
from backstay.auth.statements import update_user
from backstay.auth.times import stored
from backstay.db.model import Param, Query


def changed_email(kit: Kit, user: User, email: str, now: datetime) -> list[Query]:
    """``email`` becomes the address of ``user``, who is no longer anonymous."""
    changes: dict[str, Param] = {
        "email": email,
        "email_change": "",
        "email_change_token_current": "",
        "email_change_token_new": "",
        "email_change_confirm_status": "0",
        "is_anonymous": "false",
    }
    data = identity_data(user.id, email=email, email_verified=True)
    if user.identity("email") is not None:
        data = {"email": email, "email_verified": True}
    statements = [
        put_identity(kit, user, "email", data, now),
        update_user(user.id, now, changes),
        kit.statements("clear_one_time_tokens", user.id),
    ]
    if user.email_confirmed_at is None:
        statements += confirmed_email(kit, user.id, now)
    statements.append(kit.statements("derive_providers", user.id, stored(now)))
    return statements


def changed_phone(kit: Kit, user: User, phone: str, now: datetime) -> list[Query]:
    """``phone`` becomes the number of ``user``, who is no longer anonymous."""
    changes: dict[str, Param] = {
        "phone": phone,
        "phone_change": "",
        "phone_change_token": "",
        "phone_confirmed_at": stored(now),
        "is_anonymous": "false",
    }
    data = identity_data(user.id, phone=phone, phone_verified=True)
    if user.identity("phone") is not None:
        data = {"phone": phone, "phone_verified": True}
    return [
        put_identity(kit, user, "phone", data, now),
        update_user(user.id, now, changes),
        kit.statements("clear_one_time_tokens", user.id),
    ]
