"""How the command line speaks: answers on stdout, everything else on stderr.

Colour only where a person looks at it: on a terminal, and not when ``NO_COLOR`` is set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TextIO

from backstay.errors import OperatorError

_STYLES: Final[Mapping[str, str]] = MappingProxyType(
    {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
)


def coloured(stream: TextIO) -> bool:
    """Whether to colour what goes to ``stream``."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str, stream: TextIO) -> str:
    """``text`` in a style of its own, where that can be seen."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if text and coloured(stream) else text


def say(text: str = "") -> None:
    """An answer, on stdout."""
    sys.stdout.write(text + "\n")


def remark(text: str = "") -> None:
    """A word about what is going on, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def warn(what: str, next: str = "") -> None:  # noqa: A002 - the word of OperatorError
    """Something odd that stops nothing."""
    mark = paint("warning", "yellow", sys.stderr)
    remark(f"{mark}: {what}" + (f"\n  {next}" if next else ""))


def print_error(error: OperatorError) -> None:
    """What happened, why, and what mends it."""
    remark(f"{paint('error', 'red', sys.stderr)}: {error.what}")
    if error.why:
        remark("\n".join(f"  {line}" for line in error.why.splitlines()))
    if error.next:
        remark(f"  {paint(error.next, 'bold', sys.stderr)}")


def pairs(rows: Sequence[tuple[str, str]], stream: TextIO, indent: str = "  ") -> str:
    """Labels and values in two columns."""
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join(
        f"{indent}{paint(f'{label:<{width}}', 'dim', stream)}  {value}" for label, value in rows
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO) -> str:
    """Rows under a header, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)
        ).rstrip()

    return "\n".join([paint(line(header), "dim", stream), *map(line, rows)])
