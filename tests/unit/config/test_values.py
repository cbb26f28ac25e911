"""How the text of a setting becomes a value."""

from __future__ import annotations

from typing import Any

import pytest

from backstay.config.values import parse_parameter, parse_size, parse_switch, parse_texts


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("50MiB", 50 * 2**20),
        ("50MB", 50 * 2**20),
        ("500KB", 500 * 2**10),
        ("1.5 GiB", 3 * 2**29),
        ("10", 10),
        ("10b", 10),
        (1024, 1024),
    ],
)
def test_sizes(text: Any, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "-1MB", "5XB", True])
def test_what_is_no_size(text: Any) -> None:
    with pytest.raises(ValueError, match="size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("value", "on"), [(True, True), ("TRUE", True), ("0", False), ("no", False), (1, True)]
)
def test_switches(value: Any, on: bool) -> None:
    assert parse_switch(value) is on


def test_texts_and_parameters() -> None:
    assert parse_texts(" a,b ,") == ("a", "b")
    assert parse_texts(["a", 1]) == ("a", "1")
    assert [parse_parameter(value) for value in (True, False, 5, "x")] == ["on", "off", "5", "x"]
