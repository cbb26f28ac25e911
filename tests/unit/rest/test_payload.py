from __future__ import annotations

import tracemalloc

import pytest

from backstay.rest import media
from backstay.rest.errors import RestError
from backstay.rest.intent import Payload
from backstay.rest.payload import parse_payload


def test_json_passes_through_untouched() -> None:
    body = b' {"b": 1.10,\n "a": [null]} '
    assert parse_payload(body, media.JSON, "insert", None) == Payload(
        body, frozenset({"a", "b"}), is_object=True
    )


def test_columns_spare_looking() -> None:
    found = parse_payload(b"\n[ not json", media.JSON, "insert", frozenset({"a"}))
    assert found == Payload(b"\n[ not json", frozenset({"a"}))
    assert parse_payload(b" {", media.JSON, "update", frozenset({"a"})).is_object


@pytest.mark.parametrize("body", [b"[]", b"null", b"12", b'"text"'])
def test_what_has_no_rows(body: bytes) -> None:
    assert parse_payload(body, media.JSON, "insert", None) == Payload(b"[]")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Empty or invalid json"),
        (b"{", "Empty or invalid json"),
        (b'{"a":\xff}', "Empty or invalid json"),
        (b"[" * 100_000, "Empty or invalid json"),
        (b'[{"a":1},{"b":1}]', "All object keys must match"),
        (b'[{"a":1},5]', "All object keys must match"),
        (b"[5]", "All object keys must match"),
    ],
)
def test_json_that_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(RestError, match=message) as caught:
        parse_payload(body, media.JSON, "insert", None)
    assert caught.value.code == "PGRST102"


def test_a_call_without_body_has_no_arguments() -> None:
    assert parse_payload(b"", media.JSON, "call", None) == Payload(b"{}", is_object=True)


def test_csv() -> None:
    found = parse_payload(b'a,b\n1,NULL\n"x, ""y""",\n', media.CSV, "insert", None)
    assert found.keys == {"a", "b"}
    assert found.raw == b'[{"a":"1","b":null},{"a":"x, \\"y\\"","b":""}]'


@pytest.mark.parametrize("body", [b"a", b"a,b\r\n", b"\na\n\n"])
def test_csv_without_rows(body: bytes) -> None:
    assert parse_payload(body, media.CSV, "insert", None) == Payload(b"[]")


def test_csv_takes_little_more_memory_than_its_body() -> None:
    body = b"title\n" + b"x\n" * 200_000
    tracemalloc.start()
    try:
        parse_payload(body, media.CSV, "insert", None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50 * len(body), "was 250 times the body"


@pytest.mark.parametrize("body", [b"", b"a,b\n1\n", b'a\n"', b"a\n\xff"])
def test_csv_that_is_refused(body: bytes) -> None:
    with pytest.raises(RestError) as caught:
        parse_payload(body, media.CSV, "insert", None)
    assert caught.value.code == "PGRST102"


def test_forms() -> None:
    body = b"a=1&b=x+y&a=2"
    assert parse_payload(body, media.URL_ENCODED, "call", None).pairs == (
        ("a", "1"),
        ("b", "x y"),
        ("a", "2"),
    )
    assert parse_payload(body, media.URL_ENCODED, "insert", None).raw == b'{"a":"2","b":"x y"}'


def test_raw_bodies_are_for_functions() -> None:
    assert parse_payload(b"\0\xff", media.OCTET_STREAM, "call", None).raw == b"\\x00ff"
    assert parse_payload(b"<a/>", media.XML, "call", None).raw == b"<a/>"
    with pytest.raises(RestError, match="Content-Type not acceptable: text/xml"):
        parse_payload(b"<a/>", media.XML, "insert", None)


@pytest.mark.parametrize("content", [media.TEXT, media.XML])
def test_a_nul_byte_never_cuts_a_body(content: media.MediaType) -> None:
    with pytest.raises(RestError) as caught:
        parse_payload(b"a\0b", content, "call", None)
    assert caught.value.code == "22021"
