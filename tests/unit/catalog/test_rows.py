"""What goes into and comes out of the catalog's queries."""

from __future__ import annotations

from pathlib import Path

import pytest

import backstay.catalog
from backstay.catalog.load import digest
from backstay.catalog.rows import records, sql, text_array
from backstay.db.model import Result


@pytest.mark.parametrize(
    ("items", "literal"),
    [
        ([], "{}"),
        (["public"], '{"public"}'),
        (["a,b", "c d"], '{"a,b","c d"}'),
        (['quo"te', "back\\slash", "{}"], '{"quo\\"te","back\\\\slash","{}"}'),
        (["NULL", ""], '{"NULL",""}'),
    ],
)
def test_array_literals_hold_any_name(items: list[str], literal: str) -> None:
    assert text_array(items) == literal


def test_records_are_decoded_and_nulls_passed_over() -> None:
    assert list(records(Result([[b'["a", 1]'], [None]]))) == [["a", 1]]


def test_every_query_file_is_used() -> None:
    folder = Path(backstay.catalog.__file__).parent
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    for path in folder.glob("*.sql"):
        assert f'sql("{path.stem}")' in source
        assert sql(path.stem)


def test_the_digest_tells_a_null_from_an_empty_value_and_where_a_row_ends() -> None:
    different = [
        [Result([[b"", None]])],
        [Result([[None, b""]])],
        [Result([[b"ab", b"c"]])],
        [Result([[b"a", b"bc"]])],
        [Result([[b"a"]]), Result([[b"bc"]])],
    ]
    assert len({digest(results) for results in different}) == len(different)
    assert digest([Result([[b"a"]])]) == digest([Result([[b"a"]])])
