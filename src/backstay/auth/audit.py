"""Entries of auth.audit_log_entries: who did what."""

from __future__ import annotations

from typing import Any, Final, Literal

from backstay.auth.kit import Call, Kit, json_text, new_id
from backstay.auth.model import NIL, User
from backstay.auth.times import stored
from backstay.db.model import Query

Action = Literal[
    "login",
    "logout",
    "user_signedup",
    "user_invited",
    "user_deleted",
    "user_modified",
    "user_recovery_requested",
    "user_reauthenticate_requested",
    "user_confirmation_requested",
    "user_repeated_signup",
    "user_updated_password",
    "token_revoked",
    "token_refreshed",
]

_LOG_TYPES: Final[dict[Action, str]] = {
    "login": "account",
    "logout": "account",
    "user_signedup": "team",
    "user_invited": "team",
    "user_deleted": "team",
    "token_revoked": "token",
    "token_refreshed": "token",
}


def entry(kit: Kit, call: Call, actor: User, action: Action, **traits: Any) -> Query:
    """An entry of what ``actor`` did."""
    payload: dict[str, Any] = {
        "action": action,
        "actor_id": actor.id,
        "actor_username": actor.phone or actor.email,
        "actor_via_sso": actor.is_sso_user,
        "log_type": _LOG_TYPES.get(action, "user"),
    }
    if "full_name" in actor.user_metadata:
        payload["actor_name"] = actor.user_metadata["full_name"]
    return _query(kit, call, payload, traits)


def admin_entry(kit: Kit, call: Call, action: Action, **traits: Any) -> Query:
    """An entry of what the administrator did whose token the call bears."""
    payload = {
        "action": action,
        "actor_id": NIL,
        "actor_username": call.role,
        "actor_via_sso": False,
        "log_type": _LOG_TYPES.get(action, "user"),
    }
    return _query(kit, call, payload, traits)


def _query(kit: Kit, call: Call, payload: dict[str, Any], traits: dict[str, Any]) -> Query:
    if traits:
        payload["traits"] = traits
    return kit.statements("audit", new_id(), json_text(payload), stored(call.now))
