"""One PostgreSQL server process: start it, wait until it answers, find it again, stop it.

PostgreSQL outlives a killed backstay on purpose (no parent-death signal): its clients finish
their work, and the next backstay adopts it. So a server is known by its data directory, never by
being our child.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from psycopg import pq

from backstay.clock import monotonic
from backstay.cluster.conf import SUPERUSER, Launch, conninfo
from backstay.cluster.identity import ServerUser
from backstay.errors import OperatorError

PATIENCE = 120.0
"""Seconds a server may take to answer: crash recovery of a large log is slow, and is work."""
FAST_STOP = 15.0
"""Seconds a fast shutdown may take before an immediate one; both lose nothing."""
LOG_LIMIT = 10_000_000
"""Bytes of log kept in the current file; the former one stays beside it as ``.1``."""


TELLING = re.compile(
    r"(?:FATAL|ERROR|HINT|DETAIL):  (.+)|LOG:  ((?:unrecognized|invalid|parameter|could not).+)"
)
"""What of its last words tells why a server ended."""


class Refused(OperatorError):
    """PostgreSQL ended instead of answering; ``port_taken`` tells the one thing to try again."""

    def __init__(self, what: str, *, why: str, next: str, port_taken: bool) -> None:  # noqa: A002
        super().__init__(what, why=why, next=next)
        self.port_taken = port_taken


@dataclass(slots=True)
class Postmaster:
    """A running server. ``process`` is set when it is our child."""

    pid: int
    process: subprocess.Popen[bytes] | None = None

    def alive(self) -> bool:
        if self.process is not None:
            return self.process.poll() is None
        return exists(self.pid)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when it is still there after ``seconds``."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            return self.process.poll() is not None
        return wait_for_exit(self.pid, seconds)

    def stop(self) -> None:
        """Shut down: fast, and when that does not end, at once. Nothing committed is lost."""
        for sign in (signal.SIGINT, signal.SIGQUIT):
            if not self.alive():
                return
            os.kill(self.pid, sign)
            if self.wait(FAST_STOP):
                return
        os.kill(self.pid, signal.SIGKILL)
        self.wait(FAST_STOP)


def spawn(launch: Launch, user: ServerUser, log: Path) -> Postmaster:
    """Start the server and return when it answers. Raises ``Refused`` when it ends instead."""
    write_files(launch, user)
    _clear_leftovers(launch)
    _rotate(log)
    with log.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(  # noqa: S603 - the server itself
            launch.command(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=launch.data,
            env=environment(),
            # Ctrl-C in the terminal is backstay's to answer; it stops the server in order.
            start_new_session=True,
            **user.popen(),
        )
    server = Postmaster(process.pid, process)
    try:
        _await_answer(server, launch, log, start)
    except BaseException:
        server.stop()
        raise
    return server


def find(data: Path) -> Postmaster | None:
    """The server running on ``data``, whoever started it; None when there is none."""
    pid = _recorded_pid(data)
    if pid is None or not exists(pid) or not _serves(pid, data):
        return None
    return Postmaster(pid)


def answers(launch: Launch) -> bool:
    """Whether the server of ``launch`` accepts connections now."""
    return pq.PGconn.ping(_probe(launch)) == pq.Ping.OK


def environment() -> dict[str, str]:
    """What a server inherits: nothing of ours but where programs are."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "LC_ALL": "C", "PGTZ": "UTC"}


def write_files(launch: Launch, user: ServerUser) -> None:
    """Write the configuration files whose text has changed."""
    for name, text in launch.files().items():
        path = launch.data / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.unlink(missing_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
            user.own(path)


def _await_answer(server: Postmaster, launch: Launch, log: Path, start: int) -> None:
    probe, deadline = _probe(launch), monotonic() + PATIENCE
    while pq.PGconn.ping(probe) != pq.Ping.OK:
        if not server.alive():
            raise _refusal(_tail(log, start), launch, log)
        if monotonic() > deadline:
            raise OperatorError(
                "PostgreSQL does not answer.",
                why=f"It has been starting for {PATIENCE:.0f} s, perhaps still in recovery.",
                next=f"Read {log}, then start again: what it recovered is kept.",
            )
        time.sleep(0.004)


def _probe(launch: Launch) -> bytes:
    parts = (
        ("host", str(launch.sockets)),
        ("port", launch.port),
        ("user", SUPERUSER),
        ("dbname", "template1"),
        ("connect_timeout", 2),
    )
    return conninfo(parts).encode()


def _refusal(said: str, launch: Launch, log: Path) -> Refused:
    taken = "could not bind" in said or "could not create any TCP/IP sockets" in said
    lines = [found[1] or found[2] for found in TELLING.finditer(said)]
    return Refused(
        "PostgreSQL did not start.",
        why="\n".join(lines or said.splitlines()[-3:]),
        next=f"Read {log}.",
        port_taken=taken,
    )


def _tail(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read(20_000).decode(errors="replace")


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def _clear_leftovers(launch: Launch) -> None:
    """Remove what a killed server left and PostgreSQL itself would stumble over.

    It takes a lock file for live when *some* process has the recorded id. The caller holds the
    project's lock and found no server on this data directory, so the id was given to another
    program, or is a killed server's that nobody has buried yet. A lock file of a vanished process
    is left to PostgreSQL, whose own test goes deeper.
    """
    pid = _recorded_pid(launch.data)
    if pid is not None and _is_known(pid):
        (launch.data / "postmaster.pid").unlink(missing_ok=True)
    for path in launch.sockets.glob(".s.PGSQL.*"):
        path.unlink(missing_ok=True)


def _recorded_pid(data: Path) -> int | None:
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if pid > 0 else None


def _serves(pid: int, data: Path) -> bool:
    """Whether process ``pid`` is a server on ``data``: a postmaster works in its data directory."""
    where = Path(f"/proc/{pid}")
    if where.exists():
        try:
            return (where / "cwd").readlink() == data.resolve()
        except OSError:
            return False
    # Without /proc the kernel's process table has to be asked by command.
    listed = subprocess.run(  # noqa: S603
        ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return "postgres" in listed.stdout and str(data) in listed.stdout


def exists(pid: int) -> bool:
    """Whether there is a live process of this id (a zombie is not)."""
    return pid > 0 and _is_known(pid) and not _is_zombie(pid)


def _is_known(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_zombie(pid: int) -> bool:
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return said.rpartition(")")[2].split()[0] == "Z"


def wait_for_exit(pid: int, seconds: float) -> bool:
    """Wait for the end of any process; False when it is still there after ``seconds``."""
    deadline = monotonic() + seconds
    if hasattr(os, "pidfd_open"):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            poller = select.poll()
            poller.register(fd, select.POLLIN)
            return bool(poller.poll(seconds * 1000))
        finally:
            os.close(fd)
    while exists(pid):
        if monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
