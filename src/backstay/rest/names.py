"""The smallest parts of the query language: names, JSON paths, quoted values, casts."""

from __future__ import annotations

import re
from collections.abc import Callable

from backstay.rest.intent import Field, JsonStep
from backstay.rest.syntax import Scanner

_IDENTIFIER = re.compile(r"[\w $]*")
_QUOTED = re.compile(r'(?:[^\\"]|\\.)*', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_JSON_KEY = re.compile(r"[^(\-:.,>)]*")
_DIGITS = re.compile(r"[0-9]*")
_ARROW_HEAD = re.compile(r">")

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?![\w $-])")

DELIMITER = "delimiter (.)"
FIELD_NAME = "field name (* or [a..z0..9_$])"
JSON_KEY = "any non reserved character different from: .,>()"


def delimiter(scan: Scanner) -> str:
    return scan.char(".", DELIMITER)


def identifier(scan: Scanner) -> str:
    """Letters, digits, ``_``, ``$`` and inner spaces."""
    return scan.many(_IDENTIFIER, "letter", "digit", least=1).strip()


def quoted_value(scan: Scanner) -> str:
    """A value in double quotes, backslash taking the next character as it is."""
    scan.char('"')
    text = scan.many(_QUOTED, '"\\\\"')
    scan.char('"')
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def field_name(scan: Scanner) -> str:
    """A name, plain with inner dashes, or in double quotes."""
    if not scan.careful and (plain := _PLAIN_NAME.match(scan.text, scan.pos)):
        scan.pos = plain.end()
        return plain.group()
    return scan.labelled(
        FIELD_NAME,
        lambda: scan.either(lambda: quoted_value(scan), lambda: _dashed(scan, identifier)),
    )


def field(scan: Scanner) -> Field:
    """A name and the JSON path after it, blanks around them."""
    scan.blanks()
    name = field_name(scan)
    found = Field(name, json_path(scan))
    scan.blanks()
    return found


def json_path(scan: Scanner) -> tuple[JsonStep, ...]:
    steps: list[JsonStep] = []
    while (arrow := scan.optional(lambda: scan.one_of("->>", "->"))) is not None:
        steps.append(_operand(scan, text=arrow == "->>"))
    return tuple(steps)


def _operand(scan: Scanner, *, text: bool) -> JsonStep:
    def index() -> JsonStep:
        sign = scan.optional(lambda: scan.char("-")) or "+"
        digits = scan.many(_DIGITS, "digit", least=1)
        scan.ends("->", "::", ".", ",")
        return JsonStep(sign + digits, text, index=True)

    def key() -> JsonStep:
        return JsonStep(json_key(scan), text)

    return scan.either(lambda: scan.attempt(index), lambda: scan.attempt(key))


def json_key(scan: Scanner) -> str:
    def plain(scan: Scanner) -> str:
        return scan.many(_JSON_KEY, least=1).strip()

    return scan.labelled(
        JSON_KEY, lambda: scan.either(lambda: quoted_value(scan), lambda: _dashed(scan, plain))
    )


def _dashed(scan: Scanner, part: Callable[[Scanner], str]) -> str:
    """Parts joined by dashes that are not the beginning of an arrow."""

    def dash() -> None:
        scan.char("-")
        scan.not_before(_ARROW_HEAD)

    return "-".join(scan.separated(lambda: part(scan), lambda: scan.attempt(dash)))
