"""A project seen from outside: by another process, or by a verb that did not start it."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from backstay.cluster import postmaster
from backstay.cluster.locks import FileLock
from backstay.cluster.places import HOME
from backstay.cluster.state import State, read_state


@dataclass(frozen=True, slots=True)
class Sight:
    """What stands of a project: ``owned`` by a running backstay, its PostgreSQL ``serving``.

    A server that serves without an owner outlived a killed backstay; the next start adopts it.
    """

    state: State
    owned: bool
    serving: bool


def look(folder: Path) -> Sight:
    """The project in ``folder`` as it stands; changes nothing."""
    home = folder.resolve() / HOME
    state = read_state(home / "state.json")
    return Sight(state, owned=_held(home), serving=postmaster.find(home / "data") is not None)


def stop_project(folder: Path, patience: float = 30.0) -> bool:
    """Stop whatever runs of the project in ``folder``; False when nothing did.

    A backstay that looks after it gets SIGTERM and stops its own server; a server without an
    owner is shut down here. Returns when all has ended. Blocks for at most ``patience`` seconds
    per process.
    """
    home = folder.resolve() / HOME
    sight = look(folder)
    if sight.owned and sight.state.owner_pid not in (0, os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(sight.state.owner_pid, signal.SIGTERM)
        postmaster.wait_for_exit(sight.state.owner_pid, patience)
    lock = FileLock(home / "lock") if home.is_dir() else None
    if lock is not None and lock.acquire(wait=False):
        with lock:
            left = postmaster.find(home / "data")
            if left is not None:
                left.stop()
    return sight.owned or sight.serving


def _held(home: Path) -> bool:
    if not (home / "lock").exists():
        return False
    lock = FileLock(home / "lock")
    free = lock.acquire(wait=False)
    lock.release()
    return not free
