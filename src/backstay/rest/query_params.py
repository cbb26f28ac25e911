"""The query string: split, decoded, and each parameter read by the grammar it belongs to.

Pure: the same text gives the same ``QueryParams``, whatever is in the database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import TypeVar
from urllib.parse import quote_from_bytes, unquote_to_bytes

from backstay.rest import errors
from backstay.rest.filters import condition, logic_path, logic_tree, whole_value
from backstay.rest.intent import (
    Argument,
    EmbedPath,
    Field,
    Filter,
    Logic,
    OrderTerm,
    QueryParams,
    SelectField,
    SelectItem,
)
from backstay.rest.names import delimiter, field_name, json_path
from backstay.rest.ranges import ALL, Range, intersection
from backstay.rest.select import column_list, order_list, select_list
from backstay.rest.syntax import ParseError, Scanner, parsed

T = TypeVar("T")

_UNCHANGED = re.compile(r"[A-Za-z0-9_.~-]*(?:=[A-Za-z0-9_.~-]*)?\Z")
_INTEGER = re.compile(r"\s*(-?[0-9]{1,18})\s*\Z")
RESERVED = frozenset({"select", "columns", "on_conflict", "apikey"})
_DISTINCT = "distinct"
LAST_WORDS = frozenset({"order", "limit", "offset", "and", "or"})

Pair = tuple[str, str | None]

_KEY = itemgetter(0)
LONG = 200
"""Characters from which on a parameter is not remembered: lists may be of any length."""


def split_query(query: str) -> list[Pair]:
    """Decoded (key, value) pairs in order; the value is None where there is no ``=``."""
    pairs: list[Pair] = []
    for part in query.replace(";", "&").split("&"):
        if part:
            key, equals, value = part.partition("=")
            pairs.append((decoded(key), decoded(value) if equals else None))
    return pairs


def decoded(text: str) -> str:
    """``text`` without percent-encoding; a wrong escape stays, wrong UTF-8 becomes U+FFFD."""
    if "%" not in text and "+" not in text and text.isascii():
        return text
    raw = unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "replace")


def canonical_query(query: str) -> str:
    """The query sorted by key and encoded anew; values of a repeated key are joined by commas."""
    parts = [
        _known_canonical(part) if len(part) <= LONG else _canonical(part)
        for part in query.replace(";", "&").split("&")
        if part
    ]
    parts.sort(key=_KEY)
    written: list[str] = []
    last: bytes | None = None
    for key, pair, value in parts:
        if key == last:
            written[-1] += f",{value}"
        else:
            written.append(pair)
        last = key
    return "&".join(written)


def _canonical(part: str) -> tuple[bytes, str, str]:
    """The key, the pair encoded anew, and the value encoded anew."""
    if _UNCHANGED.match(part):
        name, equals, value = part.partition("=")
        return name.encode(), part if equals else f"{part}=", value
    name, _, value = part.replace("+", " ").partition("=")
    key, value = _raw(name), quote_from_bytes(_raw(value), safe="")
    return key, f"{quote_from_bytes(key, safe='')}={value}", value


_known_canonical = lru_cache(maxsize=2048)(_canonical)


def _raw(text: str) -> bytes:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape"))


def parse_query(
    query: str,
    open_slots: Container[int] = (),
    *,
    read_only_call: bool = False,
    distinct: bool = False,
) -> QueryParams:
    """Read a query string.

    ``open_slots``: the parameters whose values the plan is to leave open. ``read_only_call``: a
    parameter without an operator is an argument of a function. ``distinct``: that is the name of a
    parameter, not of a column. Raises ``RestError`` PGRST100.
    """
    pairs = split_query(query)
    select = _first(pairs, "select")
    columns = _first(pairs, "columns")
    on_conflict = _first(pairs, "on_conflict")
    filters: list[tuple[EmbedPath, Filter]] = []
    arguments: list[Argument] = []
    orders: list[tuple[EmbedPath, tuple[OrderTerm, ...]]] = []
    logic: list[tuple[EmbedPath, Logic]] = []
    names: set[str] = set()
    for place, (key, value) in enumerate(pairs):
        if value is None or key in RESERVED or (distinct and key == _DISTINCT):
            continue
        slot = place if place in open_slots else -1
        last = key.rpartition(".")[2]
        if last not in LAST_WORDS:
            found = _filter(key, value, slot, read_only_call=read_only_call)
            if isinstance(found, Argument):
                arguments.append(found)
            else:
                filters.append(found)
            names.add(key)
        elif last == "order":
            terms = _parsed(value, f"failed to parse order ({value})", order_list)
            orders.append((_tree_path(key)[0], terms))
        elif last in ("and", "or"):
            logic.append(_logic(key, value))
    return QueryParams(
        select=(SelectField(Field("*")),) if select is None else _select(select),
        filters=tuple(filters),
        logic=tuple(logic),
        orders=tuple(orders),
        ranges=ranges_of(pairs),
        columns=None if columns is None else frozenset(_columns(columns)),
        on_conflict=None if on_conflict is None else _conflict_columns(on_conflict),
        arguments=tuple(arguments),
        distinct=_distinct(_first(pairs, _DISTINCT)) if distinct else None,
        filter_names=frozenset(names),
    )


def embed_path(key: str) -> EmbedPath:
    """The embedded resource that ``clients.limit`` is about. Raises ``RestError`` PGRST100."""
    return _tree_path(key)[0]


def _first(pairs: list[Pair], name: str) -> str | None:
    return next((value for key, value in pairs if key == name), None)


def _parsed(text: str, what: str, grammar: Callable[[Scanner], T]) -> T:
    try:
        return parsed(text, what, grammar)
    except ParseError as error:
        raise errors.unparsed(error.message, error.details) from None


def _select(text: str) -> tuple[SelectItem, ...]:
    return _parsed(text, f"failed to parse select parameter ({text})", select_list)


def _columns(text: str) -> tuple[str, ...]:
    return _parsed(text, f"failed to parse columns parameter ({text})", column_list)


def _distinct(text: str | None) -> tuple[str, ...] | None:
    if text is None or text == "false":
        return None
    if text == "true":
        return ()

    def whole(scan: Scanner) -> tuple[str, ...]:
        names = column_list(scan)
        scan.ends()
        return names

    return _parsed(text, f"failed to parse distinct parameter ({text})", whole)


def _conflict_columns(text: str) -> tuple[str, ...]:
    return _parsed(text, f"failed to parse on_conflict parameter ({text})", column_list)


def _tree_path(key: str) -> tuple[EmbedPath, Field]:
    def grammar(scan: Scanner) -> tuple[EmbedPath, Field]:
        words = scan.separated(lambda: field_name(scan), lambda: delimiter(scan))
        return tuple(words[:-1]), Field(words[-1], json_path(scan))

    return _parsed(key, f"failed to parse tree path ({key})", grammar)


def _filter(
    key: str, value: str, slot: int, *, read_only_call: bool
) -> tuple[EmbedPath, Filter] | Argument:
    path, field = _tree_path(key)

    def grammar(scan: Scanner) -> Filter:
        return condition(scan, field, whole_value, slot)

    def grammar_of_call(scan: Scanner) -> Filter | None:
        return scan.optional(lambda: grammar(scan))

    what = f"failed to parse filter ({value})"
    if read_only_call:
        found = _parsed(value, what, grammar_of_call)
        return Argument(field.name, value, slot) if found is None else (path, found)
    return path, _parsed(value, what, grammar)


def _logic(key: str, value: str) -> tuple[EmbedPath, Logic]:
    path, operator = _parsed(key, f"failed to parse logic path ({key})", logic_path)
    return path, _parsed(operator + value, f"failed to parse logic tree ({value})", logic_tree)


def ranges_of(pairs: Iterable[Pair]) -> dict[str, Range]:
    """Limits and offsets by key; both are put under the key of the limit."""
    ranges: dict[str, Range] = {}
    offsets: dict[str, int | None] = {}
    for key, value in pairs:
        head, dot, last = key.rpartition(".")
        if value is None or last not in ("limit", "offset"):
            continue
        match = _INTEGER.match(value)
        number = int(match.group(1)) if match else None
        if last == "offset":
            offsets[f"{head}{dot}limit"] = number
        else:
            ranges[key] = ALL if number is None else intersection(ALL, Range(0, number - 1))
    for key, offset in offsets.items():
        lower = offset or 0
        limited = ranges.get(key)
        upper = None if limited is None else lower + (limited.limit or 0) - 1
        ranges[key] = Range(lower, upper)
    return ranges
