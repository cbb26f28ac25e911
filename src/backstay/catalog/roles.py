"""Settings of the roles a request may switch to."""

from __future__ import annotations

from dataclasses import dataclass, field

from backstay.catalog.routines import ISOLATION, ISOLATIONS
from backstay.catalog.rows import records, sql
from backstay.db.model import Query, Result

SQL = sql("role_settings")


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """By role: what is set in its transactions, and the isolation level they begin with."""

    settings: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    isolation: dict[str, str] = field(default_factory=dict)


def query() -> Query:
    return Query(SQL, prepare=False)


def build(result: Result) -> RoleSettings:
    settings: dict[str, tuple[tuple[str, str], ...]] = {}
    isolation: dict[str, str] = {}
    for role, name, value in records(result):
        if name != ISOLATION:
            settings[role] = (*settings.get(role, ()), (name, value))
        elif value.lower() in ISOLATIONS:
            isolation[role] = value.lower()
    return RoleSettings(settings, isolation)
