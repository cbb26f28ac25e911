"""The named statements of ``auth/sql``, with the project's profile woven in, and the one builder.

A statement is found by its name. ``{user}`` and ``{session}`` in the files stand for the JSON of
the rows ``u`` and ``s``; ``{login}`` for the lookup of a name in the profile table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Final

from backstay.auth.times import stored
from backstay.config.auth_profile import AuthProfile
from backstay.db.model import Param, Query
from backstay.db.quote import quote_ident, quote_literal

FILES: Final = ("users", "sessions", "one_time_tokens")

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)

_SESSION: Final = """json_build_object('row', row_to_json(s), 'methods', (
  select coalesce(json_agg(json_build_object(
    'name', c.authentication_method, 'at', c.updated_at) order by c.updated_at desc, c.id), '[]')
  from auth.mfa_amr_claims c where c.session_id = s.id))"""

_USER: Final = """json_build_object('row', row_to_json(u), 'identities', (
  select coalesce(json_agg(row_to_json(i) order by i.created_at, i.id), '[]')
  from auth.identities i where i.user_id = u.id), 'factors', (
  select coalesce(json_agg(row_to_json(f) order by f.created_at, f.id), '[]')
  from auth.mfa_factors f where f.user_id = u.id){profile})"""

USER_COLUMNS: Final = frozenset(
    {
        "banned_until",
        "confirmation_sent_at",
        "confirmation_token",
        "deleted_at",
        "email",
        "email_change",
        "email_change_confirm_status",
        "email_change_sent_at",
        "email_change_token_current",
        "email_change_token_new",
        "email_confirmed_at",
        "encrypted_password",
        "invited_at",
        "is_anonymous",
        "phone",
        "phone_change",
        "phone_change_sent_at",
        "phone_change_token",
        "phone_confirmed_at",
        "raw_app_meta_data",
        "raw_user_meta_data",
        "reauthentication_sent_at",
        "reauthentication_token",
        "recovery_sent_at",
        "recovery_token",
        "role",
    }
)
"""The columns of auth.users a flow may set."""


class Statements:
    """The statements of one project."""

    def __init__(self, profile: AuthProfile) -> None:
        user = _USER.replace("{profile}", _profile_member(profile))
        self._texts: Mapping[str, str] = {
            name: text.replace("{user}", user)
            .replace("{session}", _SESSION)
            .replace("{login}", _login_lookup(profile))
            for file in FILES
            for name, text in _named(_read(file))
        }

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._texts)

    def __call__(self, name: str, *params: Param) -> Query:
        """The statement ``name`` with its parameters."""
        return Query(self._texts[name], params)


def update_user(user_id: str, now: datetime, changes: Mapping[str, Param]) -> Query:
    """Sets columns of one user; ``updated_at`` follows. Prepared once per set of columns."""
    unknown = changes.keys() - USER_COLUMNS
    if unknown:
        raise ValueError(f"not a column a flow may set: {sorted(unknown)}")
    assignments = ", ".join(
        f"{quote_ident(column)} = ${number}" for number, column in enumerate(changes, 3)
    )
    sql = f"update auth.users set updated_at = $2::timestamptz, {assignments} where id = $1::uuid"  # noqa: S608
    return Query(sql, (user_id, stored(now), *changes.values()))


def merge_metadata(
    user_id: str, now: datetime, column: str, present: str, removed: Iterable[str]
) -> Query:
    """Merges the JSON object ``present`` into a metadata column and drops the keys ``removed``.

    Done by PostgreSQL on the row as it is, so that two merges at once lose nothing.
    """
    if column not in ("raw_app_meta_data", "raw_user_meta_data"):
        raise ValueError(column)
    sql = (
        f"update auth.users set updated_at = $2::timestamptz,"  # noqa: S608
        f" {column} = (coalesce({column}, '{{}}') || $3::jsonb) - $4::text[] where id = $1::uuid"
    )
    return Query(sql, (user_id, stored(now), present, text_array(removed)))


def text_array(items: Iterable[str]) -> str:
    """A PostgreSQL array literal of texts, for a parameter."""
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"


def _read(name: str) -> str:
    return files("backstay.auth").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def _named(text: str) -> Iterable[tuple[str, str]]:
    parts = _NAME.split(text)[1:]
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        lines = (line for line in body.splitlines() if not line.startswith("--"))
        yield name, "\n".join(lines).strip().rstrip(";")


def _table(profile: AuthProfile) -> str:
    return ".".join(quote_ident(part) for part in profile.profile_table.split(".", 1))


def _profile_member(profile: AuthProfile) -> str:
    if not (profile.profile_table and profile.user_fields):
        return ""
    members = ", ".join(
        f"{quote_literal(column)}, p.{quote_ident(column)}" for column in profile.user_fields
    )
    return (
        f", 'profile', (select json_build_object({members})"  # noqa: S608
        f" from {_table(profile)} p where p.id = u.id)"
    )


def _login_lookup(profile: AuthProfile) -> str:
    if not (profile.profile_table and profile.login_by):
        return "null::uuid"
    column = quote_ident(profile.login_by)
    return f"select p.id from {_table(profile)} p where p.{column} = $1"  # noqa: S608
