"""How a server is started: several projects, several processes, somebody else's database, sleep."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.cluster import Database
from tests.support.running import REPOSITORY, command, copy_project, start

NOTES = """
create table public.notes (id serial primary key, text text not null);
alter table public.notes enable row level security;
create policy read on public.notes for select using (true);
insert into public.notes (text) values ('{name}');
"""

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a project folder with one migration; its PostgreSQL is stopped afterwards."""
    made: list[Path] = []

    def project(name: str, config: str = "") -> Path:
        folder = tmp_path / name
        migrations = folder / "supabase" / "migrations"
        migrations.mkdir(parents=True)
        (folder / "supabase" / "config.toml").write_text(f'project_id = "{name}"\n{config}')
        (migrations / "20260101000000_notes.sql").write_text(NOTES.format(name=name))
        made.append(folder)
        return folder

    yield project
    for folder in made:
        command("stop", "--project", str(folder))


def notes(url: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{url}/rest/v1/notes?select=text", headers=headers, timeout=20)


def test_projects_by_host_and_port(make: Make, tmp_path: Path) -> None:
    """Each is reached by name and by its own port; the first also by plain localhost."""
    first, second = make("alpha"), make("beta")
    running = start([first, second], log=tmp_path / "log", timeout=90)
    try:
        assert notes(running.url).json() == [{"text": "alpha"}]
        for name in ("alpha", "beta"):
            by_host = notes(running.url, Host=f"{name}.localhost:{running.port}")
            assert by_host.json() == [{"text": name}]
        unknown = notes(running.url, Host="gamma.localhost")
        assert unknown.status_code == 404
        status = command("status", "-o", "json", "--project", str(second))
        own = json.loads(status.stdout)
        assert notes(own["API_URL"]).json() == [{"text": "beta"}]
        assert own["API_URL"] != running.url
        assert own["JWT_SECRET"] != running.status()["JWT_SECRET"]
        for key in (running.status()["SECRET_KEY"], running.status()["PUBLISHABLE_KEY"]):
            assert notes(own["API_URL"], apikey=key).status_code == 401
        legacy = running.status()["SERVICE_ROLE_KEY"]
        assert notes(own["API_URL"], Authorization=f"Bearer {legacy}").status_code == 401
    finally:
        running.stop()


def test_second_start_prints_the_status(make: Make, tmp_path: Path) -> None:
    folder = make("once")
    running = start([folder], log=tmp_path / "log")
    try:
        again = command("start", str(folder))
        assert again.returncode == 0, again.stderr
        assert f"127.0.0.1:{running.port}" in again.stdout
        assert notes(running.url).status_code == 200
    finally:
        running.stop()


def test_start_says_what_is_pending(make: Make, tmp_path: Path) -> None:
    """With migrations switched off nothing is applied, and the start screen counts what waits."""
    log = tmp_path / "log"
    running = start([make("held", "[db.migrations]\nenabled = false\n")], log=log)
    try:
        (ready,) = [
            event
            for line in log.read_text().splitlines()
            if (event := json.loads(line))["event"] == "ready"
        ]
        assert ready["migrations"] == {"applied": 0, "pending": 1}
        assert notes(running.url).json()["code"] == "PGRST205"
    finally:
        running.stop()


def test_workers_share_the_port(make: Make, tmp_path: Path) -> None:
    """Two processes answer; one that is killed is replaced."""
    folder = make("many")
    running = start([folder], log=tmp_path / "log", arguments=["--workers", "2"], timeout=90)
    try:
        workers = children(running.process.pid)
        assert len(workers) == 2
        assert notes(running.url).json() == [{"text": "many"}]
        os.kill(workers[0], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if len(set(children(running.process.pid)) - {workers[0]}) == 2:
                break
            time.sleep(0.05)
        assert len(set(children(running.process.pid)) - {workers[0]}) == 2
        answers = {notes(running.url).status_code for _ in range(10)}
        assert answers == {200}
    finally:
        running.stop()


def children(pid: int) -> list[int]:
    """The worker processes of a server: its children that are Python, not PostgreSQL."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                name = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            if b"backstay.app" in name:
                found.append(int(child))
    return sorted(found)


def test_sleeps_and_wakes(make: Make, tmp_path: Path) -> None:
    """An idle project's PostgreSQL is gone; the next request brings it back."""
    folder = make("sleepy", "[backstay]\nsleep_after = '1s'\n")
    running = start([folder], log=tmp_path / "log")
    state = folder / ".backstay" / "state.json"
    try:
        assert notes(running.url).status_code == 200
        deadline = time.monotonic() + 20
        while json.loads(state.read_text())["server_pid"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert json.loads(state.read_text())["server_pid"] == 0
        began = time.perf_counter()
        reply = notes(running.url)
        took = time.perf_counter() - began
        assert reply.json() == [{"text": "sleepy"}]
        print(f"\nwoken and answered in {took * 1000:.0f} ms   budget 300 ms")
    finally:
        running.stop()


def test_external_database(database: Database, tmp_path: Path) -> None:
    """With --db-url no server is started: the given one is prepared, migrated and served."""
    folder = copy_project(REPOSITORY / "apps" / "billkaro", tmp_path)
    running = start(
        [folder], log=tmp_path / "log", arguments=["--db-url", database.dsn("supabase_admin")]
    )
    try:
        reply = httpx.post(
            f"{running.url}/auth/v1/token?grant_type=password",
            json={"username": "manager", "password": "manager123"},
        )
        assert reply.status_code == 200, reply.text
        token = reply.json()["access_token"]
        machines = httpx.get(
            f"{running.url}/rest/v1/machines?select=id",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert [row["id"] for row in machines.json()] == ["mach_001", "mach_002", "mach_003"]
        assert not (folder / ".backstay" / "data").exists()
    finally:
        running.stop()
    with psycopg.connect(database.dsn()) as connection:
        row = connection.execute("select count(*) from public.machines").fetchone()
    assert row == (3,)


def test_catalog_follows_ddl(make: Make, tmp_path: Path) -> None:
    """A table made by anybody is served at once, also after a reset dropped every connection."""
    folder = make("changing")
    running = start([folder], log=tmp_path / "log")
    database, key = running.status()["DB_URL"], running.status()["SECRET_KEY"]
    try:
        for number in range(2):
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute(f"create table public.made_{number} (id int primary key)")
            reply = httpx.get(
                f"{running.url}/rest/v1/made_{number}", headers={"apikey": key}, timeout=20
            )
            assert (reply.status_code, reply.json()) == (200, [])
            reset = command("db", "reset", "--project", str(folder))
            assert reset.returncode == 0, reset.stderr
        gone = httpx.get(f"{running.url}/rest/v1/made_0", headers={"apikey": key}, timeout=20)
        assert gone.json()["code"] == "PGRST205"
    finally:
        running.stop()


def test_well_known_keys_stay_at_home(make: Make) -> None:
    """Listening beyond loopback with the development keys is refused, with the way out."""
    refused = command("start", str(make("open")), "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 1
    assert "backstay keys generate" in refused.stderr
