"""``db reset``: the database made anew, while the project may go on being served.

    a template of these very files  ─ restore ─▶ done
    none: pristine ─ restore ─▶ settle ─▶ migrate ─▶ seed ─ save ─▶ template

Works by SQL alone, so that any process may do it; the pools of a running server find their
connections closed, open new ones and read the catalog again. Roles belong to the cluster and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from backstay.cluster import bootstrap, templates
from backstay.cluster.folder import fingerprint
from backstay.cluster.migrate import applied, migrate
from backstay.cluster.seed import seed

_ONE_AT_A_TIME = "select pg_advisory_lock(hashtext('backstay reset'))"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the database is to hold.

    ``folder`` is the one with ``migrations/``; ``upto`` the last version to apply, "" for none and
    None for all; ``seeds`` the patterns of the seed files, none for no seed.
    """

    folder: Path
    seeds: Sequence[str]
    settlement: bootstrap.Settlement
    upto: str | None = None

    @property
    def key(self) -> str:
        """Names the template that equals this plan's outcome; "" when there can be none."""
        if self.upto is not None:
            return ""
        return fingerprint(self.folder, self.seeds)[:20] + bootstrap.fingerprint()[:12]


async def reset(conninfo: str, plan: Plan, *, progress: Progress) -> int:
    """Make the database of ``conninfo`` (a superuser's) anew; how many migrations it then has.

    Raises ``MigrationError``; the migrations before the failing one are then applied.
    """
    maintenance = make_conninfo(conninfo, dbname="template1")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        # Two resets of one project take turns; the lock ends with the connection.
        connection.execute(_ONE_AT_A_TIME)
        known = plan.key != "" and templates.has(connection, plan.key)
        await _replace(connection, conninfo, plan.key if known else "", progress)
        await bootstrap.settle(conninfo, plan.settlement)
        if not known:
            await _fill(conninfo, plan, progress)
            if plan.key:
                templates.save(connection, plan.key)
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as fresh:
        await fresh.execute("notify pgrst, 'reload schema'")
    return len(await applied(conninfo))


def clean(conninfo: str) -> None:
    """Drop the database the last reset replaced; takes as long as PostgreSQL's next checkpoint."""
    with psycopg.connect(
        make_conninfo(conninfo, dbname="template1"), autocommit=True
    ) as connection:
        connection.execute(_ONE_AT_A_TIME)
        templates.clean(connection)


async def _replace(
    connection: templates.Connection, conninfo: str, key: str, progress: Progress
) -> None:
    """Put template ``key`` in place, or without one a database as before its first migration."""
    if key:
        progress("Restoring the database from its template")
    else:
        key = f"pristine-{bootstrap.fingerprint()[:12]}"
        if not templates.has(connection, key):
            progress("Preparing an empty database")
            await _make_pristine(connection, conninfo, templates.template_name(key))
        progress("Starting from an empty database")
    templates.restore(connection, key)


async def _make_pristine(connection: templates.Connection, conninfo: str, name: str) -> None:
    templates.drop(connection, templates.NEXT)
    draft, made = sql.Identifier(templates.NEXT), sql.Identifier(name)
    connection.execute(sql.SQL("create database {} template template0").format(draft))
    await bootstrap.apply(make_conninfo(conninfo, dbname=templates.NEXT))
    connection.execute(sql.SQL("alter database {} allow_connections false").format(draft))
    connection.execute(sql.SQL("alter database {} rename to {}").format(draft, made))


async def _fill(conninfo: str, plan: Plan, progress: Progress) -> None:
    await migrate(conninfo, plan.folder, progress=progress, upto=plan.upto)
    if plan.seeds:
        await seed(conninfo, plan.folder, plan.seeds, progress=progress)
