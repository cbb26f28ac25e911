"""Ranges of rows: ``limit`` and ``offset``, the ``Range`` header, and ``Content-Range``.

https://docs.postgrest.org/en/stable/references/api/pagination_count.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Range:
    """Rows ``lower`` to ``upper``, both included and counted from 0; no ``upper`` means to the end.

    ``limit=0`` is the one empty range that may be asked for; it is written as 0 to -1.
    """

    lower: int = 0
    upper: int | None = None

    @property
    def empty(self) -> bool:
        return self.upper is not None and self.upper < self.lower

    @property
    def limit(self) -> int | None:
        return None if self.upper is None else 1 + self.upper - self.lower

    @property
    def asks_for_nothing(self) -> bool:
        return self.upper == -1


ALL = Range()
NOTHING = Range(0, -1)
_HEADER = re.compile(r"([0-9]{1,18})-([0-9]{0,18})\Z")


def intersection(one: Range, other: Range) -> Range:
    """The rows in both; some empty range when there are none."""
    uppers = [upper for upper in (one.upper, other.upper) if upper is not None]
    return Range(max(one.lower, other.lower), min(uppers) if uppers else None)


def header_range(value: str | None) -> Range:
    """The rows a ``Range`` header asks for; what is not a range of rows is ignored."""
    match = _HEADER.match(value) if value else None
    if match is None:
        return ALL
    lower, upper = match.groups()
    return Range(int(lower), int(upper) if upper else None)


@lru_cache(maxsize=1024)
def restricted(rows: Range, limit: int | None) -> Range:
    """``rows``, but at most ``limit`` of them."""
    if rows.asks_for_nothing:
        return NOTHING
    if limit is None:
        return rows
    return intersection(rows, Range(rows.lower, rows.lower + limit - 1))


def content_range(lower: int, upper: int, total: int | None) -> str:
    """The value of ``Content-Range``: ``0-14/15``, ``*/0``, ``0-9/*``."""
    rows = f"{lower}-{upper}" if total != 0 and lower <= upper else "*"
    return f"{rows}/{'*' if total is None else total}"


def range_status(lower: int, upper: int, total: int | None) -> int:
    """200; 206 when the total is known and there are more rows; 416 beyond the last."""
    if total is None:
        return 200
    if lower > total:
        return 416
    return 206 if 1 + upper - lower < total else 200
