"""What kind a statement of a migration is."""

from __future__ import annotations

import pytest

from backstay.cluster.split import split
from backstay.cluster.statements import Kind, adds_enum_value, create_extension, kind


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("create index concurrently i on t (x)", Kind.ALONE),
        ("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (x)", Kind.ALONE),
        ("drop index concurrently i", Kind.ALONE),
        ("reindex (verbose) table concurrently t", Kind.ALONE),
        ("refresh materialized view concurrently v", Kind.ORDINARY),
        ("vacuum analyze t", Kind.ALONE),
        ("alter system set work_mem = '1MB'", Kind.ALONE),
        ("create index i on t (x)", Kind.ORDINARY),
        ("alter type t add value 'x'", Kind.ORDINARY),
        ("BEGIN", Kind.BEGIN),
        ("start transaction isolation level serializable", Kind.BEGIN),
        ("commit work", Kind.COMMIT),
        ("end", Kind.COMMIT),
        ("rollback", Kind.ROLLBACK),
        ("rollback to savepoint a", Kind.ORDINARY),
        ("savepoint a", Kind.ORDINARY),
        ("\\restrict abc", Kind.QUIET_META),
        ("\\set ON_ERROR_STOP on", Kind.QUIET_META),
        ("\\connect other", Kind.META),
        ("\\i other.sql", Kind.META),
    ],
)
def test_kind(sql: str, expected: Kind) -> None:
    (statement,) = split(sql)
    assert kind(statement) is expected


def test_a_new_label_of_an_enum_is_noticed() -> None:
    yes, no = split("alter type public.t add value if not exists 'b' after 'a'; alter type t add x")
    assert adds_enum_value(yes)
    assert not adds_enum_value(no)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("create extension vector", ("create extension vector", None)),
        (
            "-- why\ncreate extension if not exists vector with schema extensions version '0.5'",
            ("create extension if not exists vector with schema extensions", None),
        ),
        (
            'create extension "uuid-ossp" version "1.1" schema public cascade',
            ('create extension if not exists "uuid-ossp" schema public cascade', None),
        ),
        (
            "create extension if not exists pgmq with schema pgmq",
            ("create extension if not exists pgmq with schema pgmq", "pgmq"),
        ),
        (
            "create extension pg_cron with schema pg_catalog",
            ("create extension pg_cron with schema pg_catalog", None),
        ),
        ("create extension pgcrypto", ("create extension if not exists pgcrypto", None)),
        ("create extension pg_cron", ("create extension pg_cron schema extensions", None)),
        ("drop extension pgcrypto", None),
    ],
)
def test_create_extension(sql: str, expected: tuple[str, str | None] | None) -> None:
    (statement,) = split(sql)
    assert create_extension(statement) == expected
