"""Finds the line of a key in a TOML text, which ``tomllib`` does not tell."""

from __future__ import annotations

import re
from typing import Final

_HEADER: Final = re.compile(r"\s*\[{1,2}([^\]]+)\]")
_KEY: Final = re.compile(
    r"""\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*="""
)
_PART: Final = re.compile(r""""([^"]*)"|'([^']*)'|([\w-]+)""")


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """The line, from 1, where ``path`` is set or its section opens; None when it is not found.

    Good enough to point at: a key that looks like one inside a multi-line text may mislead it.
    """
    section: tuple[str, ...] = ()
    opened: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = _parts(header.group(1))
            if section[: len(path)] == path and opened is None:
                opened = number
        elif (key := _KEY.match(line)) and (*section, *_parts(key.group(1))) == path:
            return number
    return opened


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple("".join(found) for found in _PART.findall(dotted))
