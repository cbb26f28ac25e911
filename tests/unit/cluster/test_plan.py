"""Which migrations are pending."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from backstay.cluster.plan import plan


def test_files_are_ordered_by_their_bytes_and_others_are_skipped() -> None:
    result = plan(["10_b.sql", "2_a.sql", "1_é.sql", "init.sql", "3.sql", "x_1.sql", "a.txt"], {})
    assert [m.file for m in result.pending] == ["10_b.sql", "1_é.sql", "2_a.sql"]
    assert result.skipped == ("3.sql", "init.sql", "x_1.sql")


def test_a_version_is_applied_under_any_name() -> None:
    assert plan(["1_renamed.sql"], {"1": "old"}).pending == ()


def test_a_name_may_be_empty_or_odd() -> None:
    (migration,) = plan(["20240101_.sql"], {}).pending
    assert (migration.version, migration.name) == ("20240101", "")


def test_files_of_one_version_are_told_apart_by_name() -> None:
    result = plan(["1_a.sql", "1_b.sql", "1_c.sql"], {"1": "a/c"})
    assert [m.name for m in result.pending] == ["b"]


def test_a_file_older_than_what_is_applied_is_still_pending() -> None:
    assert [m.version for m in plan(["1_a.sql", "2_b.sql"], {"2": "b"}).pending] == ["1"]


def test_versions_without_a_file_are_told() -> None:
    assert plan(["2_b.sql"], {"1": "a", "2": "b"}).missing == ("1",)


@given(st.lists(st.from_regex(r"\A[0-9]{1,4}_[a-z]{0,3}\.sql\Z"), unique=True))
def test_the_plan_does_not_depend_on_the_order_of_the_names(files: list[str]) -> None:
    shuffled = random.Random(1).sample(files, len(files))
    assert plan(shuffled, {}) == plan(files, {})


@given(st.lists(st.from_regex(r"\A[0-9]{1,2}_[a-z]{0,3}\.sql\Z"), unique=True))
def test_nothing_is_pending_once_all_is_applied(files: list[str]) -> None:
    names: dict[str, list[str]] = {}
    for migration in plan(files, {}).pending:
        names.setdefault(migration.version, []).append(migration.name)
    applied = {version: "/".join(parts) for version, parts in names.items()}
    assert plan(files, applied).pending == ()
