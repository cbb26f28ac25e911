"""``.env`` files line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.config.dotenv import parse_dotenv


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("export A=1", {"A": "1"}),
        ("A: 1", {"A": "1"}),
        ("# a\n\nA=1 # b\n", {"A": "1"}),
        ("A=1#b", {"A": "1#b"}),
        ("A=", {"A": ""}),
        ("A= \nB=2", {"A": "", "B": "2"}),
        ("A='x $B # y'", {"A": "x $B # y"}),
        ('A="x # y"', {"A": "x # y"}),
        ('A="a\nb"\nB=1', {"A": "a\nb", "B": "1"}),
        (r'A="a\nb\"c"', {"A": 'a\nb"c'}),
        ("A=1\nB=$A-${A}", {"A": "1", "B": "1-1"}),
        ('A=1\nB="\\$A"', {"A": "1", "B": "$A"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=postgresql://u:p@h/d?x=1", {"A": "postgresql://u:p@h/d?x=1"}),
    ],
)
def test_values(text: str, expected: dict[str, str]) -> None:
    assert parse_dotenv(text) == expected


@pytest.mark.parametrize("text", ["what is this", 'A="open', "A='open", "A=1\nno"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line"):
        parse_dotenv(text)


@given(st.text(st.characters(exclude_characters="'", exclude_categories=["Cs"])))
def test_single_quotes_keep_everything(value: str) -> None:
    assert parse_dotenv(f"A='{value}'") == {"A": value}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_dotenv(text)
    except ValueError as error:
        assert str(error).startswith("line")  # noqa: PT017
