"""What a database holds before the first migration: roles, schemas, grants, the services' tables.

The SQL is in the files beside this module, one subject each, written so that it can run again on a
database that has it already. ``apply`` runs them once per text; ``settle`` sets what comes from the
project's configuration (passwords, token settings, exposure of new tables), and what is due daily,
at every start.
https://supabase.com/docs/guides/database/postgres/roles
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

import psycopg

from backstay.db.quote import quote_ident, quote_literal

ORDER = (
    "roles",
    "demote",
    "schemas",
    "default_privileges",
    "expose",
    "event_triggers",
    "graphql",
    "extensions",
    "auth",
    "storage",
    "realtime",
    "functions",
    "history",
    "pgbouncer",
    "idempotency",
    "record",
)
"""The files, in the order in which they build on each other."""

LOGIN_ROLES = (
    "postgres",
    "authenticator",
    "supabase_auth_admin",
    "supabase_storage_admin",
    "supabase_functions_admin",
    "supabase_replication_admin",
    "supabase_read_only_user",
    "supabase_etl_admin",
    "pgbouncer",
)
"""Roles that log in with the project's database password; each is set by ``settle``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What configuration decides about a database that is already bootstrapped.

    ``passwords`` maps a role to its password; roles not named keep theirs. ``jwt_secret`` and
    ``jwt_expiry`` (seconds) become ``app.settings.jwt_secret`` and ``app.settings.jwt_exp``; None
    leaves them. ``auto_expose_new_tables`` False makes new objects of ``public`` unreachable for
    the API until granted.
    """

    passwords: Mapping[str, str] = field(default_factory=dict)
    jwt_secret: str | None = None
    jwt_expiry: int | None = None
    auto_expose_new_tables: bool = True


def passwords(secret: str) -> dict[str, str]:
    """The same password for every role that logs in, as the CLI's local stack has it."""
    return dict.fromkeys(LOGIN_ROLES, secret)


def sql(name: str) -> str:
    """The text of one of the files, by its name without the ending."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def fingerprint() -> str:
    """A hash of all files: it changes when, and only when, ``apply`` has something to do."""
    digest = hashlib.sha256()
    for name in ORDER:
        digest.update(f"{name}\0{sql(name)}\0".encode())
    return digest.hexdigest()


async def apply(conninfo: str) -> bool:
    """Make the database of ``conninfo`` (a superuser's) what migrations expect; False if it was.

    All of it or nothing: one transaction. Raises ``psycopg.Error`` when the server refuses.
    """
    mark = fingerprint()
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        if await _applied(connection) == mark:
            return False
        async with connection.transaction():
            # Two starts on one database take turns; the second then finds everything there.
            await connection.execute("select pg_advisory_xact_lock(hashtext('backstay bootstrap'))")
            await connection.execute("set local client_min_messages = warning")
            await connection.execute("set local search_path = pg_catalog")
            await connection.execute("set local check_function_bodies = off")
            for name in ORDER:
                await connection.execute(sql(name).encode())
            await connection.execute(
                "insert into _backstay.bootstrap (fingerprint) values (%s)"
                " on conflict (only_row) do update"
                " set fingerprint = excluded.fingerprint, applied_at = now()",
                [mark],
            )
    return True


async def settle(conninfo: str, settlement: Settlement) -> None:
    """Set what ``settlement`` says; also takes back any superuser right ``postgres`` may hold."""
    async with (
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection,
        connection.transaction(),
    ):
        for statement in _settling(settlement, connection.info.dbname):
            await connection.execute(statement.encode())


def _settling(settlement: Settlement, database: str) -> list[str]:
    own = quote_ident(database)
    # Never a superuser outside a migration (docs/decisions/0002-powers-of-postgres.md).
    statements = [sql("demote"), sql("reopen")]
    # The statement itself is not to be found in the server's log.
    statements.append("set local log_statement = 'none'")
    statements.append("set local log_min_error_statement = 'panic'")
    for role, password in settlement.passwords.items():
        statements.append(f"alter role {quote_ident(role)} password {quote_literal(password)}")
    if settlement.jwt_secret is not None:
        secret = quote_literal(settlement.jwt_secret)
        statements.append(f'alter database {own} set "app.settings.jwt_secret" to {secret}')
    if settlement.jwt_expiry is not None:
        expiry = quote_literal(str(settlement.jwt_expiry))
        statements.append(f'alter database {own} set "app.settings.jwt_exp" to {expiry}')
    statements.append(sql("partitions"))
    statements.append(sql("expose" if settlement.auto_expose_new_tables else "unexpose"))
    return statements


async def _applied(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> object:
    found = await connection.execute("select to_regclass('_backstay.bootstrap') is not null")
    row = await found.fetchone()
    if row is None or not row[0]:
        return None
    stored = await connection.execute("select fingerprint from _backstay.bootstrap")
    first = await stored.fetchone()
    return None if first is None else first[0]
