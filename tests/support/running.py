"""A real `backstay start` on a copy of a project folder, for tests that come in by HTTP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BACKSTAY = [sys.executable, "-m", "backstay.cli.main"]
REPOSITORY = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one verb to its end; the caller looks at its status."""
    return subprocess.run(
        [*BACKSTAY, *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


def copy_project(source: Path, into: Path) -> Path:
    """A copy of a project folder without the state an earlier run left in it."""
    return Path(
        shutil.copytree(source, into / source.name, ignore=shutil.ignore_patterns(".backstay"))
    )


@dataclass
class Running:
    """A server process and what a client needs of its first project."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def status(self) -> dict[str, str]:
        """What `backstay status -o json` prints of the project."""
        found = command("status", "-o", "json", "--project", str(self.folder))
        assert found.returncode == 0, found.stderr
        values: dict[str, str] = json.loads(found.stdout)
        return values

    def environment(self) -> dict[str, str]:
        """The variables the JavaScript tests read, under the names Supabase's guides use."""
        status = self.status()
        return {
            **os.environ,
            "SUPABASE_URL": self.url,
            "SUPABASE_ANON_KEY": status["ANON_KEY"],
            "SUPABASE_SERVICE_ROLE_KEY": status["SERVICE_ROLE_KEY"],
        }

    def kill(self) -> None:
        """kill -9, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """The ordinary way: SIGTERM, then what is left of its PostgreSQL by `backstay stop`."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        command("stop", "--project", str(self.folder))


def launch(
    folders: Sequence[Path],
    *,
    log: Path,
    port: int | None = None,
    arguments: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Running:
    """A server process on ``folders``, which may not answer yet."""
    chosen = port or free_port()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*BACKSTAY, "start", *map(str, folders), "--port", str(chosen), *arguments],
            stdout=output,
            stderr=output,
            env={**os.environ, **(environ or {})},
        )
    return Running(process, folders[0], chosen, log)


def start(
    folders: Sequence[Path],
    *,
    log: Path,
    port: int | None = None,
    arguments: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> Running:
    """Start a server on ``folders`` and wait until its first project answers."""
    running = launch(folders, log=log, port=port, arguments=arguments, environ=environ)
    ready = command(
        "ready", "--project", str(folders[0]), "--timeout", str(timeout), timeout=timeout + 10
    )
    if ready.returncode != 0:
        running.stop()
        raise AssertionError(f"not ready: {ready.stdout}{ready.stderr}\n{log.read_text()[-4000:]}")
    return running
