"""Users, identities and factors as JSON, member by member as upstream writes them.

A moment that never was is left out; an unset ``email`` or ``phone`` is the empty string.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backstay.auth.model import Factor, Identity, User
from backstay.auth.times import LONG_AGO, wire


def user_json(user: User, *, with_profile: bool = False) -> dict[str, Any]:
    """The user. ``with_profile`` merges the project's own columns at the top level, where they
    win: only in the answers of /token and /user."""
    identities = user.identities
    document = {
        "id": user.id,
        "aud": user.aud,
        "role": user.role,
        "email": user.email,
        **_moments(email_confirmed_at=user.email_confirmed_at, invited_at=user.invited_at),
        "phone": user.phone,
        **_moments(
            phone_confirmed_at=user.phone_confirmed_at,
            confirmation_sent_at=user.confirmation_sent_at,
            confirmed_at=user.confirmed_at,
            recovery_sent_at=user.recovery_sent_at,
        ),
        **_texts(new_email=user.email_change),
        **_moments(email_change_sent_at=user.email_change_sent_at),
        **_texts(new_phone=user.phone_change),
        **_moments(
            phone_change_sent_at=user.phone_change_sent_at,
            reauthentication_sent_at=user.reauthentication_sent_at,
            last_sign_in_at=user.last_sign_in_at,
        ),
        "app_metadata": user.app_metadata,
        "user_metadata": user.user_metadata,
        **({"factors": [factor_json(f) for f in user.factors]} if user.factors else {}),
        "identities": None if identities is None else [identity_json(i) for i in identities],
        "created_at": wire(user.created_at or LONG_AGO),
        "updated_at": wire(user.updated_at or LONG_AGO),
        **_moments(banned_until=user.banned_until, deleted_at=user.deleted_at),
        "is_anonymous": user.is_anonymous,
    }
    return document | dict(user.profile or {}) if with_profile else document


def identity_json(identity: Identity) -> dict[str, Any]:
    """An identity: ``id`` is the provider's name for the user, ``identity_id`` the row's."""
    data: Mapping[str, Any] = identity.data
    return {
        "identity_id": identity.id,
        "id": identity.provider_id,
        "user_id": identity.user_id,
        **({"identity_data": data} if data else {}),
        "provider": identity.provider,
        **_moments(last_sign_in_at=identity.last_sign_in_at),
        "created_at": wire(identity.created_at or LONG_AGO),
        "updated_at": wire(identity.updated_at or LONG_AGO),
        **_texts(email=identity.email),
    }


def factor_json(factor: Factor) -> dict[str, Any]:
    """A second factor, without its secret."""
    challenged = factor.last_challenged_at
    return {
        "id": factor.id,
        "created_at": wire(factor.created_at),
        "updated_at": wire(factor.updated_at),
        "status": factor.status,
        **_texts(friendly_name=factor.friendly_name),
        "factor_type": factor.type,
        "phone": factor.phone,
        "last_challenged_at": None if challenged is None else wire(challenged),
    }


def _moments(**moments: datetime | None) -> dict[str, str]:
    return {name: wire(moment) for name, moment in moments.items() if moment is not None}


def _texts(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}
