"""Writes events as log lines: coloured on a terminal, one JSON object a line otherwise."""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final, TextIO

from backstay.clock import Clock
from backstay.observe.bus import Bus
from backstay.observe.events import Event, Level
from backstay.observe.redact import redact

Line = dict[str, Any]
"""One entry: ``timestamp``, ``level``, ``event``, then the event's own fields."""

_RANK: Final[dict[Level, int]] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_COLOUR: Final[dict[str, str]] = {"debug": "2", "info": "32", "warning": "33", "error": "31;1"}
_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")


class Log:
    """Listens on a bus and writes what is at least as severe as ``level`` to ``stream``.

    Made here and not with a logging library, because the usual one for structured lines costs a
    third of a second to import, at every start of every verb.
    """

    def __init__(
        self, clock: Clock, stream: TextIO | None = None, *, level: Level = "info"
    ) -> None:
        """``stream`` is stderr unless given."""
        self._clock = clock
        self._stream = stream or sys.stderr
        self._level = _RANK[level]
        self._render: Callable[[Line], str] = coloured if self._stream.isatty() else as_json

    def listen(self, bus: Bus) -> None:
        """Write what ``bus`` carries."""
        bus.subscribe(Event, self.write)

    def write(self, event: Event) -> None:
        """One event as one line, secrets taken out."""
        level = event.severity
        if _RANK[level] < self._level:
            return
        moment = self._clock.now().isoformat(timespec="milliseconds")
        line = {"timestamp": moment, "level": level, "event": _title(event), **shown(event)}
        self._stream.write(self._render(line) + "\n")
        self._stream.flush()


def as_json(line: Line) -> str:
    """The line for a machine: one JSON object."""
    return json.dumps(line, ensure_ascii=False, default=str)


def coloured(line: Line) -> str:
    """The line for a terminal: time of day, level, what happened, then the rest by name."""
    moment, level, event, *rest = line.items()
    values = " ".join(f"\x1b[36m{name}\x1b[0m={_plain(value)}" for name, value in rest)
    clock = str(moment[1])[11:23]
    return f"\x1b[2m{clock}\x1b[0m \x1b[{_COLOUR[level[1]]}m{level[1]:7}\x1b[0m {event[1]} {values}"


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


def _plain(value: Any) -> str:
    """A value on a terminal: text as it is but for control characters, tracebacks on own lines."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in value)


def _title(event: Event) -> str:
    return _WORDS.sub(" ", type(event).__name__).lower()
