"""What a project costs, as figures beside their budget. Times are printed, never asserted: the
machine is shared; a test that fails by the clock teaches people to ignore it. Memory is asserted.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.running import REPOSITORY, Running, command, copy_project, launch


def pss(pid: int) -> int:
    """Proportional set size of a process and its descendants, in KiB."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total = int(line.split()[1])
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                total += pss(int(child))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass
    return total


def first_answer(folder: Path, log: Path) -> tuple[Running, float]:
    """A started server and the seconds from the command to its first answered read."""
    began = time.perf_counter()
    running = launch([folder], log=log)
    while time.perf_counter() - began < 60 and running.process.poll() is None:
        try:
            reply = httpx.get(f"{running.url}/rest/v1/machines")
        except httpx.TransportError:
            time.sleep(0.01)
            continue
        took = time.perf_counter() - began
        assert reply.status_code == 200, reply.text
        return running, took
    running.stop()
    raise AssertionError(f"no answer\n{log.read_text()[-4000:]}")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = copy_project(REPOSITORY / "apps" / "billkaro", tmp_path)
    yield made
    command("stop", "--project", str(made))
    shutil.rmtree(made, ignore_errors=True)


def test_budget(folder: Path, tmp_path: Path) -> None:
    figures: list[tuple[str, str, str]] = []
    running, cold = first_answer(folder, tmp_path / "cold.log")
    figures.append(("cold start to first answer", f"{cold:.2f} s", "5 s"))
    running.stop()

    running, warm = first_answer(folder, tmp_path / "warm.log")
    figures.append(("warm start to first answer", f"{warm:.2f} s", "1.5 s"))

    database = running.status()["DB_URL"]
    for label, budget in (("db reset, first", "-"), ("db reset, from its template", "1 s")):
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("delete from public.services")
        began = time.perf_counter()
        done = command("db", "reset", "--project", str(folder))
        took = time.perf_counter() - began
        assert done.returncode == 0, done.stderr
        inside = re.search(r"in ([0-9.]+) s", done.stdout)
        assert inside is not None, done.stdout
        with psycopg.connect(database) as connection:
            row = connection.execute("select count(*) from public.services").fetchone()
        assert row == (11,)
        assert httpx.get(f"{running.url}/rest/v1/machines").status_code == 200
        figures.append((f"{label} (whole command {took:.2f} s)", f"{inside[1]} s", budget))

    time.sleep(2)
    postmaster = json.loads((folder / ".backstay" / "state.json").read_text())["server_pid"]
    assert pss(postmaster) > 0, "the measurement missed PostgreSQL"
    # A server that was adopted is not our child; one that is must not be counted twice.
    ours = descendants(running.process.pid)
    idle = pss(running.process.pid) + (0 if postmaster in ours else pss(postmaster))
    figures.append(
        ("idle memory, backstay and PostgreSQL (PSS)", f"{idle / 1024:.0f} MB", "150 MB")
    )
    running.stop()

    print()
    for name, figure, budget in figures:
        print(f"{name:<60}{figure:>10}   budget {budget}")
    assert idle <= 150 * 1024


def descendants(pid: int) -> set[int]:
    """The processes below ``pid``."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= {int(child)} | descendants(int(child))
    return found
