from __future__ import annotations

import pytest

from backstay.rest import media
from backstay.rest.media import parse_accept, parse_media_type


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("ApplicatIon/vnd.PgRsT.object+json", "application/vnd.pgrst.object+json"),
        (
            "application/vnd.pgrst.object;nulls=stripped",
            "application/vnd.pgrst.object+json;nulls=stripped",
        ),
        ("application/vnd.pgrst.array+json", "application/json"),
        ("application/vnd.pgrst.plan;", 'application/vnd.pgrst.plan+text; for="application/json"'),
        (
            'application/vnd.pgrst.plan+json ; for="text/xml" ; options=verbose|analyze',
            'application/vnd.pgrst.plan+json; for="text/xml"; options=analyze|verbose',
        ),
        ("application/vnd.twkb", "application/vnd.twkb"),
        ("nonsense", "nonsense"),
    ],
)
def test_media_types(text: str, written: str) -> None:
    assert parse_media_type(text).written == written


def test_charset_is_told_of_text_we_know() -> None:
    assert media.JSON.content_type == "application/json; charset=utf-8"
    assert media.OCTET_STREAM.content_type == "application/octet-stream"
    assert parse_media_type("image/png").content_type == "image/png"


def test_plans_do_not_nest_without_end() -> None:
    assert parse_media_type("application/vnd.pgrst.plan;for=" * 3).plan is not None


@pytest.mark.parametrize(
    ("header", "order"),
    [
        ("text/csv, */*; q=0.01", ["text/csv", "*/*"]),
        ("*/*, text/csv", ["text/csv", "*/*"]),
        ("text/csv;q=0.1,application/json;q=0.9", ["application/json", "text/csv"]),
        ("", ["*/*"]),
        ("a/b;q=x", ["a/b"]),
    ],
)
def test_accept_is_ordered(header: str, order: list[str]) -> None:
    assert [found.written for found in parse_accept(header)] == order
