"""The statement that makes a transaction a caller's."""

from __future__ import annotations

from backstay.db.model import Session
from backstay.db.prelude import prelude


def test_a_session_that_asks_for_nothing_sends_nothing() -> None:
    assert prelude(Session()) == ("", ())


def test_the_role_comes_before_the_settings_and_after_the_search_path() -> None:
    sql, values = prelude(Session("anon", '"api"', (("request.method", "GET"),)))
    assert values == ('"api"', "anon", "GET")
    assert sql.index("'search_path',$1") < sql.index("'role',$2") < sql.index("'request.method',$3")


def test_the_text_depends_on_names_only() -> None:
    one, _ = prelude(Session("anon", '"a"', (("x.y", "1"),)))
    other, _ = prelude(Session("admin", '"b"', (("x.y", "2"),)))
    assert one == other


def test_read_only_is_asked_for_last_and_takes_no_parameter() -> None:
    sql, values = prelude(Session("anon", read_only=True))
    assert sql.endswith("set_config('transaction_read_only','on',true))")
    assert values == ("anon",)


def test_a_name_is_a_literal() -> None:
    sql, _ = prelude(Session(settings=(("x.y'||pg_sleep(9)||'", "1"),)))
    assert "'x.y''||pg_sleep(9)||'''" in sql


def test_more_settings_than_a_function_takes_arguments_make_several_calls() -> None:
    names = tuple((f"many.n{number}", "x") for number in range(120))
    sql, values = prelude(Session(settings=names))
    assert sql.count("num_nulls(") == 3
    assert sql.count("set_config(") == len(values) == 120


def test_settings_of_the_role_come_before_it() -> None:
    sql, values = prelude(Session("anon", '"a"', (("x.y", "1"),), role_settings=(("z", "2"),)))
    assert values == ('"a"', "2", "anon", "1")
    assert sql.index("'search_path'") < sql.index("'z'") < sql.index("'role'") < sql.index("'x.y'")
