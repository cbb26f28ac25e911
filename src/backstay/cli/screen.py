"""What ``start`` shows on stderr: one screen on a terminal, one JSON object a line otherwise."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final, TextIO

from backstay import __version__
from backstay.cli.output import coloured, paint, pairs
from backstay.clock import Clock, SystemClock
from backstay.config.serve import ProjectReady, Screen

_CLEAR_LINE: Final = "\r\x1b[2K"
_SHOWN: Final = (
    ("API", "API_URL"),
    ("Dashboard", "STUDIO_URL"),
    ("Inbox", "MAILPIT_URL"),
    ("Database", "DB_URL"),
    ("Publishable key", "PUBLISHABLE_KEY"),
    ("Secret key", "SECRET_KEY"),
)


def choose_screen(stream: TextIO | None = None, *, format: str = "auto") -> Screen:  # noqa: A002
    """The screen for where stderr goes; ``format`` is that of the log."""
    stream = stream or sys.stderr
    terminal = stream.isatty() if format == "auto" else format == "console"
    return TerminalScreen(stream) if terminal else JsonScreen(stream)


class TerminalScreen:
    """For a person: the step being taken on one line, then the start screen."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._notes: list[tuple[str, str]] = []
        self._shown = ""

    def step(self, project: str, what: str) -> None:
        if coloured(self._stream):
            self._write(f"{_CLEAR_LINE}{paint(project, 'cyan', self._stream)} {what} …")
        elif (line := f"{project}: {what}") != self._shown:
            self._shown = line
            self._write(line + "\n")

    def note(self, what: str, next: str = "") -> None:  # noqa: A002
        self._notes.append((what, next))

    def ready(self, projects: tuple[ProjectReady, ...], seconds: float) -> None:
        if coloured(self._stream):
            self._write(_CLEAR_LINE)
        title = paint(f"backstay {__version__}", "bold", self._stream)
        self._write(f"{title}  ready in {seconds:.1f} s\n")
        for project in projects:
            self._write(f"\n{self._project(project, alone=len(projects) == 1)}\n")
        self._write(self._closing())

    def _project(self, project: ProjectReady, *, alone: bool) -> str:
        status = dict(project.status)
        version, seconds = project.postgres_version, project.postgres_seconds
        rows = [
            ("Folder", str(project.root)),
            (
                "Data",
                f"{_near(project.data, project.root)}, PostgreSQL {version} in {seconds:.1f} s",
            ),
            ("Migrations", _migrations(project)),
        ]
        for label, name in _SHOWN if alone else _SHOWN[:4]:
            if name in status:
                rows.append((label, status[name]))
        if further := [url for url in project.urls if url != status.get("API_URL")]:
            rows.append(("Also at", "  ".join(further)))
        self._notes += [(note, "") for note in project.notes]
        name = paint(project.project_id, "cyan", self._stream)
        return f"{name}\n{pairs(rows, self._stream)}"

    def _closing(self) -> str:
        lines = [""]
        for what, following in self._notes:
            lines.append(f"{paint('note', 'yellow', self._stream)}: {what}")
            if following:
                lines.append(f"      {following}")
        if self._notes:
            lines.append("")
            self._notes.clear()
        lines.append("All keys: backstay status    Start afresh: backstay db reset    Stop: Ctrl-C")
        return "\n".join(lines) + "\n"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class JsonScreen:
    """For a machine: one JSON object a line, no secret in any."""

    def __init__(self, stream: TextIO, clock: Clock | None = None) -> None:
        self._stream = stream
        self._clock = clock or SystemClock()

    def step(self, project: str, what: str) -> None:
        self._write("step", project=project, what=what)

    def note(self, what: str, next: str = "") -> None:  # noqa: A002
        self._write("note", what=what, next=next)

    def ready(self, projects: tuple[ProjectReady, ...], seconds: float) -> None:
        for project in projects:
            self._write(
                "ready",
                project=project.project_id,
                folder=str(project.root),
                postgres=project.postgres_version,
                migrations={"applied": len(project.applied), "pending": len(project.pending)},
                urls=list(project.urls),
                seconds=round(seconds, 3),
            )
            for note in project.notes:
                self.note(note)

    def _write(self, event: str, **values: Any) -> None:
        stamp = self._clock.now().isoformat(timespec="milliseconds")
        shown = {name: value for name, value in values.items() if value != ""}
        line = {"event": event, **shown, "level": "info", "timestamp": stamp}
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()


def _migrations(project: ProjectReady) -> str:
    applied, pending = len(project.applied), len(project.pending)
    if not applied and not pending:
        return "none yet: backstay migration new NAME"
    return f"{applied} applied" + (f", {pending} pending: backstay migration up" if pending else "")


def _near(path: str, root: Path) -> str:
    """``path`` as seen from the project folder, when it is inside."""
    return path.removeprefix(f"{root}/")
