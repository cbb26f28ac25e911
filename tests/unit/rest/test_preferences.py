from __future__ import annotations

from backstay.rest.preferences import Preferences, applied, parse_preferences


def test_the_first_of_a_kind_counts() -> None:
    found = parse_preferences("tx=commit, tx=rollback,count=exact,  missing=default", True)
    assert (found.tx, found.count, found.missing) == ("commit", "exact", "default")


def test_tx_only_where_it_may_be_said() -> None:
    found = parse_preferences("tx=rollback", False)
    assert found == Preferences()


def test_what_is_unknown_is_kept_for_strictness() -> None:
    found = parse_preferences("handling=strict, anything, max-affected=x, count=many", False)
    assert found.invalid == ("anything", "count=many")
    assert found.strict
    assert found.affected_limit is None


def test_limits_count_only_strictly() -> None:
    assert parse_preferences("max-affected=5", False).affected_limit is None
    assert parse_preferences("max-affected=5,handling=strict", False).affected_limit == 5


def test_applied_by_verb() -> None:
    asked = parse_preferences(
        "resolution=merge-duplicates,return=minimal,count=exact,missing=null,"
        "handling=strict,timezone=UTC,max-affected=2",
        False,
    )
    assert applied(asked, "read", on_conflict=False) == (
        "count=exact, handling=strict, timezone=UTC"
    )
    assert applied(asked, "insert", on_conflict=True) == (
        "resolution=merge-duplicates, missing=null, return=minimal, count=exact,"
        " handling=strict, timezone=UTC"
    )
    assert "resolution" not in applied(asked, "insert", on_conflict=False)
    assert applied(asked, "delete", on_conflict=False).endswith("max-affected=2")
    assert applied(Preferences(), "insert", on_conflict=True) == ""
