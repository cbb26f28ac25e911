"""Reads ``.env`` files the way the Supabase CLI does, and decides which of them count.

A line is ``NAME=value`` (or ``NAME: value``, or with ``export`` in front). Values may be bare, in
single quotes (taken as they are), or in double quotes (over several lines, with ``\\n``, ``\\r``
and escaped characters). ``$NAME`` and ``${NAME}`` in bare and double-quoted values refer to
variables set above in the same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from backstay.errors import OperatorError

_NAME: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z0-9_.]+)[ \t]*[=:][ \t]*")
_BARE: Final = re.compile(r"[^\n]*")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE: Final = re.compile(r"'([^']*)'")
_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_REFERENCE: Final = re.compile(r"\\\$|\$\{([A-Za-z0-9_]+)\}|\$([A-Za-z0-9_]+)")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def parse_dotenv(text: str) -> dict[str, str]:
    """The variables of one file, in order. Raises ``ValueError`` naming the line, not its text."""
    found: dict[str, str] = {}
    position = _skip(text, 0)
    while position < len(text):
        name = _NAME.match(text, position)
        if name is None:
            raise ValueError(f"line {_line(text, position)} is not NAME=value")
        value, position = _value(text, name.end(), found)
        found[name.group(1)] = value
        position = _skip(text, position)
    return found


def read_environment(supabase: Path, root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment a project's ``env(NAME)`` refers to.

    The process environment comes first, then the files of ``supabase/``, then those of the project
    folder; within a folder ``.env.<SUPABASE_ENV>.local``, ``.env.local``, ``.env.<SUPABASE_ENV>``,
    ``.env`` (``SUPABASE_ENV`` is ``development`` unless set; ``test`` skips ``.env.local``).
    Raises ``OperatorError`` when a file cannot be read.
    """
    merged = dict(environ)
    for path in _files(supabase, root, environ.get("SUPABASE_ENV") or "development"):
        for name, value in _read(path).items():
            merged.setdefault(name, value)
    return merged


def _files(supabase: Path, root: Path, kind: str) -> Iterator[Path]:
    names = [f".env.{kind}.local", ".env.local", f".env.{kind}", ".env"]
    if kind == "test":
        names.remove(".env.local")
    for folder in dict.fromkeys((supabase, root)):
        yield from (folder / name for name in names)


def _read(path: Path) -> dict[str, str]:
    try:
        return parse_dotenv(path.read_text("utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        why = error.strerror or "" if isinstance(error, OSError) else str(error)
        if isinstance(error, UnicodeDecodeError):
            why = "it is not UTF-8 text"
        raise OperatorError(
            f"{path} cannot be read.", why=why, next=f"Mend or remove {path}."
        ) from None


def _value(text: str, start: int, known: Mapping[str, str]) -> tuple[str, int]:
    quote = text[start : start + 1]
    if quote in ('"', "'"):
        match = (_DOUBLE if quote == '"' else _SINGLE).match(text, start)
        if match is None:
            raise ValueError(f"line {_line(text, start)} opens a quote that is never closed")
        value = match.group(1)
        return (value if quote == "'" else _expand(_unescape(value), known)), match.end()
    match = _BARE.match(text, start)
    assert match is not None  # the pattern matches the empty text
    bare = re.split(r"(?:^|[ \t])#", match.group(), maxsplit=1)[0].strip()
    return _expand(bare, known), match.end()


def _unescape(value: str) -> str:
    def plain(match: re.Match[str]) -> str:
        letter = match.group(1)
        # An escaped dollar keeps its backslash until references are expanded.
        return {"n": "\n", "r": "\r", "$": "\\$"}.get(letter, letter)

    return _ESCAPE.sub(plain, value)


def _expand(value: str, known: Mapping[str, str]) -> str:
    def referred(match: re.Match[str]) -> str:
        if match.group() == "\\$":
            return "$"
        return known.get(match.group(1) or match.group(2), "")

    return _REFERENCE.sub(referred, value)


def _skip(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
