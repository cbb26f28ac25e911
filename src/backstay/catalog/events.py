"""What happens to the schema cache."""

from __future__ import annotations

from dataclasses import dataclass

from backstay.observe.events import CatalogLoaded, Event, Failed


@dataclass(slots=True, frozen=True, kw_only=True)
class Loaded(CatalogLoaded):
    """A catalog was loaded; ``seconds`` is the time in the database."""

    version: int
    changed: bool
    """False: nothing differed, the former snapshot stays."""
    build_seconds: float


@dataclass(slots=True, frozen=True, kw_only=True)
class LoadFailed(Failed):
    """A load failed; it is tried again after ``retry_in`` seconds, or not if None."""

    retry_in: float | None


@dataclass(slots=True, frozen=True, kw_only=True)
class ConfigFailed(Failed):
    """The in-database configuration could not be read or is wrong; the former one stays."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Notified(Event):
    """A message to reload arrived on the channel."""

    channel: str
    payload: str


@dataclass(slots=True, frozen=True, kw_only=True)
class Listening(Event):
    """The channel is being listened to, on a new connection."""

    channel: str
