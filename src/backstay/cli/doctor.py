"""``backstay doctor``: looks for what keeps a project from being served."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import typer

from backstay import __version__
from backstay.cli.options import Project, folders_of
from backstay.cli.output import paint, say
from backstay.config.folders import Folders
from backstay.config.instance import read_instance
from backstay.config.ports import is_free
from backstay.errors import OperatorError

if TYPE_CHECKING:
    from backstay.config.project import ProjectConfig

Verdict = Literal["ok", "note", "bad"]
_STYLE: Final = {"ok": "green", "note": "yellow", "bad": "red"}
_LEAST_FREE: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and what mends it."""

    verdict: Verdict
    what: str
    next: str = ""


def doctor(project: Project = None) -> None:
    """Look at the machine and the project; exit status 1 when something is wrong."""
    findings = list(examine(project))
    for finding in findings:
        mark = paint(f"{finding.verdict:<4}", _STYLE[finding.verdict], sys.stdout)
        say(f"{mark}  {finding.what}" + (f"\n      {finding.next}" if finding.next else ""))
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)


def examine(project: Path | None) -> Iterator[Finding]:
    """Everything there is to say, the machine first."""
    yield Finding("ok", f"backstay {__version__}, Python {sys.version.split()[0]}")
    yield from _tried(_server)
    yield from _tried(lambda: _project(project))


def _tried(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except OperatorError as error:
        yield Finding("bad", " ".join(filter(None, (error.what, error.why))), error.next)


def _server() -> Iterator[Finding]:
    from backstay.cluster.provider import embedded  # noqa: PLC0415

    found = embedded()
    yield Finding("ok", f"PostgreSQL {found.number} at {found.bin}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield Finding("ok", "Running as root: PostgreSQL runs as an unprivileged user")


def _project(project: Path | None) -> Iterator[Finding]:
    from backstay.config.project import load  # noqa: PLC0415

    folders = folders_of(project)
    loaded = load(folders.root, os.environ)
    yield Finding("ok", f"Project {loaded.config.project_id} in {folders.root}")
    for notice in loaded.notices:
        yield Finding("note", notice.what, notice.next)
    if loaded.unhonoured:
        yield Finding("note", "Not yet acted upon: " + ", ".join(loaded.unhonoured))
    yield from _migrations(folders)
    yield _space(folders)
    yield from _ports(folders, loaded.config)


def _migrations(folders: Folders) -> Iterator[Finding]:
    from backstay.cluster.folder import names  # noqa: PLC0415
    from backstay.cluster.plan import plan  # noqa: PLC0415

    found = plan(names(folders.migrations), {})
    yield Finding("ok", f"{len(found.pending)} migrations in {folders.migrations}")
    for name in found.skipped:
        yield Finding("note", f"{name} is not applied: its name is not <digits>_<name>.sql")


def _space(folders: Folders) -> Finding:
    free = shutil.disk_usage(folders.root).free
    text = f"{free / 1024**3:.1f} GiB free on the disk of {folders.root}"
    if not os.access(folders.root, os.W_OK):
        return Finding("bad", f"{folders.root} cannot be written to", f"chown it: {folders.root}")
    if free < _LEAST_FREE:
        return Finding("note", text, "PostgreSQL stops writing when the disk is full.")
    return Finding("ok", text)


def _ports(folders: Folders, config: ProjectConfig) -> Iterator[Finding]:
    instance = read_instance(folders.state)
    if instance is not None:
        yield Finding("ok", f"Being served by process {instance.pid} on port {instance.port}")
        return
    for name, port in (("API", config.backstay.port or config.api.port), ("DB", config.db.port)):
        if is_free("127.0.0.1", port):
            yield Finding("ok", f"{name} port {port} is free")
        else:
            yield Finding("note", f"{name} port {port} is taken; the next free one will be used")
