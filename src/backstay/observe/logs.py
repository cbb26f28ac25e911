"""Writes events as log lines: coloured on a terminal, one JSON object a line otherwise."""

from __future__ import annotations

import re
import sys
import traceback
from dataclasses import fields
from typing import Any, Final, Literal, TextIO

import structlog

from backstay.clock import Clock
from backstay.observe.bus import Bus
from backstay.observe.events import (
    ClientLeft,
    DatabaseLost,
    Event,
    Failed,
    PoolChanged,
    RequestFailed,
    RequestFinished,
    StatementFinished,
    Warned,
)
from backstay.observe.redact import redact

Level = Literal["error", "warning", "info", "debug"]
_RANK: Final[dict[Level, int]] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")


class Log:
    """Listens on a bus and writes what is at least as severe as ``level`` to ``stream``."""

    def __init__(
        self, clock: Clock, stream: TextIO | None = None, *, level: Level = "info"
    ) -> None:
        """``stream`` is stderr unless given."""
        self._level = _RANK[level]
        self._clock = clock
        stream = stream or sys.stderr
        terminal = stream.isatty()
        renderer: Any = (
            structlog.dev.ConsoleRenderer(colors=True)
            if terminal
            else structlog.processors.JSONRenderer(ensure_ascii=False)
        )
        self._logger: Any = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[
                structlog.processors.add_log_level,
                self._stamp,
                renderer,
            ],
        )

    def listen(self, bus: Bus) -> None:
        """Write what ``bus`` carries."""
        bus.subscribe(Event, self.write)

    def _stamp(self, _logger: Any, _method: str, entry: Any) -> Any:
        entry["timestamp"] = self._clock.now().isoformat(timespec="milliseconds")
        return entry

    def write(self, event: Event) -> None:
        """One event as one line, secrets taken out."""
        level = severity(event)
        if _RANK[level] >= self._level:
            getattr(self._logger, level)(_title(event), **shown(event))


def severity(event: Event) -> Level:
    """How much an operator should care."""
    match event:
        case RequestFinished(status=status):  # first, because it is by far the most frequent
            return "error" if status >= 500 else "debug"
        case RequestFailed() | DatabaseLost() | Failed():
            return "error"
        case Warned():
            return "warning"
        case ClientLeft() | StatementFinished() | PoolChanged():
            return "debug"
        case _:
            return "info"


def shown(event: Event) -> dict[str, Any]:
    """The event's fields fit to be written: empty ones left out, texts without secrets."""
    declared: Any = event
    values = {field.name: getattr(event, field.name) for field in fields(declared)}
    return {name: _value(value) for name, value in values.items() if value not in ("", None)}


def _value(value: Any) -> Any:
    if isinstance(value, BaseException):
        return redact("".join(traceback.format_exception(value)).rstrip())
    if isinstance(value, float):
        return round(value, 6)
    return redact(value) if isinstance(value, str) else value


def _title(event: Event) -> str:
    return _WORDS.sub(" ", type(event).__name__).lower()
