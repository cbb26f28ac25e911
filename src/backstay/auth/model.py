"""Rows of the schema ``auth``, as the flows know them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backstay.auth.times import maybe, read

AUTHENTICATED: Final = "authenticated"
"""Audience and database role of a signed-in user."""

NIL: Final = "00000000-0000-0000-0000-000000000000"
"""Instance of every row; upstream's relic of serving several sites from one schema."""

AAL2_METHODS: Final = frozenset({"totp", "mfa/phone", "mfa/webauthn"})

Row = Mapping[str, Any]
"""A row as PostgreSQL's ``row_to_json`` gives it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One way a user can sign in. ``provider_id`` is the provider's name for the user."""

    id: str
    provider_id: str
    user_id: str
    provider: str
    data: Mapping[str, Any]
    email: str
    created_at: datetime | None
    updated_at: datetime | None
    last_sign_in_at: datetime | None

    @classmethod
    def from_row(cls, row: Row) -> Identity:
        return cls(
            id=row["id"],
            provider_id=row["provider_id"],
            user_id=row["user_id"],
            provider=row["provider"],
            data=row["identity_data"] or {},
            email=row["email"] or "",
            created_at=maybe(row["created_at"]),
            updated_at=maybe(row["updated_at"]),
            last_sign_in_at=maybe(row["last_sign_in_at"]),
        )


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor."""

    id: str
    friendly_name: str
    type: str
    status: str
    phone: str
    created_at: datetime
    updated_at: datetime
    last_challenged_at: datetime | None

    @classmethod
    def from_row(cls, row: Row) -> Factor:
        return cls(
            id=row["id"],
            friendly_name=row["friendly_name"] or "",
            type=row["factor_type"],
            status=row["status"],
            phone=row["phone"] or "",
            created_at=read(row["created_at"]),
            updated_at=read(row["updated_at"]),
            last_challenged_at=maybe(row["last_challenged_at"]),
        )


@dataclass(frozen=True, slots=True)
class User:
    """A row of auth.users with its identities (None: not loaded) and factors.

    Text columns that are NULL read as empty, as upstream has them. ``profile`` holds the columns
    of the project's profile table that join the user's JSON.
    """

    id: str
    aud: str
    role: str
    email: str
    phone: str
    encrypted_password: str
    app_metadata: Mapping[str, Any]
    user_metadata: Mapping[str, Any]
    email_confirmed_at: datetime | None
    phone_confirmed_at: datetime | None
    confirmed_at: datetime | None
    invited_at: datetime | None
    confirmation_token: str
    confirmation_sent_at: datetime | None
    recovery_token: str
    recovery_sent_at: datetime | None
    email_change: str
    email_change_token_current: str
    email_change_token_new: str
    email_change_sent_at: datetime | None
    email_change_confirm_status: int
    phone_change: str
    phone_change_sent_at: datetime | None
    reauthentication_token: str
    reauthentication_sent_at: datetime | None
    last_sign_in_at: datetime | None
    banned_until: datetime | None
    deleted_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    is_anonymous: bool
    is_sso_user: bool
    identities: tuple[Identity, ...] | None = None
    factors: tuple[Factor, ...] = ()
    profile: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, text: bytes) -> User:
        """From ``{"row": …, "identities": […], "factors": […], "profile": {…}}``."""
        document = json.loads(text)
        identities = document.get("identities")
        return cls(
            **_user_columns(document["row"]),
            identities=None if identities is None else tuple(map(Identity.from_row, identities)),
            factors=tuple(map(Factor.from_row, document.get("factors") or ())),
            profile=document.get("profile"),
        )

    @property
    def has_mfa(self) -> bool:
        return any(factor.status == "verified" for factor in self.factors)

    def banned(self, now: datetime) -> bool:
        return self.banned_until is not None and now < self.banned_until

    def identity(self, provider: str) -> Identity | None:
        """The user's own identity with ``provider`` (email or phone)."""
        for identity in self.identities or ():
            if identity.provider == provider and identity.provider_id == self.id:
                return identity
        return None


_TEXTS: Final = (
    "aud",
    "role",
    "email",
    "phone",
    "encrypted_password",
    "confirmation_token",
    "recovery_token",
    "email_change",
    "email_change_token_current",
    "email_change_token_new",
    "phone_change",
    "reauthentication_token",
)
_MOMENTS: Final = (
    "email_confirmed_at",
    "phone_confirmed_at",
    "confirmed_at",
    "invited_at",
    "confirmation_sent_at",
    "recovery_sent_at",
    "email_change_sent_at",
    "phone_change_sent_at",
    "reauthentication_sent_at",
    "last_sign_in_at",
    "banned_until",
    "deleted_at",
    "created_at",
    "updated_at",
)


def _user_columns(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "app_metadata": row["raw_app_meta_data"] or {},
        "user_metadata": row["raw_user_meta_data"] or {},
        "email_change_confirm_status": row["email_change_confirm_status"] or 0,
        "is_anonymous": row["is_anonymous"],
        "is_sso_user": row["is_sso_user"],
        **{name: row[name] or "" for name in _TEXTS},
        **{name: maybe(row[name]) for name in _MOMENTS},
    }


@dataclass(frozen=True, slots=True)
class Method:
    """How, and when, a session was authenticated: one entry of the claim ``amr``."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A row of auth.sessions with its methods."""

    id: str
    user_id: str
    created_at: datetime
    refreshed_at: datetime | None = None
    not_after: datetime | None = None
    aal: str = "aal1"
    methods: tuple[Method, ...] = ()

    @classmethod
    def from_json(cls, text: bytes) -> Session:
        """From ``{"row": …, "methods": [{"name", "at"}, …]}``."""
        document = json.loads(text)
        row = document["row"]
        return cls(
            id=row["id"],
            user_id=row["user_id"],
            created_at=read(row["created_at"]) if row["created_at"] else read("-infinity"),
            refreshed_at=maybe(row["refreshed_at"]),
            not_after=maybe(row["not_after"]),
            aal=row["aal"] or "aal1",
            methods=tuple(Method(m["name"], read(m["at"])) for m in document["methods"]),
        )

    @property
    def is_recovery(self) -> bool:
        return any(method.name in ("otp", "magiclink", "recovery") for method in self.methods)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A row of auth.refresh_tokens."""

    id: int
    token: str
    parent: str
    revoked: bool
    session_id: str | None
    updated_at: datetime

    @classmethod
    def from_json(cls, text: bytes) -> RefreshToken:
        row = json.loads(text)
        return cls(
            id=row["id"],
            token=row["token"],
            parent=row["parent"] or "",
            revoked=bool(row["revoked"]),
            session_id=row["session_id"],
            updated_at=read(row["updated_at"]) if row["updated_at"] else read("-infinity"),
        )
