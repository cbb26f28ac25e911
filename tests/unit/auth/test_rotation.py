"""The table of refresh rotation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.auth.model import RefreshToken, Session
from backstay.auth.rotation import (
    Decision,
    Lapse,
    Rules,
    decide,
    is_token,
    lapsed,
    last_refreshed,
    new_token,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules(rotation=True, reuse_interval=10, timebox=0, inactivity=0)
SPENT = RefreshToken(1, "aaaaaaaaaaaa", "", revoked=True, session_id="s", updated_at=NOW)
CHILD = RefreshToken(2, "bbbbbbbbbbbb", "aaaaaaaaaaaa", False, "s", NOW)
GRANDCHILD = RefreshToken(3, "cccccccccccc", "bbbbbbbbbbbb", False, "s", NOW)
SESSION = Session(id="s", user_id="u", created_at=NOW)


@pytest.mark.parametrize(
    ("token", "active", "rotation", "seconds", "decision"),
    [
        (CHILD, CHILD, True, 0, Decision.ROTATE),
        (SPENT, CHILD, True, 10**6, Decision.RETURN),
        (SPENT, CHILD, False, 10**6, Decision.RETURN),
        (SPENT, GRANDCHILD, True, 10, Decision.ROTATE),
        (SPENT, GRANDCHILD, True, 10.001, Decision.REVOKE),
        (SPENT, GRANDCHILD, False, 10.001, Decision.REFUSE),
        (SPENT, None, True, 5, Decision.ROTATE),
        (SPENT, None, True, 11, Decision.REVOKE),
    ],
)
def test_decisions(
    token: RefreshToken,
    active: RefreshToken | None,
    rotation: bool,
    seconds: float,
    decision: Decision,
) -> None:
    rules = replace(RULES, rotation=rotation)
    assert decide(token, active, rules, NOW + timedelta(seconds=seconds)) is decision


@given(seconds=st.floats(0, 1e6), interval=st.floats(0, 1e5), rotation=st.booleans())
def test_a_spent_token_is_never_rotated_after_the_interval(
    seconds: float, interval: float, rotation: bool
) -> None:
    rules = replace(RULES, reuse_interval=interval, rotation=rotation)
    decision = decide(SPENT, GRANDCHILD, rules, NOW + timedelta(seconds=seconds))
    if seconds > interval + 1:
        assert decision in (Decision.REVOKE, Decision.REFUSE)


def test_how_a_session_ends() -> None:
    later = NOW + timedelta(seconds=100)
    assert lapsed(SESSION, None, RULES, later) is None
    assert lapsed(SESSION, None, replace(RULES, timebox=99), later) is Lapse.EXPIRED
    assert lapsed(SESSION, None, replace(RULES, timebox=100), later) is None
    assert lapsed(SESSION, None, replace(RULES, inactivity=99), later) is Lapse.INACTIVE
    assert lapsed(SESSION, later, replace(RULES, inactivity=99), later) is None
    assert lapsed(replace(SESSION, not_after=NOW), None, RULES, later) is Lapse.EXPIRED
    assert last_refreshed(replace(SESSION, refreshed_at=later), NOW) == later


def test_tokens_look_like_tokens() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(map(is_token, tokens))
    assert not any(
        map(is_token, ("", "ABCDEFGHIJKL", "abcdefghijk", "abcdefghijkl\n", "abcdefghijklm"))
    )
