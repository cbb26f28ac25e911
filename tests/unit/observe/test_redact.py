"""Unit: what must never be seen in a log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.observe.redact import HIDDEN, redact, redact_headers
from tests.support.gateway import DEVELOPMENT


@pytest.mark.parametrize(
    "text",
    [
        "/verify?token=hunter2&type=signup",
        "/callback?code=hunter2",
        "?apikey=hunter2",
        "access_token=hunter2",
        "#access_token=hunter2&refresh_token=hunter2",
        '{"email":"a@b.c","password":"hunter2"}',
        '{"password": "hunter2"}',
        "{'password': 'hunter2'}",
        "postgresql://postgres:hunter2@127.0.0.1:54322/postgres",
        "smtps://user:hunter2@mail.example:465",
        "client_secret=hunter2",
        "PASSWORD=hunter2",
        "?X-Amz-Signature=hunter2",
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    shown = redact(text)
    assert "hunter2" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "key",
    [
        DEVELOPMENT.anon_key,
        DEVELOPMENT.service_role_key,
        DEVELOPMENT.secret_key,
        DEVELOPMENT.publishable_key,
    ],
)
@pytest.mark.parametrize("around", ["{}", "Bearer {}", "x {} y", '"{}"', "key:{};"])
def test_a_key_is_hidden_wherever_it_stands(key: str, around: str) -> None:
    assert key not in redact(around.format(key))


@pytest.mark.parametrize(
    "text",
    [
        "/rest/v1/todos?select=*&id=eq.1",
        "zip_code=12345",
        "the token expired",
        "http://localhost:54321/auth/v1",
        "2026-01-01 12:00:00 user: anna",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_headers_that_carry_credentials_are_hidden() -> None:
    shown = redact_headers({"Authorization": "Basic eDp5", "cookie": "a=b", "accept": "*/*"})
    assert shown == {"Authorization": HIDDEN, "cookie": HIDDEN, "accept": "*/*"}


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once).count(HIDDEN) == once.count(HIDDEN)
