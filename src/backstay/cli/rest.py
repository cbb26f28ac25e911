"""``backstay rest``: serve only the REST dialect, as a PostgREST would."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from backstay import __version__
from backstay.config.declare import declared
from backstay.config.rest import RestSettings

T = TypeVar("T")

ConfigFile = Annotated[
    Path | None, typer.Argument(metavar="FILENAME", help="A PostgREST configuration file.")
]
DumpConfig = Annotated[bool, typer.Option("--dump-config", help="Print the settings and exit.")]
DumpSchema = Annotated[bool, typer.Option("--dump-schema", help="Print the schema cache as JSON.")]
Ready = Annotated[bool, typer.Option("--ready", help="Ask a running server whether it is ready.")]
Example = Annotated[
    bool, typer.Option("--example", "-e", help="Print an example of a configuration file.")
]


Version = Annotated[bool, typer.Option("--version", "-v", help="Print the version and exit.")]


def rest(
    config: ConfigFile = None,
    dump_config: DumpConfig = False,
    dump_schema: DumpSchema = False,
    ready: Ready = False,
    example: Example = False,
    version: Version = False,
) -> None:
    """Serve only the REST dialect, as a PostgREST is set up: by PGRST_* variables or a file."""
    from backstay.rest import standalone  # noqa: PLC0415 - --help stays quick

    launch = standalone.Launch(dict(os.environ), config)
    if version:
        typer.echo(f"backstay {__version__}")
    elif example:
        typer.echo(example_file(), nl=False)
    elif ready:
        report_ready(launch.settings())
    elif dump_config:
        typer.echo(run(standalone.dump_config(launch)), nl=False)
    elif dump_schema:
        sys.stdout.buffer.write(run(standalone.dump_schema(launch)) + b"\n")
    else:
        run(standalone.serve(launch))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` on the fastest event loop there is."""
    import asyncio  # noqa: PLC0415 - --help stays quick

    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def example_file() -> str:
    """Every setting with its meaning and default, commented out."""
    lines = []
    defaults = RestSettings()
    for setting in dataclasses.fields(RestSettings):
        said = declared(setting)
        if said is None or setting.name.startswith("internal_"):
            continue
        value = getattr(defaults, setting.name)
        shown = str(value).lower() if isinstance(value, (bool, int)) else f'"{_joined(value)}"'
        lines += [f"## {said.doc}", f"# {setting.name.replace('_', '-')} = {shown}", ""]
    return "\n".join(lines)


def _joined(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value or "")


def report_ready(settings: RestSettings) -> None:
    """Say OK, or ERROR on stderr and exit with 1: scripts read these lines."""
    try:
        typer.echo(f"OK: {check_ready(settings)}")
    except NotReady as error:
        typer.echo(f"ERROR: {error}", err=True)
        raise typer.Exit(1) from None


class NotReady(Exception):
    """Why a server is not known to be ready, in PostgREST's words."""


def check_ready(settings: RestSettings) -> str:
    """The address at which the admin server says ready. Raises ``NotReady``."""
    import http.client  # noqa: PLC0415 - --help stays quick

    host, port = settings.admin_server_host, settings.admin_server_port
    if port is None:
        raise NotReady("Admin server is not running. Please check admin-server-port config.")
    if host in ("*", "*4", "!4", "*6", "!6"):
        raise NotReady(
            "The `--ready` flag cannot be used when server-host is configured as "
            f'"{host}". Please update your server-host config to "localhost".'
        )
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/ready"
    if not 0 < port < 65536:
        raise NotReady(f"invalid url - {url}")
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/ready")
        status = connection.getresponse().status
    except OSError:
        raise NotReady(f"connection refused to {url}") from None
    finally:
        connection.close()
    if status != 200:
        raise NotReady(url)
    return url


if __name__ == "__main__":
    typer.run(rest)
