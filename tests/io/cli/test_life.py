"""A project's life at the command line: init, start, migrate, reset, stop, as a user types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.running import command, free_port


def done(*words: str | Path) -> str:
    """The answer of a verb that succeeds."""
    found = command(*map(str, words))
    assert found.returncode == 0, f"{words}\n{found.stdout}{found.stderr}"
    return found.stdout


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project made by ``init`` and served by ``start --detach``."""
    folder = tmp_path / "shop"
    folder.mkdir()
    # pytest's folders are closed to others; PostgreSQL of a root's run is another user.
    for one in (folder, tmp_path, *tmp_path.parents[:2]):
        one.chmod(0o711)
    done("init", "--project", folder)
    migrations = folder / "supabase" / "migrations"
    (migrations / "1_todos.sql").write_text("create table todos (id int primary key, title text);")
    (folder / "supabase" / "seed.sql").write_text("insert into todos values (1, 'seeded');")
    done("start", folder, "--port", str(free_port()), "--detach")
    try:
        yield folder
    finally:
        done("stop", "--project", folder)


def todos(project: Path, table: str = "todos") -> httpx.Response:
    """What the running API says of a table."""
    status = json.loads(done("status", "-o", "json", "--project", project))
    return httpx.get(
        f"{status['REST_URL']}/{table}?select=id",
        headers={"apikey": status["SERVICE_ROLE_KEY"]},
        timeout=10,
    )


def test_a_project_lives(project: Path) -> None:
    done("ready", "--timeout", "10", "--project", project)
    assert todos(project).json() == [{"id": 1}]
    assert "API_URL" in done("start", project), "a second start prints the status"
    assert '"event": "ready"' in done("logs", "--project", project)

    migration = project / "supabase" / "migrations" / "2_notes.sql"
    migration.write_text("create table notes (id int primary key);")
    assert "2_notes" not in done("migration", "list", "--project", project)
    assert "Applied 1: 2" in done("migration", "up", "--project", project)
    assert todos(project, "notes").status_code == 200

    written = httpx.post(
        f"{done('status', '--get', 'REST_URL', '--project', project).strip()}/todos",
        headers={"apikey": done("status", "--get", "SECRET_KEY", "--project", project).strip()},
        json={"id": 2},
        timeout=10,
    )
    assert written.status_code == 201
    assert "2 migrations" in done("db", "reset", "--project", project)
    assert todos(project).json() == [{"id": 1}]
    done("db", "reset", "--version", "1", "--no-seed", "--project", project)
    assert todos(project).json() == []
    assert todos(project, "notes").status_code == 404

    done("migration", "repair", "2", "--status", "applied", "--project", project)
    assert "Nothing to apply" in done("migration", "up", "--project", project)


def test_stop_is_an_end_and_can_be_repeated(project: Path) -> None:
    assert "data are kept" in done("stop", "--project", project)
    assert command("status", "--project", str(project)).returncode == 1
    assert "was not being served" in done("stop", "--project", project)
    assert "1_" not in done("migration", "list", "--project", project)
    done("stop", "--no-backup", "--project", project)
    assert not (project / ".backstay" / "data").exists()


def test_a_broken_migration_says_where(tmp_path: Path) -> None:
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    (tmp_path / "supabase" / "migrations" / "1_bad.sql").write_text("select 1;\nselect nothing;\n")
    for one in (tmp_path, *tmp_path.parents[:2]):
        one.chmod(0o711)
    found = command("start", str(tmp_path), "--port", str(free_port()))
    assert found.returncode == 1
    assert "1_bad.sql, line 2" in found.stderr
    assert "Traceback" not in found.stderr
