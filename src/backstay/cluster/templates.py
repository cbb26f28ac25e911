"""Template databases, so that ``db reset`` need not repeat migrations and seed.

    save     postgres ─CREATE DATABASE─▶ _backstay_KEY
    restore  _backstay_KEY ─CREATE DATABASE─▶ _backstay_next
             postgres ─RENAME─▶ _backstay_old, _backstay_next ─RENAME─▶ postgres   (one transaction)
    clean    _backstay_old ─DROP

A crash leaves the former database or the new one, never neither. Roles belong to the cluster and
stay as they are: the key names the migrations that made them.
https://www.postgresql.org/docs/18/manage-ag-templatedbs.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, LiteralString

import psycopg
from psycopg import sql

DATABASE = "postgres"
PREFIX = "_backstay_"
NEXT = f"{PREFIX}next"
OLD = f"{PREFIX}old"
KEPT = 2
"""Templates kept: the current migrations' and the ones' before."""
KEY = re.compile(r"[0-9A-Za-z_-]{1,40}")
ATTEMPTS = 3
"""A client that reconnects the moment it was disconnected is in the way once more, not for ever."""

Connection = psycopg.Connection[Any]


def template_name(key: str) -> str:
    """The database that holds template ``key``. Raises ``ValueError`` when it cannot name one."""
    if not KEY.fullmatch(key) or PREFIX + key in (NEXT, OLD):
        raise ValueError(f"not a template key: {key!r}")
    return f"{PREFIX}template_{key}"


def has(connection: Connection, key: str) -> bool:
    """Whether there is a template ``key``."""
    return _exists(connection, template_name(key))


def save(connection: Connection, key: str) -> None:
    """Keep the database as it is now as template ``key``; disconnects everyone from it."""
    name = template_name(key)
    drop(connection, name)
    drop(connection, NEXT)
    with _closed(connection):
        for left in reversed(range(ATTEMPTS)):
            disconnect(connection, DATABASE)
            try:
                clone(connection, DATABASE, NEXT)
                break
            except psycopg.errors.ObjectInUse:
                if not left:
                    raise
    _run(connection, "alter database {} allow_connections false", NEXT)
    _run(connection, "alter database {} rename to {}", NEXT, name)
    _forget_old(connection)


def restore(connection: Connection, key: str) -> None:
    """Put a copy of template ``key`` in the database's place; disconnects everyone from it."""
    drop(connection, NEXT)
    drop(connection, OLD)
    clone(connection, template_name(key), NEXT)
    with _closed(connection):
        for left in reversed(range(ATTEMPTS)):
            disconnect(connection, DATABASE)
            try:
                with connection.transaction():
                    _run(connection, "alter database {} rename to {}", DATABASE, OLD)
                    _run(connection, "alter database {} rename to {}", NEXT, DATABASE)
                break
            except psycopg.errors.ObjectInUse:
                if not left:
                    raise


@contextmanager
def _closed(connection: Connection) -> Iterator[None]:
    """Nobody but a superuser gets into the database meanwhile.

    A pool that reconnects at once would keep it in use, and PostgreSQL waits five seconds each time
    for that to end. A superuser can still come in, so a crash here locks nobody out for good.
    """
    _run(connection, "alter database {} connection limit 0", DATABASE)
    try:
        yield
    finally:
        _run(connection, "alter database {} connection limit -1", DATABASE)


def clean(connection: Connection) -> None:
    """Drop the database a ``restore`` replaced. Apart from it, since this takes as long again."""
    drop(connection, OLD)


def clone(connection: Connection, source: str, target: str) -> None:
    """Copy a database nobody is connected to, its owner, rights and settings included.

    Through the write-ahead log: the other strategy waits for two checkpoints.
    """
    _run(connection, "create database {} template {} strategy wal_log", target, source)
    with connection.transaction():
        connection.execute("set local allow_system_table_mods = on")
        text = files(__package__).joinpath("clone_rights.sql").read_text(encoding="utf-8")
        raw = psycopg.RawCursor(connection)
        raw.execute(text.encode(), [source, target])


def disconnect(connection: Connection, database: str) -> None:
    """End every other session in ``database``, and wait until each has."""
    connection.execute(
        "select pg_terminate_backend(pid, 2000) from pg_stat_activity"
        " where datname = %s and pid <> pg_backend_pid()",
        [database],
    )


def drop(connection: Connection, database: str) -> None:
    """Drop a database, if there is one, whoever is connected to it."""
    if _exists(connection, database):
        disconnect(connection, database)
        _run(connection, "drop database if exists {} with (force)", database)


def _forget_old(connection: Connection) -> None:
    found = connection.execute(
        "select datname from pg_database where datname like %s order by oid desc",
        [f"{PREFIX}template_%".replace("_", r"\_")],
    )
    for (name,) in found.fetchall()[KEPT:]:
        drop(connection, name)


def _exists(connection: Connection, database: str) -> bool:
    found = connection.execute("select from pg_database where datname = %s", [database])
    return found.fetchone() is not None


def _run(connection: Connection, statement: LiteralString, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
