r"""Cuts the text of an SQL file into statements, as psql and the server would read it.

A semicolon ends a statement unless it is inside a string, a quoted identifier, a dollar-quoted
body, a comment (they nest), parentheses, or the BEGIN ATOMIC … END body of a function. A line that
begins with a backslash where a statement could begin is a psql command, not SQL. What follows
``COPY … FROM stdin;`` up to ``\.`` is data. Nothing is lost: the pieces joined are the text.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

_TOKEN = re.compile(
    r"""
      (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z))
    | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<space>\s+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# What still matters once a statement's first words are known: no word begins inside another, so a
# quote or a dollar after a letter or digit is no beginning.
_LATER = re.compile(
    r"""
      (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<string>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z))
    | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$)
    | (?P<other>[();])
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_COPY_END = re.compile(r"^\\\.[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_WORDS_KEPT = 12


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, or one psql command, of a file.

    ``raw`` is everything from the end of the one before, its terminator included. ``line`` (from
    1) is where its first word stands, ``text_line`` where ``text`` begins: at a comment, perhaps.
    ``words`` are its first words outside strings and quotes, in upper case: enough to tell what
    kind of statement it is. ``data`` is what follows a ``COPY … FROM stdin`` and ``tail`` the line
    that ends it; ``data`` is None for anything else.
    """

    raw: str
    line: int
    text_line: int
    words: tuple[str, ...] = ()
    data: str | None = None
    tail: str = ""
    meta: bool = False

    @property
    def text(self) -> str:
        """The statement as it is executed and recorded: trimmed, without its semicolon."""
        return self.raw.strip().rstrip(";").rstrip()


def split(sql: str) -> list[Statement]:
    """The statements of ``sql`` in order; pieces of only comments and white space are left out.

    An unterminated string, comment or body runs to the end: the server's error for it is better.
    """
    return [piece for piece in pieces(sql) if piece.words]


def pieces(sql: str) -> Iterator[Statement]:
    """Like ``split``, but nothing is left out: ``raw + data + tail`` of all, joined, is ``sql``."""
    start, line = 0, 1
    while start < len(sql):
        scan = _scan(sql, start)
        raw = sql[start : scan.end]
        data, end = _copy_data(sql, scan)
        yield Statement(
            raw,
            line + sql.count("\n", start, scan.first),
            line + raw[: len(raw) - len(raw.lstrip())].count("\n"),
            tuple(scan.words),
            data,
            sql[scan.end + len(data or "") : end],
            scan.meta,
        )
        line += sql.count("\n", start, end)
        start = end


@dataclass(slots=True)
class _Scan:
    """What is known of the piece being read; ``first`` is the offset of its first token."""

    first: int
    end: int
    words: list[str] = field(default_factory=list)
    parens: int = 0
    body: int = 0
    meta: bool = False

    def word(self, word: str) -> None:
        """Take note of an unquoted word: it may open or close a function's BEGIN ATOMIC body."""
        if len(self.words) < _WORDS_KEPT or self.words[0] == "COPY":  # FROM STDIN is at its end
            self.words.append(word)
        if self.body:
            if word == "CASE":
                self.body += 1
            elif word == "END":
                self.body -= 1
        elif word == "ATOMIC" and self.words[0] == "CREATE":
            self.body = 1

    @property
    def known(self) -> bool:
        """Whether further words tell nothing: most of a long INSERT is skipped by this."""
        return len(self.words) >= _WORDS_KEPT and self.words[0] not in ("COPY", "CREATE")

    @property
    def inside(self) -> bool:
        return self.parens > 0 or self.body > 0


def _scan(sql: str, start: int) -> _Scan:
    """Read one piece from ``start`` up to and including its terminator."""
    scan = _Scan(start, len(sql))
    position, seen = start, False
    while position < len(sql):
        match = _LATER.search(sql, position) if scan.known else _TOKEN.match(sql, position)
        if match is None:
            break
        kind, found, position = match.lastgroup, match.group(), match.end()
        if kind == "block":
            position = _block_end(sql, position)
        if kind in ("space", "comment", "block"):
            continue
        if not seen:
            seen, scan.first = True, match.start()
            if found == "\\":
                return _meta(sql, scan)
        if kind == "word":
            scan.word(found.upper())
        elif kind == "dollar":
            close = sql.find(found, position)
            position = len(sql) if close < 0 else close + len(found)
        elif found == ";" and not scan.inside:
            scan.end = position
            break
        elif found == "(":
            scan.parens += 1
        elif found == ")":
            scan.parens = max(0, scan.parens - 1)
        if not scan.words and found != ";":
            scan.words.append(found)  # (SELECT …) and whatever else begins without a word
    return scan


def _meta(sql: str, scan: _Scan) -> _Scan:
    """A psql command is the rest of its line."""
    newline = sql.find("\n", scan.first)
    scan.end = len(sql) if newline < 0 else newline + 1
    scan.words = sql[scan.first : scan.end].split()[:_WORDS_KEPT]
    scan.meta = True
    return scan


def _block_end(sql: str, position: int) -> int:
    depth = 1
    for edge in _BLOCK_EDGE.finditer(sql, position):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def _copy_data(sql: str, scan: _Scan) -> tuple[str | None, int]:
    """The data that follows a ``COPY … FROM stdin;`` and where it, and its last line, end."""
    if scan.words[:1] != ["COPY"] or not _from_stdin(scan.words):
        return None, scan.end
    newline = sql.find("\n", scan.end)
    begin = len(sql) if newline < 0 else newline + 1
    last = _COPY_END.search(sql, begin)
    if last is None:
        return sql[scan.end :], len(sql)
    return sql[scan.end : last.start()], last.end()


def _from_stdin(words: list[str]) -> bool:
    return ("FROM", "STDIN") in pairwise(words)
