"""``backstay config``: what the project's settings are, and whether its file is sound."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from backstay.cli.options import Project, folders_of
from backstay.cli.output import paint, say, warn

if TYPE_CHECKING:
    from backstay.config.describe import Entry
    from backstay.config.project import Loaded

app = typer.Typer(help="Show and check the project's settings.", no_args_is_help=True)


@app.command("show")
def show(
    project: Project = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also settings that have their default.")
    ] = False,
) -> None:
    """Show the settings in force, and those that are read but not yet acted upon."""
    from backstay.config.describe import entries  # noqa: PLC0415
    from backstay.config.project import ProjectConfig  # noqa: PLC0415

    loaded = _load(project)
    for entry in entries(ProjectConfig, loaded.config):
        if everything or entry.changed:
            say(_line(entry))
    if loaded.unhonoured:
        say()
        say("Not yet acted upon: " + ", ".join(loaded.unhonoured))
    _report(loaded)


@app.command("check")
def check(project: Project = None) -> None:
    """Read the files and say what is odd about them; exit status 1 when they cannot be used."""
    loaded = _load(project)
    _report(loaded)
    path = loaded.config.folders.config
    found = len(loaded.notices)
    sound = "is sound" if not found else f"can be used; {found} thing{'s'[: found != 1]} to look at"
    say(f"{path} {sound}." if path.exists() else "There is no config.toml: defaults are used.")


def _load(project: Project) -> Loaded:
    from backstay.config.project import load  # noqa: PLC0415

    return load(folders_of(project).root, os.environ)


def _report(loaded: Loaded) -> None:
    for notice in loaded.notices:
        warn(notice.what, notice.next)


def _line(entry: Entry) -> str:
    later = "" if entry.honoured else paint("  # not yet acted upon", "dim", sys.stdout)
    return f"{paint(entry.key, 'cyan', sys.stdout)} = {entry.shown}{later}"
