"""The contestants: how each server is started, and on what it listens."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.scenarios import SECRET

PEERS = Path(__file__).parent / "peers"
_STARTUP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server to measure. ``command`` is given the number of workers."""

    name: str
    dialect: str
    """``rest`` or ``plain``: which of a scenario's paths it serves."""
    command: Callable[[int], Sequence[str]]
    environment: Callable[[int], Mapping[str, str]]
    tokens: str
    """How it verifies tokens."""


@dataclass(frozen=True, slots=True)
class Running:
    contestant: Contestant
    url: str
    pid: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _uvicorn(application: str) -> Callable[[int], Sequence[str]]:
    def command(workers: int) -> Sequence[str]:
        many = ["--workers", str(workers)] if workers > 1 else []
        return [
            *(sys.executable, "-m", "uvicorn", f"bench.peers.{application}:app"),
            *("--host", "127.0.0.1", "--port", "{port}", "--no-access-log"),
            *("--log-level", "error", *many),
        ]

    return command


def _go(batch: bool) -> Callable[[int], Mapping[str, str]]:
    return lambda workers: {"GOMAXPROCS": str(workers), "BATCH": "1" if batch else "0"}


def contestants(go_program: Path | None, *, fastify: bool) -> list[Contestant]:
    """Every server that can run here; what a machine lacks (Go, Node) is left out."""
    found = [
        Contestant(
            "backstay",
            "rest",
            lambda workers: [sys.executable, "-m", "bench.rest_workers", str(workers)],
            lambda _: {
                "PGRST_SERVER_PORT": "{port}",
                "PGRST_SERVER_HOST": "127.0.0.1",
                "PGRST_DB_URI": "host={host} port={pgport} user={user} dbname={database}",
                "PGRST_DB_SCHEMAS": "public",
                "PGRST_DB_ANON_ROLE": "anon",
                "PGRST_JWT_SECRET": SECRET,
                "PGRST_JWT_AUD": "authenticated",
                "PGRST_DB_POOL": "10",
            },
            "verified once, cached by its bytes",
        ),
        Contestant(
            "FastAPI + asyncpg", "plain", _uvicorn("fastapi_asyncpg"), lambda _: {}, "PyJWT"
        ),
        Contestant(
            "FastAPI + SQLAlchemy", "plain", _uvicorn("fastapi_sqlalchemy"), lambda _: {}, "PyJWT"
        ),
    ]
    if fastify:
        found.append(
            Contestant(
                "Fastify + pg",
                "plain",
                lambda _: ["node", str(PEERS / "fastify" / "server.js")],
                lambda workers: {"WORKERS": str(workers), "NODE_ENV": "production"},
                "@fastify/jwt",
            )
        )
    if go_program is not None:
        program = str(go_program)
        for name, batch in (("Go + pgx", False), ("Go + pgx batch", True)):
            found.append(Contestant(name, "plain", lambda _: [program], _go(batch), "golang-jwt"))
    return found


def build_go(into: Path) -> Path | None:
    """The Go peer, compiled; None without Go."""
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        return None
    program = into / "go-peer"
    subprocess.run([go, "build", "-o", str(program), "."], cwd=PEERS / "go", check=True)
    return program


def install_fastify() -> bool:
    """The Node peer's packages, as its lock file has them; False without Node."""
    npm = shutil.which("npm")
    if npm is None:
        return False
    if not (PEERS / "fastify" / "node_modules").is_dir():
        subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=PEERS / "fastify", check=True
        )
    return True


@contextmanager
def running(
    contestant: Contestant, workers: int, database: Mapping[str, str], log: Path
) -> Iterator[Running]:
    """Start a contestant, wait until it answers, stop it with all its processes."""
    port = free_port()
    words = {
        "port": str(port),
        "host": database["PGHOST"],
        "pgport": database["PGPORT"],
        "user": database["PGUSER"],
        "database": database["PGDATABASE"],
    }
    environment = {
        **os.environ,
        **database,
        "PORT": str(port),
        "JWT_SECRET": SECRET,
        **{name: _put(value, words) for name, value in contestant.environment(workers).items()},
    }
    command = [_put(word, words) for word in contestant.command(workers)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(url, process, log)
        yield Running(contestant, url, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _put(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace("{" + name + "}", value)
    return text


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url + "/", timeout=5).close()
        except urllib.error.HTTPError as refused:
            refused.close()
            if refused.code != 503:  # 503: still reading the catalog
                return
        except OSError:
            pass
        else:
            return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not answer; see {log}:\n{log.read_text()[-2000:]}")
