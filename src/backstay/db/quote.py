"""The one place where an identifier or a literal becomes SQL text.

Values of requests never come here: they travel as parameters. A NUL byte cannot be part of SQL text
and would silently end it in the client library, so both functions end the name or literal there
themselves: what follows is dropped, quoting stays intact.
https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations


def quote_ident(name: str) -> str:
    """``name`` as a quoted identifier: ``my "t`` becomes ``"my ""t"``."""
    return '"' + name.partition("\0")[0].replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """``text`` as a string literal that means the same whatever standard_conforming_strings is."""
    quoted = "'" + text.partition("\0")[0].replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in quoted else quoted
