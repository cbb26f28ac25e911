"""The verbs that need no database, through the real command line."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from docs.build import PAGES, REFERENCE, verbs
from typer.main import get_command
from typer.testing import CliRunner

from backstay.cli.absent import ABSENT
from backstay.cli.main import build, main
from backstay.cli.migration import free_path, written
from backstay.cli.start import arguments
from backstay.cli.status import Format, encode, renamed
from backstay.config.instance import Instance, process_born, write_instance
from backstay.config.project import load
from backstay.config.serve import ServeOptions
from backstay.config.status import status_values
from backstay.errors import OperatorError

STATUS = status_values(
    api_url="http://127.0.0.1:54321",
    db_url="postgresql://postgres:postgres@127.0.0.1:54322/postgres",
    keys={
        "publishable_key": "sb_publishable_x",
        "secret_key": "sb_secret_x",
        "jwt_secret": "a$b",
        "anon_key": "anon",
        "service_role_key": "service",
        "s3_access_key": "access",
        "s3_secret_key": "secret",
    },
    offered={"rest", "graphql", "storage", "functions", "studio", "mail"},
    urls={
        "studio.url": "http://127.0.0.1:54323",
        "mailpit.url": "http://127.0.0.1:54324",
        "inbucket.url": "http://127.0.0.1:54324",
    },
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "supabase").mkdir()
    return tmp_path


@pytest.fixture
def served(project: Path) -> Path:
    """A project with the record of a server: this process."""
    record = Instance(
        pid=os.getpid(),
        born=process_born(os.getpid()),
        started_at="2026-01-01T00:00:00+00:00",
        version="1",
        project_id="shop",
        root=str(project),
        host="127.0.0.1",
        port=54321,
        urls=("http://127.0.0.1:54321", "http://shop.localhost:54321"),
        status=STATUS,
    )
    write_instance(project / ".backstay", record)
    return project


def run(*words: str | Path, stdin: str | None = None) -> str:
    """The answer of a verb; what it raises is raised."""
    done = CliRunner().invoke(build(), list(map(str, words)), input=stdin, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*words: str | Path) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        run(*words)
    return caught.value


# ── help and documentation ─────────────────────────────────────────────────────────────────────


def test_every_verb_says_what_it_does() -> None:
    for path, command in verbs(get_command(build()), "backstay"):
        assert command.help, path
        for parameter in command.params:
            assert getattr(parameter, "help", None) or parameter.name == "help", (path, parameter)


def test_every_verb_about_a_project_takes_project() -> None:
    without = {
        path
        for path, command in verbs(get_command(build()), "backstay")
        if "project" not in {parameter.name for parameter in command.params}
    }
    assert without == {"backstay rest", "backstay keys signing-key"}


@pytest.mark.parametrize(("name", "page"), PAGES, ids=[name for name, _ in PAGES])
def test_the_reference_is_what_the_code_says(name: str, page: object) -> None:
    assert callable(page)
    assert (REFERENCE / name).read_text("utf-8") == page(), "run: make docs"


def test_help_imports_nothing_heavy() -> None:
    """What makes ``--help`` and ``status`` slow: servers, drivers, cryptography."""
    code = "import sys, backstay.cli.main; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)
    heavy = {"asyncio", "psycopg", "granian", "cryptography", "joserfc", "structlog", "pydantic"}
    assert heavy & set(loaded.split()) == set()


# ── errors ─────────────────────────────────────────────────────────────────────────────────────


def test_an_error_says_what_and_next(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["backstay", "status", "--project", str(project)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {project} is not being served.\n")
    assert "backstay start" in said.err
    assert "\x1b" not in said.err


def test_a_word_nobody_knows_is_exit_status_2() -> None:
    assert CliRunner().invoke(build(), ["strat"]).exit_code == 2


@pytest.mark.parametrize("verb", ABSENT)
def test_a_verb_of_the_other_cli_is_answered(verb: str) -> None:
    error = refused(verb, "list", "--flag")
    assert verb in error.what
    assert error.why
    assert error.next


# ── init ───────────────────────────────────────────────────────────────────────────────────────


def test_init_makes_a_project_with_every_default(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    run("init", "--project", tmp_path)
    loaded = load(tmp_path, {})
    assert loaded.notices == ()
    assert loaded.unhonoured == ()
    assert (tmp_path / "supabase" / "migrations").is_dir()
    assert ".backstay/" in (tmp_path / ".gitignore").read_text()
    assert ".env.local" in (tmp_path / "supabase" / ".gitignore").read_text()


def test_init_writes_the_clis_keys(tmp_path: Path) -> None:
    """Every key the CLI writes is in the file, with the value the CLI gives it."""

    def flat(table: Mapping[str, object], key: str = "") -> dict[str, object]:
        found: dict[str, object] = {}
        for name, value in table.items():
            full = f"{key}.{name}" if key else name
            found |= flat(value, full) if isinstance(value, dict) else {full: value}
        return found

    run("init", "--project", tmp_path)
    written_file = flat(tomllib.loads((tmp_path / "supabase" / "config.toml").read_text()))
    names = Path(__file__).parents[1] / "config" / "cli_defaults.toml"
    assert {**written_file, "project_id": ""} == {
        **flat(tomllib.loads(names.read_text())),
        "project_id": "",
    }


def test_init_keeps_what_is_there(tmp_path: Path) -> None:
    run("init", "--project", tmp_path)
    config = tmp_path / "supabase" / "config.toml"
    config.write_text("# mine")
    assert "--force" in refused("init", "--project", tmp_path).next
    assert config.read_text() == "# mine"
    run("init", "--force", "--project", tmp_path)
    assert "project_id" in config.read_text()
    ignored = (tmp_path / "supabase" / ".gitignore").read_text().splitlines()
    assert len(ignored) == len(set(ignored))


# ── status ─────────────────────────────────────────────────────────────────────────────────────


def test_status_has_the_clis_names(served: Path) -> None:
    found = json.loads(run("status", "-o", "json", "--project", served))
    assert set(found) == {
        "API_URL", "REST_URL", "GRAPHQL_URL", "STORAGE_S3_URL", "MCP_URL", "FUNCTIONS_URL",
        "DB_URL", "STUDIO_URL", "INBUCKET_URL", "MAILPIT_URL", "PUBLISHABLE_KEY", "SECRET_KEY",
        "JWT_SECRET", "ANON_KEY", "SERVICE_ROLE_KEY", "S3_PROTOCOL_ACCESS_KEY_ID",
        "S3_PROTOCOL_ACCESS_KEY_SECRET", "S3_PROTOCOL_REGION",
    }  # fmt: skip
    assert found["REST_URL"] == "http://127.0.0.1:54321/rest/v1"
    assert list(found) == sorted(found)


def test_status_env_is_for_eval(served: Path) -> None:
    text = run("status", "-o", "env", "--project", served)
    script = f'{text}\nprintf %s "$JWT_SECRET"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "a$b"


def test_status_toml_and_yaml_and_one_value(served: Path) -> None:
    assert tomllib.loads(run("status", "-o", "toml", "--project", served)) == STATUS
    assert 'ANON_KEY: "anon"' in run("status", "-o", "yaml", "--project", served)
    assert run("status", "--get", "ANON_KEY", "--project", served) == "anon\n"
    assert "ANON_KEY" in refused("status", "--get", "ANON", "--project", served).why


def test_status_for_a_person_shows_every_value(served: Path) -> None:
    shown = run("status", "--project", served)
    assert all(value in shown for value in STATUS.values())
    assert "http://shop.localhost:54321" in shown


def test_names_can_be_overridden() -> None:
    found = renamed({"API_URL": "u", "DB_URL": "d"}, ["api.url=NEXT_PUBLIC_URL"])
    assert found == {"NEXT_PUBLIC_URL": "u", "DB_URL": "d"}
    for wrong in ("api.url", "API_URL=x", "api.url="):
        with pytest.raises(OperatorError, match="override-name"):
            renamed({}, [wrong])


def test_only_what_is_offered_is_in_the_status() -> None:
    found = status_values(
        api_url="u", db_url="d", keys=dict.fromkeys(_KEY_NAMES, "k"), offered={"rest"}
    )
    assert "REST_URL" in found
    assert {"STUDIO_URL", "FUNCTIONS_URL", "S3_PROTOCOL_REGION"} & set(found) == set()


_KEY_NAMES = ("publishable_key", "secret_key", "jwt_secret", "anon_key", "service_role_key")


@pytest.mark.parametrize("value", ['a"b', "a\\b", "$(rm x)", "`x`", "a b", "!x"])
def test_env_output_quotes(value: str) -> None:
    script = encode({"V": value}, Format.ENV).replace("\\!", "!") + '\nprintf %s "$V"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == value


# ── start, ready, stop, logs ───────────────────────────────────────────────────────────────────


def test_start_on_a_running_project_prints_its_status(served: Path) -> None:
    assert "sb_publishable_x" in run("start", served)


def test_start_on_a_project_another_server_has(served: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "supabase").mkdir(parents=True)
    error = refused("start", served, tmp_path / "other")
    assert "already being served" in error.what
    assert f"backstay stop --project {served}" in error.next


def test_a_detached_start_is_told_everything(tmp_path: Path) -> None:
    options = ServeOptions(
        folders=(tmp_path,), host="::1", port=0, workers=2, db_url="d", log_format="json",
        log_level="debug", excluded=("studio", "imgproxy"),
    )  # fmt: skip
    assert arguments(options) == [
        str(tmp_path), "--host", "::1", "--port", "0", "--workers", "2", "--db-url", "d",
        "--log-format", "json", "--log-level", "debug", "--exclude", "studio,imgproxy",
    ]  # fmt: skip


def test_ready_gives_up(project: Path) -> None:
    error = refused("ready", "--timeout", "0", "--project", project)
    assert "No server runs" in error.why


def test_logs_without_a_log(project: Path) -> None:
    assert "--detach" in refused("logs", "--project", project).next


def test_logs_shows_the_last_lines(project: Path) -> None:
    log = project / ".backstay" / "log" / "backstay.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\nthree\n")
    assert run("logs", "-n", "2", "--project", project) == "two\nthree\n"


# ── migration, keys, config ────────────────────────────────────────────────────────────────────


def test_migration_new_takes_what_is_piped_in(project: Path) -> None:
    run("migration", "new", "add_todos", "--project", project, stdin="create table todos ();")
    (path,) = (project / "supabase" / "migrations").iterdir()
    assert path.name.endswith("_add_todos.sql")
    assert len(path.name.partition("_")[0]) == 14
    assert path.read_text() == "create table todos ();"


def test_two_migrations_in_one_second_differ(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    first = free_path(tmp_path, "a", moment)
    first.touch()
    assert first.name == "20260102030405_a.sql"
    assert free_path(tmp_path, "b", moment).name == "20260102030406_b.sql"


def test_migration_new_stays_in_its_folder(project: Path) -> None:
    assert "file name" in refused("migration", "new", "../x", "--project", project).what


def test_versions_as_times() -> None:
    assert written("20260102030405") == "2026-01-02 03:04:05"
    assert written("0001") == "0001"


def test_keys_generate_then_rotate(project: Path) -> None:
    assert "development keys" in run("keys", "show", "--project", project)
    run("keys", "generate", "--project", project)
    kept = project / ".backstay" / "keys.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    first = run("keys", "show", "--project", project)
    assert "keys rotate" in refused("keys", "generate", "--project", project).next
    run("keys", "rotate", "--yes", "--project", project)
    assert run("keys", "show", "--project", project) != first


def test_signing_key_is_for_signing_keys_path() -> None:
    (key,) = json.loads(run("keys", "signing-key", "--algorithm", "ES256"))
    assert key["kty"] == "EC"
    assert key["d"]


def test_config_show_hides_secrets(project: Path) -> None:
    (project / "supabase" / "config.toml").write_text(
        'auth.jwt_secret = "hunter2hunter2hunter2"\napi.max_rows = 5\nstorage.enabled = false\n'
    )
    shown = run("config", "show", "--project", project)
    assert "api.max_rows = 5" in shown
    assert "auth.jwt_secret" in shown
    assert "hunter2" not in run("config", "show", "--all", "--project", project)


def test_config_check(project: Path) -> None:
    assert "no config.toml" in run("config", "check", "--project", project)
    config = project / "supabase" / "config.toml"
    config.write_text("[api]\nmax_row = 1\n")
    done = CliRunner().invoke(build(), ["config", "check", "--project", str(project)])
    assert done.exit_code == 0
    assert "api.max_rows" in done.stderr
    assert "1 thing to look at" in done.stdout
    config.write_text("[api]\nport = 'x'\n")
    assert "api.port" in refused("config", "check", "--project", project).what


def test_doctor_looks_at_everything(project: Path) -> None:
    folder = project / "supabase" / "migrations"
    folder.mkdir()
    (folder / "notes.sql").touch()
    shown = run("doctor", "--project", project)
    assert "PostgreSQL 18" in shown
    assert "notes.sql" in shown
