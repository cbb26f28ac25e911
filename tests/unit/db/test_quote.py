"""Identifiers and literals come out of PostgreSQL's lexer as they went in."""

from __future__ import annotations

import pytest

from backstay.db.quote import quote_ident, quote_literal


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("todos", '"todos"'),
        ('a"b', '"a""b"'),
        ("Ünï cödé", '"Ünï cödé"'),
        ("cut\0; drop table x", '"cut"'),
        ("", '""'),
    ],
)
def test_quote_ident(name: str, quoted: str) -> None:
    assert quote_ident(name) == quoted


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "'plain'"),
        ("it's", "'it''s'"),
        ("back\\slash", "E'back\\\\slash'"),
        ("\\' or 1=1 --", "E'\\\\'' or 1=1 --'"),
        ("cut\0'", "'cut'"),
    ],
)
def test_quote_literal(text: str, quoted: str) -> None:
    assert quote_literal(text) == quoted
