"""Splitting SQL text into statements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.cluster.split import Statement, pieces, split


def texts(sql: str) -> list[str]:
    return [statement.text for statement in split(sql)]


def joined(parts: list[Statement]) -> str:
    return "".join(part.raw + (part.data or "") + part.tail for part in parts)


@pytest.mark.parametrize(
    "statement",
    [
        "select ';'",
        "select 'it''s; fine'",
        r"select E'\';'",
        r"select e'a''\\;'",
        "select U&'d\\0061t;'",
        'select 1 as "a;""b;"',
        "select $$;$$",
        "select $body$ $$;$$ ; $ $body$",
        "select 1 -- not; here\n + 1",
        "select /* ; /* ; */ ; */ 1",
        "create rule r as on insert to t do also (select 1; select 2)",
        "create function f() returns int language sql\nbegin atomic; select 1; select case when"
        " true then 1 end; end",
        "create or replace procedure p() begin atomic insert into t values (1); end",
        "do $$ begin perform 1; end; $$",
        "select a$b$c from t",
        "select $1",
        "select '\\'",
    ],
)
def test_a_semicolon_inside_does_not_end_a_statement(statement: str) -> None:
    assert texts(f"{statement};\nselect 2;") == [statement, "select 2"]


def test_begin_of_a_transaction_is_a_statement_of_its_own() -> None:
    assert texts("begin; select 1; end;") == ["begin", "select 1", "end"]


def test_comments_and_empty_statements_alone_are_left_out() -> None:
    assert texts("-- nothing\n;;\n/* here */ ; \n") == []


def test_a_statement_keeps_the_comment_before_it_and_knows_its_line() -> None:
    (statement,) = split("\n\n-- why\n/* and\nhow */\nselect\n1;\n")
    assert statement.text.startswith("-- why")
    assert (statement.line, statement.text_line) == (6, 3)


def test_words_are_upper_case_and_skip_what_is_quoted() -> None:
    (statement,) = split("create Index concurrently \"if\" on t (x) where y = 'z'")
    assert statement.words[:5] == ("CREATE", "INDEX", "CONCURRENTLY", "ON", "T")


def test_copy_takes_its_data() -> None:
    columns = ", ".join(f"column_{number}" for number in range(40))
    first, second = split(f"copy t ({columns}) from stdin;\n1\t;\n\\.\nselect 1;")
    assert first.data == "\n1\t;\n"
    assert first.tail == "\\.\n"
    assert second.text == "select 1"


def test_copy_without_its_end_takes_the_rest() -> None:
    (statement,) = split("COPY t FROM STDIN;\n1;\n2;\n")
    assert statement.data == "\n1;\n2;\n"


def test_copy_to_or_from_a_file_has_no_data() -> None:
    assert texts("copy t to stdout;\ncopy t from '/x';\n") == [
        "copy t to stdout",
        "copy t from '/x'",
    ]


def test_a_line_with_a_backslash_is_a_command_of_psql() -> None:
    first, second = split("\\restrict a;b\nselect 1")
    assert first.meta
    assert first.words == ("\\restrict", "a;b")
    assert not second.meta


@pytest.mark.parametrize("open_end", ["select 'a;", 'select "a;', "select $$;", "select /* ;", "("])
def test_what_is_not_closed_runs_to_the_end(open_end: str) -> None:
    assert texts(open_end) == [open_end.rstrip(";").rstrip()]


_FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *(
                ";",
                "'",
                '"',
                "$$",
                "$a$",
                "--",
                "/*",
                "*/",
                "\n",
                " ",
                "(",
                ")",
                "E'",
                "\\",
                "\\.\n",
            ),
            *("begin", "atomic", "end", "case", "create", "copy", "from", "stdin", "x", "1", "é"),
        ]
    ),
    max_size=60,
).map("".join)


@given(st.one_of(_FRAGMENTS, st.text(max_size=80)))
def test_the_pieces_joined_are_the_text(sql: str) -> None:
    assert joined(list(pieces(sql))) == sql


@given(_FRAGMENTS)
def test_lines_rise_and_stay_within_the_text(sql: str) -> None:
    lines = [statement.line for statement in split(sql)]
    assert lines == sorted(lines)
    assert all(1 <= line <= sql.count("\n") + 1 for line in lines)


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=20), max_size=6))
def test_quoted_text_is_never_cut(values: list[str]) -> None:
    statements = ["select '" + value.replace("'", "''") + "'" for value in values]
    assert texts(";\n".join(statements)) == statements
