"""``backstay ready``: waits until the project answers, for scripts and CI."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from backstay.cli.options import Project, folders_of
from backstay.clock import monotonic
from backstay.config.instance import Instance, read_instance
from backstay.errors import OperatorError


def ready(
    project: Project = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.")] = 60.0,
) -> None:
    """Wait until the project answers; exit status 1 when it does not in time."""
    folders = folders_of(project)
    until = monotonic() + timeout
    while True:
        found = read_instance(folders.state)
        if found is not None and answers(found):
            return
        if monotonic() > until:
            raise OperatorError(
                f"{folders.root} did not answer within {timeout:g} s.",
                why="No server runs for it." if found is None else "Its server is not ready.",
                next="Start it with: backstay start"
                if found is None
                else "See what it is doing: backstay logs",
            )
        time.sleep(0.05)


def answers(instance: Instance) -> bool:
    """Whether the server says that it is ready."""
    host = "127.0.0.1" if instance.host in ("", "0.0.0.0", "::") else instance.host  # noqa: S104
    import http.client  # noqa: PLC0415 - not for --help

    connection = http.client.HTTPConnection(host, instance.port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
