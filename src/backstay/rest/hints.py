""" "Perhaps you meant": the nearest name, by the measure PostgREST's hints are made with.

A name is compared by its groups of three letters, then of two; the best fifty by the cosine of
those are ordered by edit distance. Names differing only in case are the same name.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

GOOD = 0.75
"""Score from which a name may be suggested when the caller may not know that it exists."""
FAIR = 0.33
_SIZES = (3, 2)
_CANDIDATES = 50
_MAX_NAMES = 500
_MAX_LENGTH = 200


def nearest(names: Iterable[str], wanted: str, least: float = FAIR) -> str | None:
    """The name most like ``wanted``; None when none scores at least ``least``."""
    found = ranked(names, wanted, least)
    return found[0][1] if found else None


def ranked(names: Iterable[str], wanted: str, least: float = FAIR) -> list[tuple[float, str]]:
    """Names with their score (0 to 1), best first. A long name or a long list gives none."""
    known = {name.lower(): name for name in names}
    target = wanted.lower()
    if target in known:
        return [(1.0, known[target])]
    if len(known) > _MAX_NAMES or len(wanted) > _MAX_LENGTH:
        return []
    for size in _SIZES:
        found = _by_groups(known, target, size, least)
        if found:
            return found
    return []


def _by_groups(
    known: dict[str, str], target: str, size: int, least: float
) -> list[tuple[float, str]]:
    wanted = _groups(target, size)
    scored = [
        (score, name) for name in known if (score := _cosine(wanted, _groups(name, size))) > 0
    ]
    scored.sort(key=lambda entry: -entry[0])
    by_edits = [(_likeness(name, target), known[name]) for _, name in scored[:_CANDIDATES]]
    by_edits.sort(key=lambda entry: -entry[0])
    return [entry for entry in by_edits if entry[0] >= least]


def _groups(text: str, size: int) -> Counter[str]:
    letters = "".join(c for c in text if c.isalnum() or c in " ,")
    framed = f"-{letters}-"
    framed += "-" * (size - len(framed))
    return Counter(framed[start : start + size] for start in range(len(framed) - size + 1))


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    product = sum(count * other[group] for group, count in one.items())
    return product / (_length(one) * _length(other)) if product else 0.0


def _length(groups: Counter[str]) -> float:
    return math.sqrt(sum(count * count for count in groups.values()))


def _likeness(one: str, other: str) -> float:
    longest = max(len(one), len(other))
    return 1 - _edits(one, other) / longest if longest else 1.0


def _edits(one: str, other: str) -> int:
    """Letters to insert, drop or replace to make one of the other."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        diagonal, row[0] = row[0], place
        for column, opposite in enumerate(other, 1):
            keep = diagonal + (letter != opposite)
            diagonal = row[column]
            row[column] = min(row[column] + 1, row[column - 1] + 1, keep)
    return row[-1]
