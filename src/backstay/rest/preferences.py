"""The ``Prefer`` header (RFC 7240) and what is answered in ``Preference-Applied``.

https://docs.postgrest.org/en/stable/references/api/preferences.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

_CHOICES = {
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "missing": ("default", "null"),
    "handling": ("strict", "lenient"),
}
_FIELD = {"return": "representation"}
_FREE = ("timezone=", "max-affected=")
_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences of a request; an empty string (or None) where none was sent."""

    resolution: str = ""
    representation: str = ""
    count: str = ""
    tx: str = ""
    missing: str = ""
    handling: str = ""
    timezone: str | None = None
    max_affected: int | None = None
    invalid: tuple[str, ...] = ()

    @property
    def strict(self) -> bool:
        return self.handling == "strict"

    @property
    def counts(self) -> bool:
        """The rows are to be counted by the query itself."""
        return self.count in ("exact", "estimated")

    @property
    def estimates(self) -> bool:
        """The planner is to be asked for its estimate."""
        return self.count in ("planned", "estimated")

    @property
    def affected_limit(self) -> int | None:
        """``max-affected``, which counts only with ``handling=strict``."""
        return self.max_affected if self.strict else None


@lru_cache(maxsize=512)
def parse_preferences(header: str, tx_override: bool) -> Preferences:
    """Read a ``Prefer`` header, the first of each kind counting.

    ``tx_override``: whether the server lets a client say how its transaction ends.
    """
    if not header:
        return Preferences()
    words = [word.strip() for word in header.split(",")]
    chosen: dict[str, str] = {}
    invalid: list[str] = []
    for word in words:
        name, _, value = word.partition("=")
        if value in _CHOICES.get(name, ()):
            if name != "tx" or tx_override:
                chosen.setdefault(_FIELD.get(name, name), value)
        elif not word.startswith(_FREE):
            invalid.append(word)
    affected = _first(words, "max-affected=")
    return Preferences(
        **chosen,
        timezone=_first(words, "timezone="),
        max_affected=int(affected) if affected and _INTEGER.match(affected) else None,
        invalid=tuple(invalid),
    )


def _first(words: list[str], prefix: str) -> str | None:
    return next((word[len(prefix) :] for word in words if word.startswith(prefix)), None)


def applied(preferences: Preferences, verb: str, *, on_conflict: bool) -> str:
    """The value of ``Preference-Applied``; empty when nothing was applied.

    ``on_conflict``: an insert had something to resolve duplicates on.
    """
    writes = verb in ("insert", "update", "upsert", "delete")
    honoured = replace(
        preferences,
        resolution=preferences.resolution if verb == "insert" and on_conflict else "",
        representation=preferences.representation if writes else "",
        missing=preferences.missing if verb in ("insert", "update") else "",
        max_affected=preferences.affected_limit if verb in ("update", "delete", "call") else None,
    )
    return _written(honoured)


def _written(preferences: Preferences) -> str:
    parts = (
        ("resolution", preferences.resolution),
        ("missing", preferences.missing),
        ("return", preferences.representation),
        ("count", preferences.count),
        ("tx", preferences.tx),
        ("handling", preferences.handling),
        ("timezone", preferences.timezone),
        ("max-affected", preferences.max_affected),
    )
    return ", ".join(f"{name}={value}" for name, value in parts if value not in ("", None))
