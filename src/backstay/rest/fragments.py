"""The one builder of SQL text: columns, conditions, order, rows.

Names are quoted here; values become numbered parameters and never text.
"""

from __future__ import annotations

from collections.abc import Sequence

from backstay.catalog.model import Name
from backstay.db.model import Param
from backstay.db.quote import quote_ident
from backstay.rest import errors
from backstay.rest.holes import LIMIT, OFFSET, Hole, array_literal, as_parameter
from backstay.rest.intent import Filter, JsonStep
from backstay.rest.planned import (
    ColumnRef,
    Condition,
    EmbedPresence,
    Join,
    Order,
    Selected,
    Where,
)
from backstay.rest.ranges import ALL, Range

_OPERATORS = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "like": "like",
    "ilike": "ilike",
    "match": "~",
    "imatch": "~*",
    "cs": "@>",
    "cd": "<@",
    "ov": "&&",
    "sl": "<<",
    "sr": ">>",
    "nxr": "&<",
    "nxl": "&>",
    "adj": "-|-",
    "isdistinct": "IS DISTINCT FROM",
}
_PATTERNS = frozenset({"like", "ilike"})
_SEARCHES = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
_IS = {
    "null": "NULL",
    "not_null": "NOT NULL",
    "true": "TRUE",
    "false": "FALSE",
    "unknown": "UNKNOWN",
}
_NULLS = {"nullsfirst": " NULLS FIRST", "nullslast": " NULLS LAST"}


class Parameters:
    """The parameters of one statement, in the order of their numbers.

    ``settled``: values that could have been left open became constants, so that the statement
    serves one request only. ``literal_limits``: the limits of this statement are among the few that
    are part of its text.
    """

    __slots__ = ("holes", "literal_limits", "settled")

    def __init__(self, *, literal_limits: bool = False) -> None:
        self.holes: list[Hole] = []
        self.literal_limits = literal_limits
        self.settled = False

    def hole(self, hole: Hole) -> str:
        """The placeholder of a new parameter."""
        self.holes.append(hole)
        return f"${len(self.holes)}"

    def constant(self, value: Param) -> str:
        if isinstance(value, str) and "\0" in value:
            raise errors.nul_byte()
        return self.hole(Hole("constant", constant=value))

    def value(self, condition: Filter) -> str:
        """The value of a condition, taken from the query string where it has a place there."""
        value = condition.value
        pattern = condition.operator in _PATTERNS
        kind = "list" if isinstance(value, tuple) else "pattern" if pattern else "value"
        if condition.slot < 0:
            return self.constant(as_parameter(kind, value))
        as_parameter(kind, value)
        return self.hole(Hole(kind, condition.slot))  # type: ignore[arg-type]


def qualified(name: Name) -> str:
    prefix = f"{quote_ident(name.schema)}." if name.schema else ""
    return prefix + quote_ident(name.name)


def column(table: Name, name: str) -> str:
    return f"{qualified(table)}.{'*' if name == '*' else quote_ident(name)}"


def reference(table: Name, ref: ColumnRef, parameters: Parameters) -> str:
    """A column with its JSON path, as text to search in where it is searched."""
    if ref.whole_row:
        return quote_ident(table.name)
    text = column(table, ref.name)
    if ref.path:
        text = f"to_jsonb({text})" if ref.to_json else text
        text += "".join(_step(step, parameters) for step in ref.path)
    if ref.search is None:
        return text
    return f"to_tsvector({_language(ref.search.language, parameters)}{text})"


def _step(step: JsonStep, parameters: Parameters) -> str:
    operand = parameters.constant(step.key)
    return f"{'->>' if step.text else '->'}{operand}{'::int' if step.index else ''}"


def _language(language: str | None, parameters: Parameters) -> str:
    return "" if language is None else f"{parameters.constant(language)}, "


def selected(table: Name, item: Selected, parameters: Parameters) -> str:
    """One item of a select list, with casts, aggregate and alias."""
    text = reference(table, item.column, parameters)
    if item.column.transform:
        text = f"{item.column.transform}({text})"
    text = cast(text, item.cast)
    if item.aggregate:
        text = cast(f"{item.aggregate.upper()}({text})", item.aggregate_cast)
    return text if item.alias is None else f"{text} AS {quote_ident(item.alias)}"


