"""Carries events from where they happen to who listens, in the same call."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from backstay.observe.events import Event

E = TypeVar("E", bound=Event)
Listener = Callable[[Any], None]


class Bus:
    """A synchronous bus: ``emit`` calls the listeners of the event's type before it returns.

    Listeners must be quick and must not raise; one that raises is reported on stderr and the others
    still hear the event. Subscribe before serving: the hot path reads a finished tuple.
    """

    def __init__(self) -> None:
        self._listeners: list[tuple[type[Event], Listener]] = []
        self._by_type: dict[type[Event], tuple[Listener, ...]] = {}

    def subscribe(self, kind: type[E], listener: Callable[[E], None]) -> None:
        """Call ``listener`` with every event that is a ``kind``; ``Event`` means all."""
        self._listeners.append((kind, listener))
        self._by_type.clear()

    def wants(self, kind: type[Event]) -> bool:
        """Whether anyone listens, for events that are costly to make."""
        return bool(self._heard_by(kind))

    def emit(self, event: Event) -> None:
        """Tell everyone who listens for this type of event."""
        for listener in self._by_type.get(type(event)) or self._heard_by(type(event)):
            try:
                listener(event)
            except Exception:
                # Observing must never break what is observed.
                traceback.print_exc(file=sys.stderr)

    def _heard_by(self, kind: type[Event]) -> tuple[Listener, ...]:
        found = self._by_type.get(kind)
        if found is None:
            found = tuple(tell for base, tell in self._listeners if issubclass(kind, base))
            self._by_type[kind] = found
        return found
