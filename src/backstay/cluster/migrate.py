"""Applies a project's migrations, as the Supabase CLI does, and remembers which.

    plan      which files are to be applied, from their names and the database's history; pure
    migrate   roles.sql on a new database, then each pending file in a transaction of its own

A file runs as ``postgres``, in one transaction, recorded by the same transaction. What the server
refuses inside a transaction runs between two of them, and a file's own BEGIN and COMMIT are obeyed;
only such files can be left half done. Inside its transaction, and for nobody else, ``postgres`` has
the powers the hosted platform gives it (docs/decisions/0002-powers-of-postgres.md).
https://supabase.com/docs/guides/deployment/database-migrations
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors

from backstay.clock import monotonic
from backstay.cluster.folder import NotText, fingerprint, names, read
from backstay.cluster.plan import SEPARATOR, Migration, Plan, plan
from backstay.cluster.run import FileRun, Record, StatementFailed
from backstay.cluster.split import Statement, split
from backstay.errors import OperatorError

__all__ = [
    "Applied",
    "Migration",
    "MigrationError",
    "Plan",
    "applied",
    "fingerprint",
    "migrate",
    "plan",
]

Progress = Callable[[str], None]
"""Told in a sentence what begins or was passed over."""


class MigrationError(OperatorError):
    """A statement of a file failed; nothing of its transaction, nor of later files, was applied.

    ``line`` counts from 1 and is where PostgreSQL points at, else where the statement begins;
    ``sqlstate`` is empty when the server was not asked.
    """

    def __init__(self, file: str, failed: StatementFailed) -> None:
        self.file = file
        self.line = failed.line
        self.statement = failed.statement
        self.sqlstate = failed.sqlstate
        super().__init__(
            f"{file}, line {failed.line}: {failed.message}",
            why="\n".join(part for part in (failed.detail, _excerpt(failed.statement)) if part),
            next=f"Correct {file}, then: backstay db reset"
            + (" (part of it is already committed)" if failed.committed else ""),
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that was applied now, and how long it took, in seconds."""

    migration: Migration
    seconds: float


async def migrate(
    conninfo: str, folder: Path, *, progress: Progress, upto: str | None = None
) -> list[Applied]:
    """Apply what is pending in ``folder`` (the one that holds ``migrations/``), in order.

    ``upto`` is the last version to apply, "" for none at all and None for every one.
    ``conninfo`` is a superuser's or, on a database that is not ours, whoever owns it. Two runs on
    one database take turns. Raises ``MigrationError``.
    """
    done: list[Applied] = []
    async with operator_connection(conninfo) as connection:
        history = await _history(connection)
        todo = plan(names(folder / "migrations"), history)
        for name in todo.skipped:
            progress(f"Skipping {name}: its name is not <digits>_<name>.sql")
        for version in todo.missing:
            progress(f"Version {version} is applied but has no file in {folder / 'migrations'}")
        if todo.pending and not history and (folder / "roles.sql").is_file():
            await _roles(connection, folder / "roles.sql", progress)
        for migration in todo.pending:
            if upto is not None and migration.version > upto:
                break
            progress(f"Applying {migration.file}")
            begun = monotonic()
            await _apply(connection, folder / "migrations" / migration.file, migration)
            done.append(Applied(migration, monotonic() - begun))
    return done


async def applied(conninfo: str) -> dict[str, str]:
    """The history of the database: version → name."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        return await _history(connection)


@asynccontextmanager
async def operator_connection(conninfo: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that is the only one to change this database's schema or seed for now."""
    async with await psycopg.AsyncConnection.connect(
        conninfo, autocommit=True, application_name="backstay migrate"
    ) as connection:
        connection.prepare_threshold = None
        await connection.execute("select pg_advisory_lock(hashtext('backstay migrate'))")
        yield connection


async def _apply(connection: psycopg.AsyncConnection, path: Path, migration: Migration) -> None:
    statements = statements_of(path)
    record = (
        """insert into supabase_migrations.schema_migrations as m (version, name, statements)
           values (%s, %s, %s)
           on conflict (version) do update
             set name = m.name || %s || excluded.name,
                 statements = m.statements || excluded.statements""",
        (migration.version, migration.name, [s.text for s in statements], SEPARATOR),
    )
    await run_file(connection, path.name, statements, record)


async def _roles(connection: psycopg.AsyncConnection, path: Path, progress: Progress) -> None:
    """The project's own roles, which belong to the cluster: one that exists already is fine."""
    progress(f"Creating the roles of {path.name}")
    await run_file(connection, path.name, statements_of(path), forgive=(errors.DuplicateObject,))


def statements_of(path: Path) -> list[Statement]:
    """The statements of a file. Raises ``MigrationError`` when it is not UTF-8."""
    try:
        return split(read(path))
    except NotText as problem:
        failed = StatementFailed(str(problem), problem.line, "", "", "", committed=False)
        raise MigrationError(path.name, failed) from problem


async def run_file(
    connection: psycopg.AsyncConnection,
    file: str,
    statements: Sequence[Statement],
    record: Record | None = None,
    *,
    forgive: tuple[type[psycopg.Error], ...] = (),
) -> None:
    """Run the statements of ``file``. Raises ``MigrationError``."""
    try:
        await FileRun(connection, statements, record, forgive=forgive).run()
    except StatementFailed as failed:
        raise MigrationError(file, failed) from failed.__cause__


async def _history(connection: psycopg.AsyncConnection) -> dict[str, str]:
    found = await connection.execute(
        "select to_regclass('supabase_migrations.schema_migrations') is not null"
    )
    if (await found.fetchone()) != (True,):
        await connection.execute("create schema if not exists supabase_migrations")
        await connection.execute(
            "create table if not exists supabase_migrations.schema_migrations"
            " (version text not null primary key, statements text[], name text)"
        )
        return {}
    rows = await connection.execute(
        "select version, coalesce(name, '') from supabase_migrations.schema_migrations"
    )
    return {str(version): str(name) for version, name in await rows.fetchall()}


def _excerpt(statement: str, lines: int = 12) -> str:
    all_lines = statement.splitlines()
    return "\n".join(all_lines[:lines]) + ("\n…" if len(all_lines) > lines else "")
