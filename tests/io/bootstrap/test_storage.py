"""The functions of schema storage."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support.cluster import Database

NAMES = ("a.txt", "a!", "a/1", "b/c/d.png", "b/e.png", "B/f.png", "é/ü.txt")


@pytest.fixture
def filled(database: Database) -> Database:
    database.execute("insert into storage.buckets (id, name) values ('b', 'b')")
    database.execute(
        "insert into storage.objects (bucket_id, name, metadata, created_at)"
        " select 'b', name, jsonb_build_object('size', n), timestamptz '2024-01-01' + n * interval '1 h'"
        " from unnest(%s::text[]) with ordinality as u (name, n)",
        [list(NAMES)],
    )
    return database


@pytest.mark.parametrize(
    ("name", "folders", "file", "extension"),
    [
        ("a/b/c.tar.gz", ["a", "b"], "c.tar.gz", "gz"),
        ("top.png", [], "top.png", "png"),
        ("noext", [], "noext", "noext"),
        ("a/", ["a"], "", ""),
        (None, None, None, None),
    ],
)
def test_parts_of_a_name(
    shared: Database, name: str | None, folders: object, file: object, extension: object
) -> None:
    assert shared.execute(
        "select storage.foldername(%s), storage.filename(%s), storage.extension(%s)", [name] * 3
    ) == [(folders, file, extension)]


def listed(database: Database, call: str) -> list[Any]:
    return [row[0] for row in database.execute(f"select name from storage.{call}")]


def test_a_level_is_listed_with_folders_where_their_slash_puts_them(filled: Database) -> None:
    assert listed(filled, "search('', 'b')") == ["a!", "a.txt", "a", "b", "é"]
    assert listed(filled, "search('b/', 'b', 100, 2)") == ["c", "e.png", "f.png"]
    assert listed(filled, "search('', 'b', 2, 1, 1)") == ["a.txt", "a"]
    assert listed(filled, "search('', 'b', search => 'B')") == ["b"]


def test_by_time_folders_come_first(filled: Database) -> None:
    assert listed(filled, "search('', 'b', sortcolumn => 'created_at', sortorder => 'desc')") == [
        *("é", "b", "a", "B"),
        *("a!", "a.txt"),
    ]


def test_pages_of_a_listing_join_up(filled: Database) -> None:
    whole = listed(filled, "list_objects_with_delimiter('b', '', '/')")
    assert whole == ["B", "a!", "a.txt", "a", "b", "é"]
    pages: list[str] = []
    while page := listed(
        filled, f"list_objects_with_delimiter('b', '', '/', 2, '{pages[-1] if pages else ''}')"
    ):
        pages += page
    assert pages == whole
    backwards = listed(filled, "search_v2('', 'b', sort_order => 'desc')")
    assert backwards == whole[::-1]


def test_sizes_are_summed_by_bucket(filled: Database) -> None:
    assert filled.execute("select * from storage.get_size_by_bucket()") == [(28, "b")]


def test_operations_are_named_with_or_without_their_prefix(shared: Database) -> None:
    with psycopg.connect(shared.dsn("postgres")) as connection:
        connection.execute("select set_config('storage.operation', 'storage.object.upload', true)")
        row = connection.execute(
            "select storage.operation(), storage.allow_only_operation('object.upload'),"
            " storage.allow_any_operation(array['x', 'storage.object.upload']),"
            " storage.allow_any_operation(array['', null, 'object.delete'])"
        ).fetchone()
    assert row == ("storage.object.upload", True, True, False)


def test_rows_are_not_deleted_behind_the_services_back(filled: Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Use the Storage API"):
        filled.execute("delete from storage.objects")
    filled.psql("set storage.allow_delete_query = 'true'; delete from storage.objects;")


def test_asking_whether_an_object_may_be_inserted_leaves_none(filled: Database) -> None:
    with pytest.raises(psycopg.Error) as caught:
        filled.execute("select storage.can_insert_object('b', 'new', null, '{}')")
    assert caught.value.sqlstate == "PT200"
    assert filled.execute("select from storage.objects where name = 'new'") == []


def test_a_bucket_name_has_at_most_100_characters(shared: Database) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="too long"):
        shared.execute("insert into storage.buckets (id, name) values ('x', repeat('x', 101))")
