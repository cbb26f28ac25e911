"""``backstay migration``: the project's migration files and what the database has of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from backstay.cli.options import Project, folders_of
from backstay.cli.output import remark, say, table
from backstay.cli.work import run
from backstay.clock import SystemClock
from backstay.config.folders import Folders
from backstay.errors import OperatorError

app = typer.Typer(help="Write, list and apply migrations.", no_args_is_help=True)

_TIMESTAMP: Final = "%Y%m%d%H%M%S"
_FORGET: Final = "delete from supabase_migrations.schema_migrations where version = %s"
_NOTE: Final = (
    "insert into supabase_migrations.schema_migrations (version, name, statements)"
    " values (%s, %s, %s)"
)
_UNFIT: Final = re.compile(r"[/\\\0]")


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="What it does: add_todos.")], project: Project = None
) -> None:
    """Make a migration file, from what is piped in when something is."""
    if _UNFIT.search(name):
        raise OperatorError(f"{name!r} cannot be part of a file name.", next="Use letters and _.")
    folders = folders_of(project)
    folders.migrations.mkdir(parents=True, exist_ok=True)
    path = free_path(folders.migrations, name, SystemClock().now())
    path.write_text("" if sys.stdin.isatty() else sys.stdin.read(), "utf-8")
    say(f"Created {path}")


def free_path(folder: Path, name: str, moment: datetime) -> Path:
    """A file name whose version no other migration has: the first second that is free."""
    taken = {path.name.partition("_")[0] for path in folder.iterdir()}
    version = int(moment.astimezone(UTC).strftime(_TIMESTAMP))
    while str(version) in taken:
        version += 1
    return folder / f"{version}_{name}.sql"


@app.command("list")
def list_(project: Project = None) -> None:
    """List migrations: those in the folder, and those the database has."""
    folders = folders_of(project)
    local = local_versions(folders)
    applied = run(_applied(folders))
    rows = [
        (
            version if version in local else "",
            version if version in applied else "",
            written(version),
        )
        for version in sorted(local | set(applied), key=lambda version: (int(version), version))
    ]
    say(table(("FILE", "APPLIED", "TIME (UTC)"), rows, sys.stdout))


@app.command("up")
def up(project: Project = None) -> None:
    """Apply the migrations the database does not have yet."""
    folders = folders_of(project)
    done = run(_up(folders))
    say("Nothing to apply." if not done else f"Applied {len(done)}: {', '.join(done)}")


@app.command("repair")
def repair(
    versions: Annotated[list[str], typer.Argument(metavar="VERSION...", help="Which.")],
    status: Annotated[
        str, typer.Option("--status", help="applied or reverted: what is true of them.")
    ],
    project: Project = None,
) -> None:
    """Correct the history: note a version as applied, or as reverted, without running anything."""
    if status not in ("applied", "reverted"):
        raise typer.BadParameter("It is applied or reverted.", param_hint="--status")
    folders = folders_of(project)
    names = file_names(folders)
    for version in versions:
        if not version.isdecimal():
            raise OperatorError(f"{version} is not a version.", why="Versions are digits.")
        if status == "applied" and version not in names:
            raise OperatorError(f"There is no file {version}_*.sql in {folders.migrations}.")
    run(_repair(folders, versions, names if status == "applied" else {}))
    remark(f"Noted as {status}: {', '.join(versions)}. See: backstay migration list")


def local_versions(folders: Folders) -> set[str]:
    """The versions of the project's migration files."""
    return set(file_names(folders))


def file_names(folders: Folders) -> dict[str, str]:
    """Each version's name, from the files."""
    from backstay.cluster.folder import names  # noqa: PLC0415
    from backstay.cluster.plan import plan  # noqa: PLC0415

    found = plan(names(folders.migrations), {}).pending
    return {migration.version: migration.name for migration in found}


def written(version: str) -> str:
    """A version's digits as the time they stand for, when they do."""
    try:
        moment = datetime.strptime(version, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return version
    return moment.strftime("%Y-%m-%d %H:%M:%S")


async def _applied(folders: Folders) -> Mapping[str, str]:
    from backstay.cli.database import reached  # noqa: PLC0415
    from backstay.cluster.migrate import applied  # noqa: PLC0415

    async with reached(folders) as conninfo:
        return await applied(conninfo)


async def _up(folders: Folders) -> list[str]:
    from backstay.cli.database import reached  # noqa: PLC0415
    from backstay.cluster.migrate import migrate  # noqa: PLC0415

    async with reached(folders) as conninfo:
        done = await migrate(conninfo, folders.supabase, progress=remark)
    return [one.migration.version for one in done]


async def _repair(folders: Folders, versions: Sequence[str], names: Mapping[str, str]) -> None:
    from backstay.cli.database import reached  # noqa: PLC0415
    from backstay.cluster.folder import read  # noqa: PLC0415
    from backstay.cluster.migrate import operator_connection  # noqa: PLC0415
    from backstay.cluster.split import split  # noqa: PLC0415

    async with reached(folders) as conninfo, operator_connection(conninfo) as connection:
        for version in versions:
            await connection.execute(_FORGET, (version,))
            if version in names:
                file = folders.migrations / f"{version}_{names[version]}.sql"
                statements = [statement.text for statement in split(read(file))]
                await connection.execute(_NOTE, (version, names[version], statements))
