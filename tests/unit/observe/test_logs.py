"""Unit: how events are written."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from backstay.clock import ManualClock
from backstay.observe.bus import Bus
from backstay.observe.events import (
    DatabaseLost,
    Event,
    Failed,
    Level,
    RequestFailed,
    RequestFinished,
    Started,
    Warned,
)
from backstay.observe.logs import Log

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def finished(status: int) -> RequestFinished:
    return RequestFinished("shop", "rest", "r1", "GET", "/rest/v1/t", "127.0.0.1", status, 0.00123)


def written(event: Event, level: Level = "debug") -> list[dict[str, Any]]:
    stream, bus = io.StringIO(), Bus()
    Log(CLOCK, stream, level=level).listen(bus)
    bus.emit(event)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_json_object_a_line() -> None:
    assert written(finished(200)) == [
        {
            "event": "request finished",
            "level": "debug",
            "timestamp": "2026-01-01T00:00:00.000+00:00",
            "project": "shop",
            "service": "rest",
            "request_id": "r1",
            "method": "GET",
            "path": "/rest/v1/t",
            "client": "127.0.0.1",
            "status": 200,
            "seconds": 0.00123,
        }
    ]


def test_a_terminal_gets_colour() -> None:
    stream = Terminal()
    Log(CLOCK, stream).write(Warned(what="two things", next="do this"))
    assert "\x1b[" in stream.getvalue()
    assert "do this" in stream.getvalue()


def test_a_terminal_is_not_controlled_by_what_is_logged() -> None:
    stream = Terminal()
    Log(CLOCK, stream).write(Warned(what="\x1b[2Jgone\x07"))
    assert "\x1b[2J" not in stream.getvalue()
    assert "\x07" not in stream.getvalue()


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (finished(200), "debug"),
        (finished(404), "debug"),
        (finished(500), "error"),
        (DatabaseLost(reason="gone"), "error"),
        (Warned(what="x"), "warning"),
        (Started(addresses=("http://localhost",), seconds=1.0), "info"),
    ],
)
def test_severity(event: Event, level: Level) -> None:
    assert event.severity == level


def test_what_is_less_severe_than_asked_for_is_not_written() -> None:
    assert written(finished(200), "info") == []
    assert len(written(finished(500), "error")) == 1


def test_an_error_is_written_with_its_traceback_and_without_its_secrets() -> None:
    try:
        raise RuntimeError("connecting to postgresql://u:hunter2@h/db failed")
    except RuntimeError as error:
        (line,) = written(RequestFailed(request_id="r1", service="rest", error=error))
    assert "test_logs.py" in line["error"]
    assert "hunter2" not in json.dumps(line)


def test_no_event_can_break_out_of_its_line() -> None:
    assert len(written(Failed(what="a\nb\r\nc", error=ValueError("x\ny")))) == 1
