"""``backstay logs``: what a detached server wrote."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from backstay.cli.options import Project, folders_of
from backstay.config.folders import Folders
from backstay.config.instance import Instance, read_instance
from backstay.errors import OperatorError

FILE: Final = Path("log") / "backstay.log"


def logs(
    project: Project = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Wait for more.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", help="How many of the last lines.")] = 100,
) -> None:
    """Show the log of a server started with --detach."""
    path = log_file(folders_of(project))
    with path.open("r", encoding="utf-8", errors="replace") as file:
        sys.stdout.write("".join(last_lines(file, lines)))
        sys.stdout.flush()
        while follow:
            if more := file.read():
                sys.stdout.write(more)
                sys.stdout.flush()
            else:
                time.sleep(0.2)


def log_file(folders: Folders) -> Path:
    """The log of the project's server. Raises ``OperatorError`` when there is none."""
    found = read_instance(folders.state)
    path = Path(found.log) if found and found.log else folders.state / FILE
    if found and not _written_by(found, path):
        raise OperatorError(
            f"The server of {folders.root} writes its log to its terminal.",
            why=f"It was started in the foreground, as process {found.pid}.",
            next="Start it with --detach to keep a log.",
        )
    if not path.exists():
        raise OperatorError(
            f"There is no log of {folders.root} yet.", next="Start it with: backstay start --detach"
        )
    return path


def _written_by(instance: Instance, path: Path) -> bool:
    """Whether the log is that of this server, not of one before it."""
    started = datetime.fromisoformat(instance.started_at).timestamp()
    return path.exists() and path.stat().st_mtime >= started - 1


def last_lines(file: TextIO, count: int) -> list[str]:
    """The last ``count`` lines; the file is then at its end."""
    found = file.readlines()
    return found[-count:] if count > 0 else []
