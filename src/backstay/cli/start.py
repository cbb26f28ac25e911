"""``backstay start``: serves projects."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, get_args

import typer

from backstay.cli import logs
from backstay.cli.options import folders_of
from backstay.cli.output import remark, say
from backstay.cli.screen import choose_screen
from backstay.cli.status import pretty
from backstay.config.folders import Folders
from backstay.config.instance import read_instance
from backstay.config.serve import LogFormat, LogLevel, ProjectReady, Screen, ServeOptions
from backstay.errors import OperatorError

_TOLD: Final = "BACKSTAY_READY_FD"
"""The descriptor a detached server closes once it answers; its parent waits for that."""


def start(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR]...", help="Project folders; the current one by default."),
    ] = None,
    project: Annotated[
        list[Path] | None,
        typer.Option("--project", "--workdir", metavar="DIR", help="The same as naming a folder."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API; 0 for any free one.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes on the port.")] = None,
    detach: Annotated[
        bool, typer.Option("-d", "--detach", help="Leave it running and come back.")
    ] = False,
    db_url: Annotated[
        str | None, typer.Option(help="Use this database instead of an own PostgreSQL.")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="auto, console or json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="error, warning, info or debug.")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("-x", "--exclude", help="Services to leave out.")
    ] = None,
) -> None:
    """Serve one project or several; with no folder, the current one."""
    paths = [*(folders or []), *(project or [])]
    found = [folders_of(path) for path in paths] or [folders_of(None)]
    if show_running(found):
        return
    options = ServeOptions(
        folders=tuple(folder.root for folder in found),
        host=host,
        port=port,
        workers=workers,
        db_url=db_url,
        log_format=_one_of("--log-format", log_format, get_args(LogFormat)),
        log_level=_one_of("--log-level", log_level, get_args(LogLevel)),
        excluded=tuple(name for text in exclude or [] for name in text.split(",") if name),
    )
    if detach:
        launch(options, found[0])
    else:
        serve(options)


def show_running(found: Sequence[Folders]) -> bool:
    """Print the status of projects that are being served already; whether all of them are.

    Raises ``OperatorError`` when only some are: one server cannot take them from another.
    """
    instances = [read_instance(folder.state) for folder in found]
    running = [instance for instance in instances if instance]
    if not running:
        return False
    if len(running) == len(found):
        say("\n\n".join(map(pretty, running)))
        return True
    other = running[0]
    raise OperatorError(
        f"{other.root} is already being served, by process {other.pid}.",
        next=f"Stop it with: backstay stop --project {other.root}",
    )


def serve(options: ServeOptions) -> None:
    """Serve in this process until told to stop."""
    gc.disable()  # what modules are made of stays: looking for garbage in it delays the start
    from backstay import app  # noqa: PLC0415 - --help stays quick

    gc.enable()
    screen = choose_screen(format=options.log_format or "auto")
    if descriptor := os.environ.pop(_TOLD, ""):
        screen = Announcing(screen, int(descriptor))
    if options.excluded:
        screen.note(f"Nothing is left out yet: {', '.join(options.excluded)}.")
    app.serve(options, screen)


class Announcing:
    """A screen that also tells the process which started us, once, that we answer."""

    def __init__(self, screen: Screen, descriptor: int) -> None:
        self._screen = screen
        self._descriptor = descriptor
        self.step = screen.step
        self.note = screen.note

    def ready(self, projects: tuple[ProjectReady, ...], seconds: float) -> None:
        self._screen.ready(projects, seconds)
        os.write(self._descriptor, b"1")
        os.close(self._descriptor)


def launch(options: ServeOptions, first: Folders) -> None:
    """Start a server that outlives this process, and come back when it answers."""
    import subprocess  # noqa: PLC0415 - not for --help

    path = first.state / logs.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    told, tell = os.pipe()
    with path.open("ab") as log:
        written = log.tell()
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "backstay.cli.main", "start", *arguments(options)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, _TOLD: str(tell)},
            pass_fds=(tell,),
            start_new_session=True,
        )
    os.close(tell)
    # The pipe ends when the server answers, and also when it dies first.
    answered = os.read(told, 1)
    os.close(told)
    if not answered:
        raise OperatorError(
            "The server did not start.", why=_said(path, written), next=f"Its log is {path}"
        )
    remark(f"Serving as process {process.pid}; its log: backstay logs")
    # It is meant to go on without us: do not let the interpreter warn that it still runs.
    process.returncode = 0
    if instance := read_instance(first.state):
        say(pretty(instance))


def arguments(options: ServeOptions) -> list[str]:
    """``options`` as the command line that gives them."""
    given = {
        "--host": options.host,
        "--port": options.port,
        "--workers": options.workers,
        "--db-url": options.db_url,
        "--log-format": options.log_format,
        "--log-level": options.log_level,
        "--exclude": ",".join(options.excluded) or None,
    }
    flags = [part for flag, value in given.items() if value is not None for part in (flag, value)]
    return [*map(str, options.folders), *map(str, flags)]


def _said(path: Path, since: int) -> str:
    """What the server wrote to its log before it gave up."""
    with path.open("rb") as log:
        log.seek(since)
        return log.read().decode("utf-8", "replace").strip()


def _one_of(option: str, value: str | None, choices: tuple[str, ...]) -> Any:
    if value is None or value in choices:
        return value
    raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}.", param_hint=option)
