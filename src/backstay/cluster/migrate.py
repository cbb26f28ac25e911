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

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors

from backstay.clock import monotonic
from backstay.cluster.run import FileRun, StatementFailed
from backstay.cluster.split import split
from backstay.errors import OperatorError

Progress = Callable[[str], None]
"""Told in a sentence what begins or was passed over."""

_FILE = re.compile(r"([0-9]+)_(.*)\.sql", re.DOTALL)
_SEPARATOR = "/"
"""Between the names of files that share a version: the one character no file name holds."""


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
            next=f"Change {file} and run it again: backstay migration up"
            + (" (part of it is already committed)" if failed.committed else ""),
        )


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration by its file name: ``20240131120000_todos.sql``."""

    version: str
    name: str

    @property
    def file(self) -> str:
        return f"{self.version}_{self.name}.sql"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a folder, in order; ``missing`` are versions without a file."""

    pending: tuple[Migration, ...]
    skipped: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that was applied now, and how long it took, in seconds."""

    migration: Migration
    seconds: float


def plan(files: Iterable[str], applied: Mapping[str, str]) -> Plan:
    """Which of the file names ``files`` are pending, given ``applied`` (version → name).

    In the order of their bytes. Files of one version are told apart by their names; a lone file
    counts as applied by its version, so that it may be renamed.
    """
    ordered = sorted(files, key=lambda name: name.encode("utf-8", "surrogateescape"))
    matches = [(name, _FILE.fullmatch(name)) for name in ordered]
    found = [Migration(match[1], match[2]) for _, match in matches if match]
    versions = [migration.version for migration in found]
    return Plan(
        pending=tuple(
            migration
            for migration in found
            if not _is_applied(migration, applied, versions.count(migration.version) > 1)
        ),
        skipped=tuple(name for name, match in matches if not match and name.endswith(".sql")),
        missing=tuple(sorted(set(applied) - set(versions))),
    )


async def migrate(conninfo: str, folder: Path, *, progress: Progress) -> list[Applied]:
    """Apply what is pending in ``folder`` (the one that holds ``migrations/``), in order.

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
            progress(f"Applying {migration.file}")
            begun = monotonic()
            await _apply(connection, folder / "migrations" / migration.file, migration)
            done.append(Applied(migration, monotonic() - begun))
    return done


async def applied(conninfo: str) -> dict[str, str]:
    """The history of the database: version → name."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        return await _history(connection)


def names(folder: Path) -> list[str]:
    """The file names in ``folder``; none when there is no such folder."""
    return [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []


def fingerprint(folder: Path, paths: Sequence[Path] = ()) -> str:
    """A hash of the migrations and roles of ``folder`` and of the seed files ``paths``.

    Two equal ones make equal databases: the key of the template that ``db reset`` starts from.
    """
    digest = hashlib.sha256()
    migrations = [m.file for m in plan(names(folder / "migrations"), {}).pending]
    for path in (folder / "roles.sql", *(folder / "migrations" / m for m in migrations), *paths):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            digest.update(content)
    return digest.hexdigest()


@asynccontextmanager
async def operator_connection(conninfo: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that is the only one to change this database's schema or seed for now."""
    async with await psycopg.AsyncConnection.connect(
        conninfo, autocommit=True, application_name="backstay migrate"
    ) as connection:
        connection.prepare_threshold = None
        await connection.execute("select pg_advisory_lock(hashtext('backstay migrate'))")
        yield connection


def read(path: Path) -> str:
    """The text of an SQL file. Raises ``MigrationError`` when it is not UTF-8."""
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        failed = StatementFailed("the file is not UTF-8", line, "", "", "", committed=False)
        raise MigrationError(path.name, failed) from problem


async def _apply(connection: psycopg.AsyncConnection, path: Path, migration: Migration) -> None:
    statements = split(read(path))
    record = (
        """insert into supabase_migrations.schema_migrations as m (version, name, statements)
           values (%s, %s, %s)
           on conflict (version) do update
             set name = m.name || %s || excluded.name,
                 statements = m.statements || excluded.statements""",
        (migration.version, migration.name, [s.text for s in statements], _SEPARATOR),
    )
    try:
        await FileRun(connection, statements, record).run()
    except StatementFailed as failed:
        raise MigrationError(path.name, failed) from failed.__cause__


async def _roles(connection: psycopg.AsyncConnection, path: Path, progress: Progress) -> None:
    """The project's own roles, which belong to the cluster: one that exists already is fine."""
    progress(f"Creating the roles of {path.name}")
    try:
        await FileRun(connection, split(read(path)), forgive=(errors.DuplicateObject,)).run()
    except StatementFailed as failed:
        raise MigrationError(path.name, failed) from failed.__cause__


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


def _is_applied(migration: Migration, applied: Mapping[str, str], shared: bool) -> bool:
    if migration.version not in applied:
        return False
    return not shared or migration.name in applied[migration.version].split(_SEPARATOR)


def _excerpt(statement: str, lines: int = 12) -> str:
    all_lines = statement.splitlines()
    return "\n".join(all_lines[:lines]) + ("\n…" if len(all_lines) > lines else "")
