"""/admin/users: accounts, made and changed by an administrator (service_role).

No mail is sent, metadata is merged, a ban is a Go duration or ``none``.
https://supabase.com/docs/reference/javascript/auth-admin-api
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import parse_qs, urlencode

from backstay.auth import audit
from backstay.auth.accounts import (
    NewUser,
    Provider,
    confirmed_email,
    confirmed_phone,
    identity_data,
    insertion,
    merge,
    new_identity,
    provider_metadata,
    put_identity,
)
from backstay.auth.addresses import valid_email, valid_phone
from backstay.auth.body import Body, parse_body
from backstay.auth.errors import Code, internal, invalid, not_found, unprocessable
from backstay.auth.kit import Call, Kit, as_uuid, database, first_user, json_text, new_id, refused
from backstay.auth.model import AUTHENTICATED, NIL, User
from backstay.auth.passwords import LONGEST, check_new_password, is_hash, random_password
from backstay.auth.present import factor_json, user_json
from backstay.auth.statements import update_user
from backstay.auth.times import after, stored
from backstay.auth.user import EMAIL_TAKEN, PHONE_TAKEN, password_change
from backstay.config.duration import parse_duration
from backstay.db.model import DatabaseError, Param, Query
from backstay.web import Response

PER_PAGE: Final = 50
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an administrator says of a user; empty or None: nothing."""

    id: str
    aud: str
    role: str
    email: str
    phone: str
    password: str | None
    password_hash: str
    email_confirm: bool
    phone_confirm: bool
    user_metadata: dict[str, Any] | None
    app_metadata: dict[str, Any] | None
    ban: float | None
    """Seconds; 0 lifts the ban."""

    @classmethod
    def of(cls, body: Body) -> Wanted:
        """Raises ``AuthError`` for what could not be stored for anybody."""
        email, phone = body.text("email"), body.text("phone")
        return cls(
            id=body.text("id"),
            aud=body.text("aud"),
            role=body.text("role").strip(),
            email=valid_email(email) if email else "",
            phone=valid_phone(phone) if phone else "",
            password=body.optional_text("password"),
            password_hash=body.text("password_hash"),
            email_confirm=body.flag("email_confirm"),
            phone_confirm=body.flag("phone_confirm"),
            user_metadata=body.object("user_metadata"),
            app_metadata=body.object("app_metadata"),
            ban=_ban(body.text("ban_duration")),
        )


# ── one user ──────────────────────────────────────────────────────────────────────────────────────


async def load(kit: Kit, user_id: str) -> User:
    """The user of a path. Raises ``AuthError`` 404."""
    known = as_uuid(user_id)
    if known is None:
        raise not_found(Code.VALIDATION_FAILED, "user_id must be an UUID")
    with database("loading user"):
        user = await kit.find("user_by_id", known)
    if user is None:
        raise not_found(Code.USER_NOT_FOUND, "User not found")
    return user


async def get_user(kit: Kit, call: Call, user_id: str) -> Response:
    """GET /admin/users/{id}."""
    return call.reply(user_json(await load(kit, user_id)))


async def list_factors(kit: Kit, call: Call, user_id: str) -> Response:
    """GET /admin/users/{id}/factors."""
    user = await load(kit, user_id)
    return call.reply([factor_json(factor) for factor in user.factors])


async def create_user(kit: Kit, call: Call) -> Response:
    """POST /admin/users."""
    wanted = Wanted.of(await call.body())
    if not wanted.email and not wanted.phone:
        raise invalid("Cannot create a user without either an email or phone")
    await _check_free(kit, call, wanted)
    new = NewUser(
        id=_chosen_id(wanted.id),
        aud=wanted.aud or call.audience,
        role=wanted.role or AUTHENTICATED,
        email=wanted.email,
        phone=wanted.phone,
        password_hash=await _password_hash(kit, wanted),
        app_metadata=provider_metadata(*_providers(wanted)) | _present(wanted.app_metadata),
        user_metadata=wanted.user_metadata or {},
    )
    statements = [*_creation(kit, call, new, wanted), kit.statements("user_by_id", new.id)]
    try:
        results = await kit.run_all(statements)
    except DatabaseError as error:
        _refuse_duplicate(error)
        raise refused(error, "creating new user") from error
    created = first_user(results[-1])
    if created is None:
        raise internal("Database error loading user after sign-up")
    return call.reply(user_json(created))


async def update(kit: Kit, call: Call, user_id: str) -> Response:
    """PUT /admin/users/{id}."""
    user = await load(kit, user_id)
    wanted = Wanted.of(await call.body())
    if wanted.password is not None:
        check_new_password(wanted.password, kit.settings)
    statements = await _changes(kit, call, user, wanted)
    modified = audit.admin_entry(
        kit,
        call,
        "user_modified",
        user_id=user.id,
        user_email=wanted.email or user.email,
        user_phone=wanted.phone or user.phone,
    )
    try:
        results = await kit.run_all((*statements, modified, kit.statements("user_by_id", user.id)))
    except DatabaseError as error:
        _refuse_duplicate(error)
        if error.sqlstate in ("22001", "22021", "22P05"):
            raise refused(error, "updating user") from error
        raise internal("Error updating user") from error
    return call.reply(user_json(first_user(results[-1]) or user))


