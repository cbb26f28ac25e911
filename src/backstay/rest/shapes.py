"""Plans by the shape of their request, so that most requests are neither parsed nor planned.

The shape of a query string is itself with the values of its plain filters left out. Only what
reads the same whatever the value is left out: ``column=operator.value`` with an operator that takes
all the rest, a list that could be read, arguments that cannot be operators, and the root's limit
and offset above zero. Everything else (``select``, logic trees) stays in the shape, word for word.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Generic, TypeVar

from backstay.catalog.model import Snapshot
from backstay.rest.filters import SINGLE_VALUED, list_value
from backstay.rest.holes import SlotValue
from backstay.rest.query_params import LAST_WORDS, RESERVED, decoded
from backstay.rest.syntax import Scanner, Unparsed

V = TypeVar("V")

Shape = tuple[object, ...]

Values = tuple[SlotValue | None, ...]
"""What each parameter of a query leaves open; None where all of it belongs to the shape."""

HEADERS = ("accept", "prefer", "range", "content-type", "accept-profile", "content-profile")
"""The headers that decide how a request is understood."""

_COUNT = re.compile(r"[1-9][0-9]{0,8}\Z")
_NEVER_OPERATOR = frozenset('0123456789-{["')


def shape_of(
    method: str, path: str, query: str, headers: Mapping[str, str]
) -> tuple[Shape, Values]:
    """The shape of a request, and the values that were left out, by their place in the query."""
    parts: list[str] = []
    values: list[SlotValue | None] = []
    if query:
        call = path.startswith("/rpc/") and method != "POST"
        if ";" in query:
            query = query.replace(";", "&")
        for part in query.split("&"):
            if part:
                kept, value = _split(part, call=call)
                parts.append(kept)
                values.append(value)
    get = headers.get
    return (method, path, *parts, *[get(name) for name in HEADERS]), tuple(values)


def _split(part: str, *, call: bool) -> tuple[str, SlotValue | None]:
    """What of a parameter belongs to the shape, and what it leaves open."""
    key, _, text = part.partition("=")
    if key in ("limit", "offset") and _COUNT.match(text):
        return f"{key}=", text
    if key in RESERVED or key.rpartition(".")[2] in LAST_WORDS or "%" in key or "+" in key:
        return part, None
    operator, dot, rest = text.partition(".")
    if operator == "not" and dot:
        operator, dot, rest = rest.partition(".")
        kept = f"{key}=not.{operator}."
    else:
        kept = f"{key}={operator}."
    if dot and operator in SINGLE_VALUED:
        return kept, decoded(rest)
    if dot and operator == "in":
        elements = _elements(rest)
        return (kept, elements) if elements else (part, None)
    if call and text and (text[0] in _NEVER_OPERATOR or not ("." in text or "%" in text)):
        return f"{key}=", decoded(text)
    return part, None


def _elements(text: str) -> tuple[str, ...] | None:
    """The elements of a list; None for one that is empty or cannot be read."""
    try:
        elements = list_value(Scanner(decoded(text), careful=False))
    except Unparsed:
        return None
    return None if elements == ("",) else elements


class PlanCache(Generic[V]):
    """The newest plans of the present snapshot; another snapshot empties it."""

    def __init__(self, bound: int = 1024) -> None:
        self._bound = bound
        self._snapshot: Snapshot | None = None
        self._plans: OrderedDict[Shape, V] = OrderedDict()

    def get(self, snapshot: Snapshot, shape: Shape) -> V | None:
        if snapshot is not self._snapshot:
            self._plans.clear()
            self._snapshot = snapshot
            return None
        found = self._plans.get(shape)
        if found is not None:
            self._plans.move_to_end(shape)
        return found

    def put(self, snapshot: Snapshot, shape: Shape, plan: V) -> None:
        if snapshot is not self._snapshot:
            return
        self._plans[shape] = plan
        if len(self._plans) > self._bound:
            self._plans.popitem(last=False)
