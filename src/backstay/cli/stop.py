"""``backstay stop``: stops the server of a project, and its PostgreSQL."""

from __future__ import annotations

import os
import signal
import time
from typing import Annotated

import typer

from backstay.cli.options import Project, folders_of
from backstay.cli.output import remark, say
from backstay.clock import monotonic
from backstay.config.instance import Instance, process_born, read_instance, remove_instance


def stop(
    project: Project = None,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Also delete the project's local database.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(help="Seconds to wait before the server is killed.")
    ] = 15.0,
) -> None:
    """Stop the project. Its data stay, unless --no-backup is given."""
    from backstay.cli import database  # noqa: PLC0415 - only needed here

    folders = folders_of(project)
    found = read_instance(folders.state)
    if found is not None:
        end(found, timeout)
        remove_instance(folders.state, found.pid)
    left = database.stop_left_over(folders)
    if no_backup:
        database.delete_data(folders)
    if found is None and not left:
        say(f"{folders.root} was not being served.")
    else:
        say(f"Stopped {folders.root}." + ("" if no_backup else " Its data are kept."))
    if no_backup:
        say("Its local database is deleted.")


def end(instance: Instance, timeout: float) -> None:
    """Ask the server to finish what it is answering and leave; kill it when it does not."""
    _signal(instance, signal.SIGTERM)
    if not _wait(instance, timeout):
        remark(f"Process {instance.pid} did not stop within {timeout:g} s; killing it.")
        _signal(instance, signal.SIGKILL)
        _wait(instance, 5.0)


def _signal(instance: Instance, number: signal.Signals) -> None:
    if instance.alive:
        os.kill(instance.pid, number)


def _wait(instance: Instance, timeout: float) -> bool:
    """Whether the process is gone in time. It is not our child, so it can only be looked at."""
    until = monotonic() + timeout
    while process_born(instance.pid) == instance.born:
        if monotonic() > until:
            return False
        time.sleep(0.02)
    return True
