"""The entry of the command line: every verb, and what becomes of an error.

Exit status: 0 done, 1 refused or failed (what, why and the next command are on stderr), 2 the
command line was not understood, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from backstay import __version__
from backstay.cli import (
    config,
    db,
    doctor,
    init,
    keys,
    logs,
    migration,
    ready,
    rest,
    start,
    status,
    stop,
)
from backstay.cli.absent import add_absent
from backstay.cli.output import print_error, remark, say
from backstay.errors import OperatorError

DEBUG = "BACKSTAY_DEBUG"


def build() -> typer.Typer:
    """The command line with every verb."""
    app = typer.Typer(
        name="backstay",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    app.command("init")(init.init)
    app.command("start")(start.start)
    app.command("stop")(stop.stop)
    app.command("status")(status.status)
    app.command("ready")(ready.ready)
    app.command("logs")(logs.logs)
    app.add_typer(db.app, name="db")
    app.add_typer(migration.app, name="migration")
    app.add_typer(migration.app, name="migrations", hidden=True)
    app.add_typer(keys.app, name="keys")
    app.add_typer(config.app, name="config")
    app.command("doctor")(doctor.doctor)
    app.command("rest")(rest.rest)
    add_absent(app)
    return app


def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    """Serves a Supabase project folder from one process over a real PostgreSQL.

    In a project folder: backstay start. Every verb takes --project DIR.
    """
    if version:
        say(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; leaves by ``SystemExit``."""
    try:
        build()()
    except OperatorError as error:
        if os.environ.get(DEBUG):
            raise
        print_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        remark()
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our answer has seen enough of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
