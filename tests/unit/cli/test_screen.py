"""What ``start`` shows."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

from backstay.cli.screen import JsonScreen, TerminalScreen, choose_screen
from backstay.clock import ManualClock
from backstay.config.serve import ProjectReady

PROJECT = ProjectReady(
    project_id="shop",
    root=Path("/srv/shop"),
    data="/srv/shop/.backstay/data",
    postgres_version="18.6",
    postgres_seconds=0.31,
    applied=("1_a.sql", "2_b.sql"),
    pending=("3_c.sql",),
    status=(
        ("API_URL", "http://127.0.0.1:54321"),
        ("DB_URL", "postgresql://postgres:postgres@127.0.0.1:54322/postgres"),
        ("PUBLISHABLE_KEY", "sb_publishable_x"),
        ("SECRET_KEY", "sb_secret_x"),
        ("SERVICE_ROLE_KEY", "service"),
    ),
    urls=("http://127.0.0.1:54321", "http://shop.localhost:54321"),
    notes=("seed.sql changed",),
)


def test_a_person_sees_one_screen() -> None:
    stream = io.StringIO()
    screen = TerminalScreen(stream)
    screen.step("shop", "starting PostgreSQL")
    screen.note("Port 54321 is taken.", "backstay start --port PORT")
    screen.ready((PROJECT,), 1.24)
    shown = stream.getvalue()
    for part in (
        "ready in 1.2 s", "shop", "/srv/shop", ".backstay/data, PostgreSQL 18.6 in 0.3 s",
        "1 pending: backstay migration up", "http://127.0.0.1:54321", "sb_publishable_x",
        "seed.sql changed", "Port 54321 is taken.", "backstay start --port PORT", "backstay status",
    ):  # fmt: skip
        assert part in shown
    assert len(shown.splitlines()) <= 24
    assert all(len(line) <= 100 for line in shown.splitlines())
    assert "\x1b" not in shown


def test_several_projects_share_the_screen() -> None:
    stream = io.StringIO()
    TerminalScreen(stream).ready((PROJECT, PROJECT), 1.0)
    assert "sb_secret_x" not in stream.getvalue()


def test_a_machine_reads_lines_without_secrets() -> None:
    stream = io.StringIO()
    screen = JsonScreen(stream, ManualClock(datetime(2026, 1, 2, tzinfo=UTC)))
    screen.step("shop", "starting PostgreSQL")
    screen.ready((PROJECT,), 1.24)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["step", "ready", "note"]
    assert lines[1]["urls"] == list(PROJECT.urls)
    assert lines[1]["timestamp"].startswith("2026-01-02")
    assert "sb_secret" not in stream.getvalue()
    assert "postgresql://" not in stream.getvalue()


def test_the_screen_follows_the_stream_and_the_log_format() -> None:
    assert isinstance(choose_screen(io.StringIO()), JsonScreen)
    assert isinstance(choose_screen(io.StringIO(), format="console"), TerminalScreen)