def cast(text: str, target: str | None) -> str:
    """``target`` is not quoted, which would keep ``int`` and the like from being found; the
    grammar lets only letters, digits, ``_``, ``$`` and spaces through."""
    return text if target is None else f"CAST( {text} AS {target} )"


# -- conditions -------------------------------------------------------------------------------


def condition(table: Name, found: Where, parameters: Parameters) -> str:
    """A condition or a group of them, over the rows of ``table``."""
    if isinstance(found, EmbedPresence):
        verb = "IS DISTINCT FROM" if found.present else "IS NOT DISTINCT FROM"
        return f"{quote_ident(found.alias)} {verb} NULL"
    if isinstance(found, Condition):
        return comparison(table, found, parameters)
    parts = [condition(table, child, parameters) for child in found.children]
    return grouped(found.operator, parts, negated=found.negated)


def grouped(operator: str, parts: Sequence[str], *, negated: bool) -> str:
    return f"{'NOT ' if negated else ''}({f' {operator.upper()} '.join(parts)})"


def comparison(table: Name, found: Condition, parameters: Parameters) -> str:
    asked, ref = found.filter, found.column
    left = reference(table, ref, parameters)
    right = _right_side(asked, ref, parameters)
    return f"{'NOT ' if asked.negated else ''}{left} {right}"


def _right_side(asked: Filter, ref: ColumnRef, parameters: Parameters) -> str:
    operator = asked.operator
    if operator == "is":
        return f"IS {_IS[str(asked.value)]}"
    if operator == "in":
        return f"= {_any_of(asked, ref, parameters)}"
    if operator in _SEARCHES:
        language = _language(asked.language, parameters)
        return f"@@ {_SEARCHES[operator]}({language}{parameters.value(asked)})"
    value = parameters.value(asked)
    if ref.transform and operator not in _PATTERNS and operator != "isdistinct":
        value = f"{ref.transform}({value})"
    if asked.quantifier:
        value = f"{asked.quantifier.upper()}({value})"
    return f"{_OPERATORS[operator]} {value}"


def _any_of(asked: Filter, ref: ColumnRef, parameters: Parameters) -> str:
    """``= ANY`` of an array, since a list of parameters would be another statement per length."""
    if asked.value == ("",):
        return "ANY('{}')"
    value = parameters.value(asked)
    if ref.transform:
        return f"ANY (SELECT {ref.transform}(unnest({value}::text[])))"
    return f"ANY ({value})"


def join(found: Join) -> str:
    return f"{column(*found.left)} = {column(*found.right)}"


def where_clause(parts: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(parts)}" if parts else ""


# -- order and rows ---------------------------------------------------------------------------


def order_clause(table: Name, orders: Sequence[Order], parameters: Parameters) -> str:
    if not orders:
        return ""
    return " ORDER BY " + ", ".join(_order(table, each, parameters) for each in orders)


def _order(table: Name, order: Order, parameters: Parameters) -> str:
    of = table if order.relation is None else Name("", order.relation)
    direction = f" {order.direction.upper()}" if order.direction else ""
    return reference(of, order.column, parameters) + direction + _NULLS.get(order.nulls, "")


def rows_clause(rows: Range, parameters: Parameters, *, left_open: bool = False) -> str:
    """``left_open``: each request of the shape says which rows, but not whether to limit them.

    PostgreSQL never settles on one plan for a limit or an offset it does not know, and plans anew
    at every execution. So a limit is written out where it can be, as a number; with an offset left
    open that gains nothing.
    https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES
    """
    if left_open:
        limit = "ALL" if rows.limit is None else parameters.hole(LIMIT)
        return f" LIMIT {limit} OFFSET {parameters.hole(OFFSET)}"
    if rows == ALL:
        return ""
    if rows.lower == 0 and rows.limit is not None and parameters.literal_limits:
        return f" LIMIT {rows.limit:d}"
    limit = "ALL" if rows.limit is None else parameters.constant(str(rows.limit))
    return f" LIMIT {limit} OFFSET {parameters.constant(str(rows.lower))}"


def text_array(values: Sequence[str], parameters: Parameters) -> str:
    return parameters.constant(array_literal(values))
