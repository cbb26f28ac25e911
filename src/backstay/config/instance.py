"""The record a running server leaves in ``.backstay/instance.json``, and whether it still runs.

``start`` writes it when a project answers and removes it when it stops; ``status``, ``stop``,
``ready`` and a second ``start`` read it. It holds keys, so only its owner may read it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

FILE_NAME: Final = "instance.json"
_START_TIME: Final = 19  # position of starttime in /proc/PID/stat, after the command's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One project being served.

    ``pid`` is the server's main process and ``born`` what tells it from a later process with the
    same number; ``started_at`` is in RFC 3339. ``status`` has the Supabase CLI's names.
    """

    pid: int
    born: str
    started_at: str
    version: str
    project_id: str
    root: str
    host: str
    port: int
    urls: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)
    log: str = ""

    @property
    def alive(self) -> bool:
        """Whether that process still runs."""
        return process_born(self.pid) == self.born != ""


def write_instance(state: Path, instance: Instance) -> None:
    """Put the record into the state folder, whole or not at all."""
    state.mkdir(parents=True, exist_ok=True)
    draft = state / f"{FILE_NAME}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(instance), file, indent=2)
    draft.replace(state / FILE_NAME)


def read_instance(state: Path) -> Instance | None:
    """The record of a server that runs now; None when there is none, or it died."""
    try:
        data: Any = json.loads((state / FILE_NAME).read_text("utf-8"))
        found = Instance(**{**data, "urls": tuple(data["urls"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return found if found.alive else None


def remove_instance(state: Path, pid: int) -> None:
    """Take the record away when it is that of ``pid``."""
    found = read_instance(state)
    if found is None or found.pid == pid:
        (state / FILE_NAME).unlink(missing_ok=True)


def process_born(pid: int) -> str:
    """Tells two processes with one number apart; empty when none runs."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else _signalled(pid)
    except OSError:
        return _signalled(pid)
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[_START_TIME]


def _signalled(pid: int) -> str:
    """Where there is no /proc: whether the process takes signals."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "running"
