"""``backstay rest``: serve only the REST dialect, as a PostgREST would."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from backstay.config.declare import declared
from backstay.config.rest import RestSettings
from backstay.errors import OperatorError

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


def rest(
    config: ConfigFile = None,
    dump_config: DumpConfig = False,
    dump_schema: DumpSchema = False,
    ready: Ready = False,
    example: Example = False,
) -> None:
    """Serve only the REST dialect, as a PostgREST is set up: by PGRST_* variables or a file."""
    from backstay.rest import standalone  # noqa: PLC0415 - --help stays quick

    launch = standalone.Launch(dict(os.environ), config)
    if example:
        typer.echo(example_file(), nl=False)
    elif ready:
        typer.echo(check_ready(launch.settings()))
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


def check_ready(settings: RestSettings) -> str:
    """What to print when the admin server says ready; raises ``OperatorError`` otherwise."""
    host, port = settings.admin_server_host, settings.admin_server_port
    if port is None:
        raise OperatorError(
            "ERROR: Admin server is not running. Please check admin-server-port config."
        )
    if host in ("*", "*4", "!4", "*6", "!6"):
        if settings.server_host == host and host != "!4":
            raise OperatorError(
                "ERROR: The `--ready` flag cannot be used when server-host is configured as "
                f'"{host}". Please update your server-host config to "localhost".'
            )
        host = "localhost"
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/ready"
    if not 0 < port < 65536:
        raise OperatorError(f"ERROR: invalid url - {url}")
    import http.client  # noqa: PLC0415 - --help stays quick

    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/ready")
        status = connection.getresponse().status
    except OSError:
        raise OperatorError(f"ERROR: connection refused to {url}") from None
    finally:
        connection.close()
    if status != 200:
        raise OperatorError(f"ERROR: {url}")
    return f"OK: {url}"


if __name__ == "__main__":
    typer.run(rest)
