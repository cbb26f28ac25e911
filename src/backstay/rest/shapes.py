"""Plans by the shape of their request, so that most requests are neither parsed nor planned.

The shape of a query string is itself with the values of its plain filters left out. Only what
reads the same whatever the value is left out: ``column=operator.value`` with an operator that takes
all the rest, a list that could be read, arguments that cannot be operators, and the root's offset
above zero with its limit. Everything else (``select``, logic trees) stays in the shape, word for
word.

A limit without an offset stays too, and becomes part of the SQL: PostgreSQL plans a ``LIMIT $1``
anew at every execution. ``PlanCache.admits`` bounds how many limits a query may have that way; the
root's is left out beyond that.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Generic, TypeVar

from backstay.catalog.model import Snapshot
from backstay.rest.filters import SINGLE_VALUED, list_value
from backstay.rest.holes import SlotValue
from backstay.rest.query_params import LAST_WORDS, LONG, RESERVED, decoded
from backstay.rest.syntax import Scanner, Unparsed

V = TypeVar("V")

Shape = tuple[object, ...]

Values = tuple[SlotValue | None, ...]
"""What each parameter of a query leaves open; None where all of it belongs to the shape."""

HEADERS = ("accept", "prefer", "range", "content-type", "accept-profile", "content-profile")
"""The headers that decide how a request is understood."""

_OPEN = "\0"
"""Stands in a shape for what was left out; no query holds it, so nothing else can look like it."""

_OPEN_LIMIT = f"limit={_OPEN}"
_OPEN_OFFSET = f"offset={_OPEN}"
_LIMITS = 16
"""How many sets of limits one query may have as part of its SQL."""

_LONG = 8192
"""Characters of a shape that is seldom asked for twice."""

_COUNT = re.compile(r"[1-9][0-9]{0,8}\Z")
_NEVER_OPERATOR = frozenset('0123456789-{["')


def shape_of(
    method: str, path: str, query: str, headers: Mapping[str, str]
) -> tuple[Shape, Values]:
    """The shape of a request, and the values that were left out, by their place in the query."""
    parts: list[str] = []
    values: list[SlotValue | None] = []
    known = _known_split
    if query:
        call = path.startswith("/rpc/") and method != "POST"
        if ";" in query:
            query = query.replace(";", "&")
        for part in query.split("&"):
            if not part:
                continue
            kept, value = known(part, call) if len(part) <= LONG else _split(part, call)
            parts.append(kept)
            values.append(value)
        if _OPEN_OFFSET in parts:
            parts = [_without_limit(part) for part in parts]
    return (method, path, *parts, *map(headers.get, HEADERS)), tuple(values)


def _split(part: str, call: bool) -> tuple[str, SlotValue | None]:
    """What of a parameter belongs to the shape, and what it leaves open."""
    key, _, text = part.partition("=")
    if key in ("limit", "offset") and _COUNT.match(text):
        return part if key == "limit" else _OPEN_OFFSET, text
    if key in RESERVED or key.rpartition(".")[2] in LAST_WORDS or "%" in key or "+" in key:
        return part, None
    operator, dot, rest = text.partition(".")
    if operator == "not" and dot:
        operator, dot, rest = rest.partition(".")
        kept = f"{key}=not.{operator}.{_OPEN}"
    else:
        kept = f"{key}={operator}.{_OPEN}"
    if dot and operator in SINGLE_VALUED:
        return kept, decoded(rest)
    if dot and operator == "in":
        elements = _elements(rest)
        return (kept, elements) if elements else (part, None)
    if call and text and (text[0] in _NEVER_OPERATOR or not ("." in text or "%" in text)):
        return f"{key}={_OPEN}", decoded(text)
    return part, None


def _without_limit(part: object) -> str:
    text = str(part)
    return _OPEN_LIMIT if text.startswith("limit=") and _COUNT.match(text[6:]) else text


def with_open_limit(shape: Shape) -> Shape:
    """``shape`` with the root's limit left out."""
    end = -len(HEADERS)
    return (*shape[:2], *map(_without_limit, shape[2:end]), *shape[end:])


def open_slots(shape: Shape, values: Values) -> set[int]:
    """The places of the query that ``shape`` leaves open."""
    return {
        slot
        for slot, (part, value) in enumerate(zip(shape[2:], values, strict=False))
        if value is not None and (part == _OPEN_LIMIT or not str(part).startswith("limit="))
    }


_known_split = lru_cache(maxsize=2048)(_split)


def _elements(text: str) -> tuple[str, ...] | None:
    """The elements of a list; None for one that is empty or cannot be read."""
    try:
        elements = list_value(Scanner(decoded(text), careful=False))
    except Unparsed:
        return None
    return None if elements == ("",) else elements


def _length(shape: Shape) -> int:
    """Characters of ``shape``: what its plan takes in memory grows with them, about 50 B each."""
    return sum(len(part) for part in shape if isinstance(part, str))


class PlanCache(Generic[V]):
    """The newest plans of the present snapshot; another snapshot empties it.

    At most ``bound`` plans, whose shapes have at most ``characters`` together: a query of the
    longest length there may be takes some MB, and a client can write any number of them.
    """

    def __init__(self, bound: int = 1024, characters: int = 1 << 20) -> None:
        self._bound = bound
        self._characters = characters
        self._length = 0
        self._snapshot: Snapshot | None = None
        self._plans: OrderedDict[Shape, V] = OrderedDict()
        self._limits: OrderedDict[Shape, set[Shape]] = OrderedDict()

    def get(self, snapshot: Snapshot, shape: Shape) -> V | None:
        if snapshot is not self._snapshot:
            self._plans.clear()
            self._limits.clear()
            self._length = 0
            self._snapshot = snapshot
            return None
        found = self._plans.get(shape)
        if found is not None:
            self._plans.move_to_end(shape)
        return found

    def put(self, snapshot: Snapshot, shape: Shape, plan: V) -> None:
        if snapshot is not self._snapshot:
            return
        if shape not in self._plans:
            self._length += _length(shape)
        self._plans[shape] = plan
        while len(self._plans) > self._bound or self._length > self._characters:
            oldest, _ = self._plans.popitem(last=False)
            self._length -= _length(oldest)

    def admits(self, shape: Shape) -> bool:
        """Whether the limits of ``shape`` may become part of its SQL.

        Only so many may for requests that are alike but for their limits, or a client that varies
        them would push everything else out of this cache and of those of the connections. Those of
        a long shape never do: it would have to be remembered, too.
        """
        if _length(shape) > _LONG:
            return False
        family, limits = _limits_of(shape)
        known = self._limits.setdefault(family, set())
        self._limits.move_to_end(family)
        if len(self._limits) > self._bound:
            self._limits.popitem(last=False)
        if len(known) < _LIMITS:
            known.add(limits)
        return limits in known


def _limits_of(shape: Shape) -> tuple[Shape, Shape]:
    """``shape`` without anything that limits rows, and what that is."""
    family = list(shape)
    limits: list[object] = []
    for place, part in enumerate(shape[2 : -len(HEADERS)], start=2):
        key = decoded(str(part).partition("=")[0])
        if key.rpartition(".")[2] == "limit":
            limits.append(part)
            family[place] = key
    place = HEADERS.index("range") - len(HEADERS)
    limits.append(family[place])
    family[place] = None
    return tuple(family), tuple(limits)
