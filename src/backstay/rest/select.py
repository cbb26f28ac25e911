"""``select``, ``order``, ``columns`` and ``on_conflict``: the grammar of lists of columns.

https://docs.postgrest.org/en/stable/references/api/tables_views.html
"""

from __future__ import annotations

import re
from typing import Literal, cast

from backstay.rest import names
from backstay.rest.intent import (
    Aggregate,
    Field,
    JoinType,
    OrderTerm,
    SelectField,
    SelectItem,
    SelectRelation,
)
from backstay.rest.syntax import Scanner

_COLON = re.compile(":")
_PLAIN_ITEM = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*|\*)(?=[,)]|\Z)")


def select_list(scan: Scanner) -> tuple[SelectItem, ...]:
    """Items between commas, possibly none."""
    start = scan.pos
    first = scan.optional(lambda: _item(scan))
    if first is None and scan.pos == start:
        return ()
    items = [] if first is None else [first]
    while scan.optional(lambda: _comma(scan)) is not None:
        items.append(_item(scan))
    return tuple(items)


def _comma(scan: Scanner) -> str:
    scan.blanks()
    found = scan.char(",")
    scan.blanks()
    return found


def _item(scan: Scanner) -> SelectItem:
    if not scan.careful and _PLAIN_ITEM.match(scan.text, scan.pos):
        return _field_item(scan)

    def embedded(head: SelectRelation) -> SelectItem:
        scan.char("(")
        children = scan.nested(lambda: select_list(scan))
        scan.char(")")
        return SelectRelation(head.name, children, head.alias, head.hint, head.join, head.spread)

    return scan.either(
        lambda: embedded(scan.attempt(lambda: _spread_head(scan))),
        lambda: embedded(scan.attempt(lambda: _relation_head(scan))),
        lambda: _field_item(scan),
    )


def _alias(scan: Scanner) -> str | None:
    def alias() -> str:
        name = names.field_name(scan)
        scan.char(":")
        scan.not_before(_COLON)
        return name

    return scan.optional(lambda: scan.attempt(alias))


def _relation_head(scan: Scanner) -> SelectRelation:
    scan.blanks()
    alias = _alias(scan)
    name = names.field_name(scan)
    if name == "count":
        raise scan.fail()
    return _embedding(scan, name, alias, spread=False)


def _spread_head(scan: Scanner) -> SelectRelation:
    scan.blanks()
    scan.word("...")
    return _embedding(scan, names.field_name(scan), None, spread=True)


def _embedding(scan: Scanner, name: str, alias: str | None, *, spread: bool) -> SelectRelation:
    hint: str | None = None
    join: JoinType = ""
    for _ in range(2):
        found = scan.optional(lambda: _embed_parameter(scan))
        if found is None:
            break
        kind, value = found
        if kind == "join":
            join = join or cast("JoinType", value)
        else:
            hint = hint or value
    if not scan.starts("("):
        scan.char("(")
    scan.blanks()
    return SelectRelation(name, (), alias, hint, join, spread)


def _embed_parameter(scan: Scanner) -> tuple[str, str]:
    scan.char("!")
    return scan.either(
        lambda: ("join", scan.one_of("left", "inner")),
        lambda: ("hint", scan.attempt(lambda: names.field_name(scan))),
    )


def _field_item(scan: Scanner) -> SelectField:
    if not scan.careful and (plain := _PLAIN_ITEM.match(scan.text, scan.pos)):
        scan.pos = plain.end()
        return SelectField(Field(plain.group()))
    scan.blanks()
    found = scan.either(
        lambda: scan.attempt(lambda: _star(scan)),
        lambda: scan.attempt(lambda: _count(scan)),
        lambda: _column(scan),
    )
    scan.blanks()
    return found


def _star(scan: Scanner) -> SelectField:
    scan.word("*")
    scan.ends(")", ",")
    return SelectField(Field("*"))


def _count(scan: Scanner) -> SelectField:
    alias = _alias(scan)
    scan.word("count()")
    aggregate_cast = _cast(scan)
    scan.ends(")", ",")
    return SelectField(Field("*"), alias, aggregate="count", aggregate_cast=aggregate_cast)


def _column(scan: Scanner) -> SelectField:
    alias = _alias(scan)
    column = names.field(scan)
    type_cast = _cast(scan)
    aggregate = scan.optional(lambda: scan.attempt(lambda: _aggregate(scan)))
    aggregate_cast = _cast(scan)
    scan.ends(")", ",")
    return SelectField(column, alias, type_cast, aggregate, aggregate_cast)


def _cast(scan: Scanner) -> str | None:
    def found() -> str:
        scan.word("::")
        return names.identifier(scan)

    return scan.optional(found)


def _aggregate(scan: Scanner) -> Aggregate:
    scan.char(".")
    name = scan.one_of("sum", "avg", "count", "max", "min")
    scan.word("()")
    return cast("Aggregate", name)


def order_list(scan: Scanner) -> tuple[OrderTerm, ...]:
    """``column.direction.nulls`` between commas; ``relation(column)`` for an embedded one."""

    def term() -> OrderTerm:
        scan.blanks()
        found = scan.either(
            lambda: scan.attempt(lambda: _related_order(scan)), lambda: _plain_order(scan)
        )
        scan.blanks()
        return found

    return tuple(scan.separated(term, lambda: scan.char(",")))


def _plain_order(scan: Scanner) -> OrderTerm:
    column = names.field(scan)
    return OrderTerm(column, None, *_order_modifiers(scan))


def _related_order(scan: Scanner) -> OrderTerm:
    relation = names.field_name(scan)
    scan.char("(")
    column = names.field(scan)
    scan.char(")")
    return OrderTerm(column, relation, *_order_modifiers(scan))


def _order_modifiers(
    scan: Scanner,
) -> tuple[Literal["", "asc", "desc"], Literal["", "nullsfirst", "nullslast"]]:
    direction = _dotted(scan, "asc", "desc")
    nulls = _dotted(scan, "nullsfirst", "nullslast")
    scan.ends(",")
    return (
        cast("Literal['', 'asc', 'desc']", direction),
        cast("Literal['', 'nullsfirst', 'nullslast']", nulls),
    )


def _dotted(scan: Scanner, *words: str) -> str:
    def found() -> str:
        names.delimiter(scan)
        return scan.one_of(*words)

    return scan.optional(lambda: scan.attempt(found)) or ""


def column_list(scan: Scanner) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(scan.separated(lambda: names.field_name(scan), lambda: _comma(scan)))
