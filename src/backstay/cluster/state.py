"""What is remembered of a project between starts, and what another process may read of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """``.backstay/state.json``.

    ``ports`` are the TCP ports given to the project, by name (``db``, ``api`` …), kept so that it
    gets the same ones again. ``server_pid`` and ``owner_pid`` are the process ids of PostgreSQL
    and of the backstay that looks after it, 0 when not running. ``launch`` identifies command and
    configuration of the running server, ``bootstrap`` the bootstrap last applied, ``major`` the
    version that made the data directory.
    """

    version: str = ""
    major: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    server_pid: int = 0
    owner_pid: int = 0
    user: str = ""
    sockets: str = ""
    launch: str = ""
    bootstrap: str = ""


def read_state(path: Path) -> State:
    """The state in ``path``; the default one when there is none or it is unreadable."""
    try:
        stored: Any = json.loads(path.read_bytes())
        known = {one.name for one in dataclasses.fields(State)}
        return State(**{name: value for name, value in stored.items() if name in known})
    except (OSError, ValueError, TypeError, AttributeError):
        return State()


def write_state(path: Path, state: State) -> None:
    """Replace the state at once: a reader sees the former or the new one, never a part."""
    text = json.dumps(dataclasses.asdict(state), indent=2, sort_keys=True)
    write_atomically(path, text + "\n")


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write ``text`` under another name, make it durable, and rename it to ``path``."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode) if os.name != "nt" else None
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
