"""What happens to the schema cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from backstay.observe import events


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(events.CatalogLoaded):
    """A catalog was loaded; ``seconds`` is the time in the database."""

    version: int
    changed: bool
    """False: nothing differed, the former snapshot stays."""
    build_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFailed(events.Failed):
    """A load failed; it is tried again after ``retry_in`` seconds, or not if None."""

    retry_in: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFailed(events.Failed):
    """The in-database configuration could not be read or is wrong; the former one stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified(events.Event):
    """A message to reload arrived on the channel."""

    level: ClassVar[events.Level] = "debug"

    project: str = ""
    channel: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening(events.Event):
    """The channel is being listened to, on a new connection."""

    level: ClassVar[events.Level] = "debug"

    project: str = ""
    channel: str
