"""Parameters of a statement before their values are known.

The SQL of a plan depends on a request's shape only. What it leaves open are *holes*, each of which
knows how to take its value from a request: from a place in the query string, from the body, or
from the plan itself. So a plan made once serves every request of its shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from backstay.db.model import Param
from backstay.rest import errors
from backstay.rest.ranges import ALL, Range

SlotValue = str | tuple[str, ...]
"""The value at a place in the query string: the text after the operator, or a list's elements."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a parameter comes from.

    ``value`` and ``pattern`` (``*`` stands for ``%``) and ``list`` take the query's value at
    ``slot``; ``body`` takes the request's body, ``limit`` and ``offset`` the rows it asks for;
    ``constant`` is part of the plan.
    """

    kind: Literal["constant", "value", "pattern", "list", "body", "limit", "offset"]
    slot: int = -1
    constant: Param = None


BODY = Hole("body")
LIMIT = Hole("limit")
OFFSET = Hole("offset")


def fill(
    holes: Sequence[Hole], values: Sequence[SlotValue | None], body: bytes, rows: Range = ALL
) -> tuple[Param, ...]:
    """The parameters of one request, which asks for ``rows`` of the root.

    Raises ``RestError`` 22021 for a NUL byte.
    """
    filled: list[Param] = []
    for hole in holes:
        kind = hole.kind
        if kind == "constant":
            filled.append(hole.constant)
        elif kind == "body":
            filled.append(body)
        elif kind == "limit":
            filled.append(str(rows.limit))
        elif kind == "offset":
            filled.append(str(rows.lower))
        else:
            value = values[hole.slot]
            assert value is not None, "a hole takes its value from an open slot"
            filled.append(as_parameter(kind, value))
    return tuple(filled)


def as_parameter(kind: str, value: SlotValue) -> str:
    """A value as the parameter of its kind."""
    if isinstance(value, tuple):
        return array_literal(value)
    if "\0" in value:
        raise errors.nul_byte()
    return value.replace("*", "%") if kind == "pattern" else value


def array_literal(elements: Iterable[str]) -> str:
    """``elements`` as an array in text format, for PostgreSQL to find the type of.

    An element is cut at a NUL byte, as a name is.
    """
    quoted = (
        element.partition("\0")[0].replace("\\", "\\\\").replace('"', '\\"') for element in elements
    )
    return "{" + ",".join(f'"{element}"' for element in quoted) + "}"
