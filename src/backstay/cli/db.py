"""``backstay db``: the project's database."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from backstay.cli.options import Project, folders_of
from backstay.cli.output import remark, say
from backstay.cli.status import running
from backstay.cli.work import run
from backstay.clock import monotonic
from backstay.config.folders import Folders
from backstay.errors import OperatorError

app = typer.Typer(help="Reset and reach the project's database.", no_args_is_help=True)


@app.command("reset")
def reset(
    project: Project = None,
    version: Annotated[
        str | None, typer.Option(help="Stop after the migration with this version.")
    ] = None,
    last: Annotated[int | None, typer.Option(help="Leave out the last so many migrations.")] = None,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Leave the seed files out.")] = False,
) -> None:
    """Make the database anew from the migrations and the seed. Everything in it is lost."""
    from backstay.cli.database import clean_apart, reset_database  # noqa: PLC0415

    folders = folders_of(project)
    upto = version_to_stop_at(folders, version, last)
    begun = monotonic()
    applied = run(reset_database(folders, upto=upto, seed=not no_seed))
    say(f"Reset {folders.root} to {applied} migrations in {monotonic() - begun:.2f} s.")
    sys.stdout.flush()
    clean_apart(folders)


def version_to_stop_at(folders: Folders, version: str | None, last: int | None) -> str | None:
    """The last version to apply; None for all, "" for none. Raises ``OperatorError``."""
    if version is None and not last:
        return None
    from backstay.cli.migration import file_names  # noqa: PLC0415

    local = list(file_names(folders))
    if version is not None:
        if version not in local:
            raise OperatorError(
                f"There is no file {version}_*.sql in {folders.migrations}.",
                next="See what there is: backstay migration list",
            )
        return version
    return local[-1 - last] if last and last < len(local) else ""


@app.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context, project: Project = None) -> None:
    """Open psql on the project's database; what follows goes to psql."""
    url = running(folders_of(project)).status["DB_URL"]
    program = find_psql()
    os.execv(program, [program, url, *context.args])  # noqa: S606 - no shell, the user's own words


def find_psql() -> str:
    """psql of the embedded server, or else the one on the PATH. Raises ``OperatorError``."""
    from backstay.cluster.provider import embedded  # noqa: PLC0415

    try:
        own = Path(embedded().program("psql"))
    except OperatorError:
        own = Path()
    if own.is_file() and os.access(own, os.X_OK):
        return str(own)
    if found := shutil.which("psql"):
        return found
    raise OperatorError(
        "There is no psql on this machine.",
        why="The embedded PostgreSQL comes without it.",
        next="Install one (apt install postgresql-client), or open DB_URL in another client.",
    )


def _later(verb: str, instead: str) -> None:
    raise OperatorError(f"backstay has no db {verb} yet.", next=instead)


@app.command("push", hidden=True)
def push() -> None:
    """Not there yet."""
    _later("push", 'Push with: npx supabase db push --db-url "$DATABASE_URL"')


@app.command("pull", hidden=True)
def pull() -> None:
    """Not there yet."""
    _later("pull", 'Pull with: npx supabase db pull --db-url "$DATABASE_URL"')


@app.command("diff", hidden=True)
def diff() -> None:
    """Not there yet."""
    _later("diff", "Write the migration yourself: backstay migration new NAME")


@app.command("dump", hidden=True)
def dump() -> None:
    """Not there yet."""
    _later("dump", 'Dump with: pg_dump "$(backstay status --get DB_URL)"')


@app.command("start", hidden=True)
def start() -> None:
    """The whole project starts at once."""
    remark("The database starts with everything else: backstay start")
    raise typer.Exit(1)
