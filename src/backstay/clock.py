"""The only source of time.

Everything that needs the time receives a ``Clock``; tests pass a ``ManualClock`` and turn it.
Nothing else in the package calls ``time.time`` or ``datetime.now``.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Reads the time of day; ``time`` in seconds since the epoch, ``now`` as an aware datetime."""

    def time(self) -> float: ...

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        return time.time()

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told to, for tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def time(self) -> float:
        return self._now.timestamp()

    def now(self) -> datetime:
        return self._now

    def set(self, moment: datetime) -> None:
        self._now = moment


monotonic = time.perf_counter
"""Seconds from an arbitrary start, for measuring how long something took."""
