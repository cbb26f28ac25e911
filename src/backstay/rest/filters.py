"""The grammar of conditions: operators with their values, and trees of ``and`` and ``or``.

https://docs.postgrest.org/en/stable/references/api/tables_views.html#operators
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, cast

from backstay.rest import names
from backstay.rest.intent import EmbedPath, Field, Filter, Group, Logic
from backstay.rest.syntax import Scanner

SIMPLE = ("neq", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj")
QUANTIFIED = ("eq", "gte", "gt", "lte", "lt", "like", "ilike", "match", "imatch")
FULL_TEXT = ("fts", "plfts", "phfts", "wfts")
IS_VALUES = ("null", "not_null", "true", "false", "unknown")

SINGLE_VALUED = frozenset((*SIMPLE, *QUANTIFIED, *FULL_TEXT, "isdistinct"))
"""Operators whose value is all the rest of a query parameter, whatever it is."""

_OPERATOR = "operator (eq, gt, ...)"
_IS_VALUE = "isVal: (null, not_null, true, false, unknown)"
_PLAIN_LIST = re.compile(r"\(([^\"() \t]*)\)[ \t]*")
_LIST_ELEMENT = re.compile(r"[^,)]*")
_NEITHER_COMMA_NOR_PARENTHESIS = re.compile(r"[^,)]")
_ARRAY = re.compile(r"\{[^{}]*\}")

_PLAIN = re.compile(rf"(not\.)?({'|'.join((*SIMPLE, *QUANTIFIED, *FULL_TEXT))})\.")

Value = Callable[[Scanner], str]


def whole_value(scan: Scanner) -> str:
    """The value of a query parameter: all the rest."""
    return scan.rest()


def condition(scan: Scanner, field: Field, value: Value, slot: int = -1) -> Filter:
    """``[not.]operator.value`` about ``field``; ``value`` reads the value of most operators."""

    if not scan.careful and (plain := _PLAIN.match(scan.text, scan.pos)):
        scan.pos = plain.end()
        negation_word, operator = plain.groups()
        return Filter(field, operator, value(scan), negation_word is not None, slot=slot)

    def negation() -> str:
        scan.word("not")
        return names.delimiter(scan)

    negated = scan.optional(lambda: scan.attempt(negation)) is not None
    return scan.labelled(
        _OPERATOR,
        lambda: scan.either(
            lambda: _in(scan, field, negated, slot),
            lambda: _is(scan, field, negated),
            lambda: _distinct(scan, field, negated, value, slot),
            lambda: scan.attempt(lambda: _full_text(scan, field, negated, value, slot)),
            lambda: scan.attempt(lambda: _simple(scan, field, negated, value, slot)),
            lambda: scan.attempt(lambda: _quantified(scan, field, negated, value, slot)),
        ),
    )


def _operator(scan: Scanner, name: str) -> str:
    def found() -> str:
        scan.word(name)
        return names.delimiter(scan)

    return scan.attempt(found)


def _in(scan: Scanner, field: Field, negated: bool, slot: int) -> Filter:
    _operator(scan, "in")
    return Filter(field, "in", list_value(scan), negated, slot=slot)


def list_value(scan: Scanner) -> tuple[str, ...]:
    """``(a,"b,c")``: at least one element, which may be empty."""
    if not scan.careful and (plain := _PLAIN_LIST.match(scan.text, scan.pos)):
        scan.pos = plain.end()
        return tuple(plain.group(1).split(","))
    scan.blanks()
    scan.char("(")
    scan.blanks()
    elements = scan.separated(lambda: _list_element(scan), lambda: scan.char(","))
    scan.blanks()
    scan.char(")")
    scan.blanks()
    return tuple(elements)


def _list_element(scan: Scanner) -> str:
    return scan.either(
        lambda: scan.attempt(lambda: _quoted_element(scan)),
        lambda: scan.many(_LIST_ELEMENT),
    )


def _quoted_element(scan: Scanner) -> str:
    text = names.quoted_value(scan)
    scan.not_before(_NEITHER_COMMA_NOR_PARENTHESIS)
    return text


def _is(scan: Scanner, field: Field, negated: bool) -> Filter:
    _operator(scan, "is")
    return Filter(field, "is", scan.labelled(_IS_VALUE, lambda: _is_value(scan)), negated)


def _is_value(scan: Scanner) -> str:
    rest = scan.text[scan.pos : scan.pos + 8].lower()
    for word in IS_VALUES:
        if rest.startswith(word):
            scan.pos += len(word)
            scan.note = None
            return word
    return scan.one_of(*IS_VALUES)


def _distinct(scan: Scanner, field: Field, negated: bool, value: Value, slot: int) -> Filter:
    _operator(scan, "isdistinct")
    return Filter(field, "isdistinct", value(scan), negated, slot=slot)


def _full_text(scan: Scanner, field: Field, negated: bool, value: Value, slot: int) -> Filter:
    def parenthesised() -> str:
        scan.char("(")
        name = names.identifier(scan)
        scan.char(")")
        return name

    operator = scan.one_of(*FULL_TEXT)
    language = scan.optional(lambda: scan.attempt(parenthesised))
    names.delimiter(scan)
    return Filter(field, operator, value(scan), negated, language=language, slot=slot)


def _simple(scan: Scanner, field: Field, negated: bool, value: Value, slot: int) -> Filter:
    operator = scan.one_of(*SIMPLE)
    names.delimiter(scan)
    return Filter(field, operator, value(scan), negated, slot=slot)


def _quantified(scan: Scanner, field: Field, negated: bool, value: Value, slot: int) -> Filter:
    def parenthesised() -> str:
        scan.char("(")
        word = scan.either(lambda: scan.one_of("any"), lambda: scan.word("all"))
        scan.char(")")
        return word

    operator = scan.one_of(*QUANTIFIED)
    quantifier = scan.optional(lambda: scan.attempt(parenthesised)) or ""
    names.delimiter(scan)
    return Filter(
        field,
        operator,
        value(scan),
        negated,
        cast("Literal['', 'any', 'all']", quantifier),
        slot=slot,
    )


def logic_path(scan: Scanner) -> tuple[EmbedPath, str]:
    """The key of a logic parameter: what is embedded where, and ``and``, ``or`` or ``not.or``."""
    words = scan.separated(lambda: names.field_name(scan), lambda: names.delimiter(scan))
    operator = f"not.{words[-1]}" if "not" in words else words[-1]
    return tuple(word for word in words[:-1] if word != "not"), operator


def logic_tree(scan: Scanner) -> Logic:
    """``[not.]and(...)``, ``[not.]or(...)``, or a condition with its field before it."""

    def single() -> Logic:
        return scan.attempt(lambda: _logic_condition(scan))

    def group() -> Logic:
        return _group(scan)

    return scan.either(single, group)


def _logic_condition(scan: Scanner) -> Filter:
    field = names.field(scan)
    names.delimiter(scan)
    return condition(scan, field, _inner_value)


def _group(scan: Scanner) -> Group:
    def negation() -> bool:
        scan.word("not")
        names.delimiter(scan)
        return True

    negated = scan.labelled(
        "negation operator (not)",
        lambda: scan.optional(lambda: scan.attempt(negation)) or False,
    )
    operator = scan.labelled(
        "logic operator (and, or)",
        lambda: scan.either(lambda: scan.one_of("and"), lambda: scan.word("or")),
    )
    _spaced(scan, "(")
    children = scan.nested(
        lambda: scan.separated(lambda: logic_tree(scan), lambda: _spaced(scan, ","))
    )
    _spaced(scan, ")")
    return Group("and" if operator == "and" else "or", tuple(children), negated)


def _spaced(scan: Scanner, wanted: str) -> None:
    scan.blanks()
    scan.char(wanted)
    scan.blanks()


def _inner_value(scan: Scanner) -> str:
    """A value inside parentheses: quoted, an array, or up to the next comma or parenthesis."""

    def array() -> str:
        match = _ARRAY.match(scan.text, scan.pos)
        if match is None:
            raise scan.fail()
        scan.pos, scan.note = match.end(), None
        return match.group()

    return scan.either(
        lambda: scan.attempt(lambda: _quoted_element(scan)),
        array,
        lambda: scan.many(_LIST_ELEMENT),
    )
