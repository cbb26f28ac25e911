"""A real PostgreSQL for tests: one cluster for the run, a database of its own for each test."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from backstay.cluster.conf import SUPERUSER, Launch
from backstay.cluster.datadir import dsn
from backstay.cluster.templates import clone

PRISTINE = "pristine"


@dataclass
class Server:
    """The running cluster. ``dsn`` names the database a freshly made project would have."""

    launch: Launch
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def dsn(self, role: str = "postgres", database: str = "postgres") -> str:
        return dsn(self.launch, role, database)

    def url(self, role: str = "postgres", database: str = "postgres") -> str:
        """By TCP, with the development password."""
        return f"postgresql://{role}:postgres@127.0.0.1:{self.launch.port}/{database}"

    def create_database(self, template: str = PRISTINE) -> Database:
        """A database cloned from ``template``: as a project has it before its migrations."""
        name = f"test_{next(self.numbers)}"
        with self._maintenance() as connection:
            clone(connection, template, name)
        return Database(self, name)

    def drop_database(self, name: str) -> None:
        with self._maintenance() as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )

    def _maintenance(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn(SUPERUSER, "template1"), autocommit=True)


@dataclass(frozen=True)
class Database:
    """One test's database."""

    server: Server
    name: str

    def dsn(self, role: str = "postgres") -> str:
        """A libpq connection string over the private socket."""
        return self.server.dsn(role, self.name)

    def url(self, role: str = "postgres") -> str:
        return self.server.url(role, self.name)

    def execute(
        self, statement: str, parameters: Sequence[object] | None = None, *, role: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """Run one statement as ``role`` and commit; its rows, or none."""
        with psycopg.connect(self.dsn(role), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def psql(self, script: str, *, role: str = "postgres") -> str:
        """Run a script through psql, stopping at the first error; its unaligned output."""
        done = subprocess.run(
            [
                self.server.launch.installation.program("psql"),
                *("--no-psqlrc", "--quiet", "--no-align", "--tuples-only"),
                *("--set=ON_ERROR_STOP=1", self.dsn(role)),
            ],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
