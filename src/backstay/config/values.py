"""How the text of a setting becomes a value: sizes, switches, numbers, lists.

Each ``parse_*`` takes what TOML or an environment variable gave and raises ``ValueError`` with the
words that complete "expected …".
"""

from __future__ import annotations

import re
from typing import Any, Final

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kKmMgGtTpP]?)([iI]?[bB]?)")
_POWERS: Final = " kmgtp"
_TRUE: Final = frozenset({"1", "t", "true", "y", "yes", "on"})
_FALSE: Final = frozenset({"0", "f", "false", "n", "no", "off"})


def parse_size(value: Any) -> int:
    """Bytes, from ``"50MiB"``, ``"500KB"`` or a number.

    The units of the Supabase CLI are binary whether or not they carry the ``i``.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(str(value).strip())
    if match is None:
        raise ValueError('a size such as "50MiB" or "500KB"')
    number, unit, _ = match.groups()
    return int(float(number) * 1024.0 ** _POWERS.index(unit.lower() or " "))


def parse_switch(value: Any) -> bool:
    """True or false, also spelt as an environment variable spells it."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("true or false")


def parse_integer(value: Any) -> int:
    """A whole number, also as text."""
    if isinstance(value, bool):
        raise ValueError("a whole number")
    if isinstance(value, int):
        return value
    try:
        return int(str(value).strip())
    except ValueError:
        raise ValueError("a whole number") from None


def parse_number(value: Any) -> float:
    """A number, also as text."""
    if isinstance(value, bool):
        raise ValueError("a number")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError("a number") from None


def parse_text(value: Any) -> str:
    """Text; numbers are taken as they are written."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ValueError("text in quotes")


def parse_texts(value: Any) -> tuple[str, ...]:
    """A list of texts; one text is a list separated by commas."""
    if isinstance(value, str):
        return tuple(part for part in (part.strip() for part in value.split(",")) if part)
    if isinstance(value, list | tuple):
        return tuple(parse_text(item) for item in value)
    raise ValueError("a list of texts")


def parse_parameter(value: Any) -> str:
    """The value of a PostgreSQL parameter, as postgresql.conf would have it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return parse_text(value)


def parse_port(value: Any) -> int:
    """A TCP port; 0 means any free one."""
    port = parse_integer(value)
    if not 0 <= port <= 65535:
        raise ValueError("a port between 0 and 65535")
    return port


def parse_count(value: Any) -> int:
    """A whole number that is not negative."""
    count = parse_integer(value)
    if count < 0:
        raise ValueError("a whole number, 0 or more")
    return count


def parse_positive(value: Any) -> int:
    """A whole number of at least one."""
    count = parse_integer(value)
    if count < 1:
        raise ValueError("a whole number, 1 or more")
    return count
