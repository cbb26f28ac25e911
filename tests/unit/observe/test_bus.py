"""Unit: who hears which event."""

from __future__ import annotations

import pytest

from backstay.observe.bus import Bus
from backstay.observe.events import DatabaseLost, DatabaseReady, Event, Stopping


def test_a_listener_hears_its_kind_and_what_is_derived_from_it() -> None:
    bus, all_, lost = Bus(), list[Event](), list[Event]()
    bus.subscribe(Event, all_.append)
    bus.subscribe(DatabaseLost, lost.append)
    events = [DatabaseLost(reason="x"), DatabaseReady(), Stopping(in_flight=0)]
    for event in events:
        bus.emit(event)
    assert all_ == events
    assert lost == events[:1]


def test_who_subscribes_later_hears_what_comes_later() -> None:
    bus, heard = Bus(), list[Event]()
    bus.emit(Stopping(in_flight=1))
    bus.subscribe(Stopping, heard.append)
    bus.emit(Stopping(in_flight=0))
    assert heard == [Stopping(in_flight=0)]


def test_whether_anyone_listens() -> None:
    bus = Bus()
    assert not bus.wants(Stopping)
    bus.subscribe(Event, lambda _: None)
    assert bus.wants(Stopping)


def test_a_listener_that_raises_keeps_nothing_from_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(_: Event) -> None:
        raise RuntimeError("a broken listener")

    bus, heard = Bus(), list[Event]()
    bus.subscribe(Event, broken)
    bus.subscribe(Event, heard.append)
    bus.emit(Stopping(in_flight=0))
    assert len(heard) == 1
    assert "a broken listener" in capsys.readouterr().err
