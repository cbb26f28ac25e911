from __future__ import annotations

import pytest

from backstay.rest.ranges import (
    ALL,
    NOTHING,
    Range,
    content_range,
    header_range,
    intersection,
    range_status,
    restricted,
)


@pytest.mark.parametrize(
    ("value", "rows"),
    [("0-9", Range(0, 9)), ("10-", Range(10)), (None, ALL), ("bytes=0-1", ALL), ("x", ALL)],
)
def test_header(value: str | None, rows: Range) -> None:
    assert header_range(value) == rows


def test_a_reversed_header_is_empty() -> None:
    assert header_range("5-2").empty


def test_restricting() -> None:
    assert restricted(ALL, 10) == Range(0, 9)
    assert restricted(Range(5, 100), 10) == Range(5, 14)
    assert restricted(Range(5, 7), 10) == Range(5, 7)
    assert restricted(NOTHING, 10) == NOTHING
    assert restricted(Range(3), None) == Range(3)


def test_intersection_of_open_ranges_is_open() -> None:
    assert intersection(Range(3), Range(5)) == Range(5)


@pytest.mark.parametrize(
    ("lower", "upper", "total", "text", "status"),
    [
        (0, 14, 15, "0-14/15", 200),
        (0, 4, 15, "0-4/15", 206),
        (0, -1, 0, "*/0", 200),
        (0, 9, None, "0-9/*", 200),
        (0, -1, None, "*/*", 200),
        (20, 19, 15, "*/15", 416),
    ],
)
def test_answers(lower: int, upper: int, total: int | None, text: str, status: int) -> None:
    assert content_range(lower, upper, total) == text
    assert range_status(lower, upper, total) == status
