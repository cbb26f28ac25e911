"""The bound on prepared statements, and what is closed when."""

from __future__ import annotations

from backstay.db.statements import StatementCache


def test_the_least_recently_used_is_doomed_by_the_next_exchange() -> None:
    cache = StatementCache(2)
    first, second = cache.add(("r", "p", "1")), cache.add(("r", "p", "2"))
    assert cache.find(("r", "p", "1")) is first
    cache.add(("r", "p", "3"))
    assert cache.take_doomed() == []  # an exchange never closes what it uses
    cache.enter(0)
    assert cache.take_doomed() == [second.name]
    assert cache.take_doomed() == []
    assert len(cache) == 2


def test_role_and_search_path_are_part_of_the_key() -> None:
    cache = StatementCache(8)
    cache.add(("anon", '"public"', "select 1"))
    assert cache.find(("admin", '"public"', "select 1")) is None
    assert cache.find(("anon", '"other"', "select 1")) is None


def test_a_new_epoch_dooms_everything_once() -> None:
    cache = StatementCache(8)
    one = cache.add(("", "", "1"))
    cache.enter(1)
    cache.enter(1)
    assert cache.take_doomed() == [one.name]
    assert cache.find(("", "", "1")) is None


def test_a_forgotten_statement_is_not_closed() -> None:
    cache = StatementCache(8)
    cache.forget(cache.add(("", "", "1")))
    cache.doom_all()
    assert cache.take_doomed() == []


def test_names_are_never_used_twice() -> None:
    cache = StatementCache(1)
    names = {cache.add(("", "", str(number))).name for number in range(100)}
    assert len(names) == 100
