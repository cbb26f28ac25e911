"""``backstay rest`` as a process: what it serves, its admin port, signals, dumps."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.cluster import Database
from tests.support.running import free_port

REST = [sys.executable, "-m", "backstay.cli.rest"]
PATIENCE = 30.0


@dataclass
class Rest:
    """A running process and its two addresses."""

    process: subprocess.Popen[str]
    api: httpx.Client
    admin: httpx.Client

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


def environment(database: Database, **more: str) -> dict[str, str]:
    """What a PostgREST container would be given."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PGRST_")}
    given = {
        "db_uri": database.url("authenticator"),
        "db_anon_role": "anon",
        "server_host": "127.0.0.1",
        "admin_server_host": "127.0.0.1",
        "log_level": "info",
        **more,
    }
    return own | {f"PGRST_{name.upper()}": value for name, value in given.items()}


def until(what: Callable[[], bool]) -> None:
    """Wait for ``what`` to be true."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@contextmanager
def running(database: Database, **more: str) -> Iterator[Rest]:
    ports = {"server_port": str(free_port()), "admin_server_port": str(free_port())}
    process = subprocess.Popen(
        REST, env=environment(database, **ports, **more), stderr=subprocess.PIPE, text=True
    )
    addresses = [f"http://127.0.0.1:{port}" for port in ports.values()]
    with httpx.Client(base_url=addresses[0]) as api, httpx.Client(base_url=addresses[1]) as admin:
        rest = Rest(process, api, admin)
        try:
            until(lambda: is_ready(rest))
            yield rest
        finally:
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()


def is_ready(rest: Rest) -> bool:
    if rest.process.poll() is not None:
        assert rest.process.stderr is not None
        raise AssertionError(rest.process.stderr.read())
    try:
        return rest.admin.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def things(database: Database) -> Database:
    database.psql(
        """
        create table things (id int primary key, name text);
        insert into things values (1, 'one'), (2, 'two');
        grant select on things to anon;
        """
    )
    return database


def test_it_serves_administers_reloads_and_ends(things: Database) -> None:
    with running(things, db_channel_enabled="false") as rest:
        assert rest.api.get("/things?order=id&limit=1").json() == [{"id": 1, "name": "one"}]
        assert "/things" in rest.api.get("/").json()["paths"]

        assert rest.admin.get("/live").status_code == 200
        assert rest.admin.get("/nothing").status_code == 404
        metrics = rest.admin.get("/metrics").text
        assert 'pgrst_schema_cache_loads_total{status="SUCCESS"} 1.0' in metrics
        assert "pgrst_db_pool_max 10.0" in metrics
        tables = json.loads(rest.admin.get("/schema_cache").content)["dbTables"]
        assert {"qiName": "things", "qiSchema": "public"} in [name for name, _ in tables]
        config = rest.admin.get("/config").text
        assert 'db-anon-role = "anon"' in config
        assert "authenticator:***@" in config

        things.psql("alter table things add column extra int default 7")
        rest.send(signal.SIGUSR1)
        until(lambda: "7" in rest.api.get("/things?id=eq.1&extra=eq.7").text)

        rest.send(signal.SIGTERM)
        assert rest.process.wait(PATIENCE) == 0


def test_a_new_table_is_found_on_the_first_miss(things: Database) -> None:
    with running(things, db_channel_enabled="false") as rest:
        things.psql("create table later (id int); grant select on later to anon")
        assert rest.api.get("/later").json() == []
        assert rest.api.get("/never").status_code == 404


def test_settings_change_by_notification(things: Database) -> None:
    with running(things) as rest:
        assert len(rest.api.get("/things").json()) == 2
        things.execute(
            f"alter role authenticator in database {things.name} set pgrst.db_max_rows = '1'",
            role="supabase_admin",
        )
        things.psql("notify pgrst, 'reload config'")
        until(lambda: len(rest.api.get("/things").json()) == 1)


def test_without_a_database_it_answers_503_and_says_so(database: Database) -> None:
    nowhere = f"postgresql://authenticator@127.0.0.1:{free_port()}/none"
    api, admin = free_port(), free_port()
    more = {"db_uri": nowhere, "server_port": str(api), "admin_server_port": str(admin)}
    process = subprocess.Popen(REST, env=environment(database, **more), stderr=subprocess.DEVNULL)
    try:

        def answered() -> bool:
            try:
                response = httpx.get(f"http://127.0.0.1:{api}/things")
            except httpx.TransportError:
                return False
            assert response.status_code == 503
            assert response.json()["code"] == "PGRST002"
            assert response.headers["retry-after"]
            return True

        until(answered)
        assert httpx.get(f"http://127.0.0.1:{admin}/ready").status_code == 503
        assert httpx.get(f"http://127.0.0.1:{admin}/live").status_code == 200
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_a_unix_socket_instead_of_a_port(things: Database, tmp_path: Path) -> None:
    place = tmp_path / "api.sock"
    with running(things, server_unix_socket=str(place), server_unix_socket_mode="600") as rest:
        assert place.stat().st_mode & 0o777 == 0o600
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(place)), base_url="http://localhost"
        ) as client:
            assert client.get("/things?select=id&id=eq.2").json() == [{"id": 2}]
        assert rest.process.poll() is None


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PGRST_")}
    given = {f"PGRST_{name.upper()}": value for name, value in variables.items()}
    return subprocess.run(
        [*REST, *arguments],
        env=own | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_dumps(things: Database) -> None:
    uri = things.url("authenticator")
    things.execute(
        f"alter role authenticator in database {things.name} set pgrst.db_max_rows = '9'",
        role="supabase_admin",
    )
    config = run("--dump-config", db_uri=uri)
    assert "db-max-rows = 9\n" in config.stdout
    schema = json.loads(run("--dump-schema", db_uri=uri).stdout)
    assert "things" in [name["qiName"] for name, _ in schema["dbTables"]]
    example = run("--example")
    assert "# db-pool = 10\n" in example.stdout


def test_what_cannot_begin_says_why(things: Database) -> None:
    refused = run(log_level="loud")
    assert refused.returncode == 1
    assert "Invalid logging level" in refused.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run(
            db_uri=things.url("authenticator"), server_host="127.0.0.1", server_port=str(port)
        )
    assert refused.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in refused.stderr


def test_ready_asks_the_admin_server(things: Database) -> None:
    with running(things) as rest:
        port = str(rest.admin.base_url.port)
        good = run("--ready", admin_server_port=port, admin_server_host="127.0.0.1")
        assert good.stdout == f"OK: http://127.0.0.1:{port}/ready\n"
    gone = run("--ready", admin_server_port=port, admin_server_host="127.0.0.1")
    assert gone.returncode == 1
    assert "connection refused" in gone.stderr
    assert "Admin server is not running" in run("--ready").stderr