async def delete_user(kit: Kit, call: Call, user_id: str) -> Response:
    """DELETE /admin/users/{id}: the row, or with ``should_soft_delete`` who it was."""
    user = await load(kit, user_id)
    data = await call.bytes()
    softly = bool(data) and parse_body(data).flag("should_soft_delete")
    deleted = audit.admin_entry(
        kit, call, "user_deleted", user_id=user.id, user_email=user.email, user_phone=user.phone
    )
    statements = (
        _soft_deletion(kit, call, user) if softly else [kit.statements("delete_user", user.id)]
    )
    with database("deleting user"):
        await kit.run_all((deleted, *statements))
    return call.reply({})


# ── all users ─────────────────────────────────────────────────────────────────────────────────────


async def list_users(kit: Kit, call: Call) -> Response:
    """GET /admin/users?page=&per_page=&filter=&sort=."""
    order = _order(call)
    page, per_page = _number(call, "page", 1), _number(call, "per_page", PER_PAGE)
    page, per_page = max(page, 1), per_page or 20
    aud, wanted = call.audience, call.query.get("filter", "")
    pattern = f"%{wanted}%" if wanted else None
    offset = min((page - 1) * per_page, _LARGEST)
    with database("finding users"):
        counted, listed = await kit.run_all(
            (
                kit.statements("count_users", aud, pattern),
                kit.statements(f"list_users_{order}", aud, pattern, str(per_page), str(offset)),
            )
        )
    total = int(bytes(counted.rows[0][0] or b"0"))
    call.headers += [
        ("link", _links(call, page, -(-total // per_page))),
        ("x-total-count", str(total)),
    ]
    users = [User.from_json(bytes(row[0] or b"")) for row in listed.rows]
    return call.reply({"users": [user_json(user) for user in users], "aud": aud})


def _order(call: Call) -> str:
    named = parse_qs(call.request.query).get("sort", ["created_at desc"])[0]
    field, _, direction = named.partition(" ")
    if field != "created_at":
        raise invalid(f"Bad Sort Parameters: bad field for sort '{field}'")
    orders = {"": "descending", "DESC": "descending", "ASC": "ascending"}
    order = orders.get(direction.upper())
    if order is None:
        raise invalid(
            f"Bad Sort Parameters: bad direction for sort '{direction}',"
            " only 'asc' and 'desc' allowed"
        )
    return order


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LARGEST):
        raise invalid(f'Bad Pagination Parameters: {name} "{text}": invalid syntax')
    return int(text)


def _links(call: Call, page: int, pages: int) -> str:
    path = call.request.path

    def link(number: int, rel: str) -> str:
        query = dict(sorted({**call.query, "page": str(number)}.items()))
        return f'<{path}?{urlencode(query)}>; rel="{rel}"'

    ahead = [link(page + 1, "next")] if pages > page else []
    return ", ".join([*ahead, link(pages, "last")])


# ── statements ────────────────────────────────────────────────────────────────────────────────────


def _creation(kit: Kit, call: Call, new: NewUser, wanted: Wanted) -> list[Query]:
    statements = [insertion(kit, new, call.now)]
    if new.email:
        data = identity_data(new.id, email=new.email, email_verified=wanted.email_confirm)
        statements.append(new_identity(kit, new.id, "email", data, call.now))
    if new.phone:
        data = identity_data(new.id, phone=new.phone, phone_verified=wanted.phone_confirm)
        statements.append(new_identity(kit, new.id, "phone", data, call.now))
    statements.append(
        audit.admin_entry(
            kit,
            call,
            "user_signedup",
            user_id=new.id,
            user_email=new.email,
            user_phone=new.phone,
            provider=new.app_metadata.get("provider"),
        )
    )
    return statements + _status(kit, call, new.id, wanted)


async def _changes(kit: Kit, call: Call, user: User, wanted: Wanted) -> list[Query]:
    statements: list[Query] = []
    columns: dict[str, Param] = {"role": wanted.role} if wanted.role else {}
    if wanted.password is not None:
        hashed = await kit.hasher.hash(wanted.password)
        statements += password_change(kit, call, user.id, hashed, None)
    if wanted.email:
        columns["email"] = wanted.email
        statements.append(_identity(kit, call, user, "email", wanted.email, wanted.email_confirm))
    if wanted.phone:
        columns["phone"] = wanted.phone
        statements.append(_identity(kit, call, user, "phone", wanted.phone, wanted.phone_confirm))
    confirmed = (wanted.email and wanted.email_confirm) or (wanted.phone and wanted.phone_confirm)
    if user.is_anonymous and confirmed:
        columns["is_anonymous"] = "false"
    if columns:
        statements.append(update_user(user.id, call.now, columns))
    for column, changes in (
        ("raw_app_meta_data", wanted.app_metadata),
        ("raw_user_meta_data", wanted.user_metadata),
    ):
        if changes is not None:
            statements.append(merge(user.id, call.now, column, changes))
    return statements + _status(kit, call, user.id, wanted)


def _identity(
    kit: Kit, call: Call, user: User, provider: Provider, address: str, verified: bool
) -> Query:
    data: dict[str, Any] = {provider: address, f"{provider}_verified": verified}
    if user.identity(provider) is None:
        data = identity_data(user.id) | data
    return put_identity(kit, user, provider, data, call.now)


def _status(kit: Kit, call: Call, user_id: str, wanted: Wanted) -> list[Query]:
    """Confirmations and the ban."""
    statements: list[Query] = []
    if wanted.email_confirm:
        statements += confirmed_email(kit, user_id, call.now)
    if wanted.phone_confirm:
        statements += confirmed_phone(kit, user_id, call.now)
    if wanted.ban is not None:
        until = stored(after(call.now, wanted.ban)) if wanted.ban else None
        statements.append(update_user(user_id, call.now, {"banned_until": until}))
    return statements


def _soft_deletion(kit: Kit, call: Call, user: User) -> list[Query]:
    """The row stays, and with it what refers to it; nothing in it says who it was."""
    if user.deleted_at is not None:
        return []
    emptied: dict[str, Param] = {
        "email": _obscured(user.id, user.email),
        "phone": _obscured(user.id, user.phone)[:15],
        "email_change": _obscured(user.id, user.email_change),
        "phone_change": _obscured(user.id, user.phone_change)[:15],
        "encrypted_password": None,
        "confirmation_token": "",
        "recovery_token": "",
        "email_change_token_current": "",
        "email_change_token_new": "",
        "phone_change_token": "",
        "raw_user_meta_data": json_text({}),
        "raw_app_meta_data": json_text({}),
        "deleted_at": stored(call.now),
    }
    return [
        update_user(user.id, call.now, emptied),
        kit.statements("clear_one_time_tokens", user.id),
        kit.statements("soft_delete_identities", user.id),
        kit.statements("delete_factors", user.id),
        kit.statements("end_all_sessions", user.id),
    ]


def _obscured(user_id: str, value: str) -> str:
    digest = hashlib.sha256(f"{user_id}{value}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


# ── checks ────────────────────────────────────────────────────────────────────────────────────────


async def _check_free(kit: Kit, call: Call, wanted: Wanted) -> None:
    aud = wanted.aud or call.audience
    with database("checking email"):
        if wanted.email and await kit.find("user_by_email_or_identity", wanted.email, aud, None):
            raise unprocessable(Code.EMAIL_EXISTS, EMAIL_TAKEN)
    with database("checking phone"):
        if wanted.phone and await kit.find("user_by_phone", wanted.phone, aud):
            raise unprocessable(
                Code.PHONE_EXISTS, "Phone number already registered by another user"
            )


def _refuse_duplicate(error: DatabaseError) -> None:
    """Raises ``AuthError`` 422 when another account has the address, number or id."""
    if error.sqlstate != "23505" or error.schema != "auth" or error.table != "users":
        return
    if error.constraint == "users_phone_key":
        raise unprocessable(Code.PHONE_EXISTS, PHONE_TAKEN) from error
    if error.constraint == "users_pkey":
        raise invalid("ID is already taken by another user") from error
    raise unprocessable(Code.EMAIL_EXISTS, EMAIL_TAKEN) from error


async def _password_hash(kit: Kit, wanted: Wanted) -> str:
    if wanted.password is not None and wanted.password_hash:
        raise invalid("Only a password or a password hash should be provided")
    if wanted.password_hash:
        if not is_hash(wanted.password_hash):
            raise invalid("password_hash must be a bcrypt, argon2 or Firebase scrypt hash")
        return wanted.password_hash
    if not wanted.password:
        return await kit.hasher.hash(random_password(kit.settings))
    if len(wanted.password.encode()) > LONGEST:
        raise invalid(f"bcrypt: password length exceeds {LONGEST} bytes")
    return await kit.hasher.hash(wanted.password)


def _chosen_id(text: str) -> str:
    if not text:
        return new_id()
    known = as_uuid(text)
    if known is None:
        raise invalid("ID must conform to the uuid v4 format")
    if known == NIL:
        raise invalid("ID cannot be a nil uuid")
    return known


def _providers(wanted: Wanted) -> tuple[Provider, ...]:
    named: list[Provider] = []
    if wanted.email:
        named.append("email")
    if wanted.phone:
        named.append("phone")
    return tuple(named)


def _present(changes: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (changes or {}).items() if value is not None}


def _ban(text: str) -> float | None:
    if not text:
        return None
    if text == "none":
        return 0.0
    try:
        return parse_duration(text)
    except ValueError as error:
        _bad_duration(error)


def _bad_duration(error: ValueError) -> NoReturn:
    raise invalid(f"invalid format for ban duration: {error}") from error
