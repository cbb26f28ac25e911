"""auth.uid() and its kin read what a request says of its caller."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.support.cluster import Database

ID = "6b2f6a4e-9a0c-4a7e-8f5e-2d1b1c3d4e5f"
ASK = "select auth.uid()::text, auth.role(), auth.email(), auth.jwt()"


def ask(shared: Database, **settings: str) -> tuple[Any, ...]:
    with psycopg.connect(shared.dsn("authenticator")) as connection:
        for name, value in settings.items():
            connection.execute("select set_config(%s, %s, true)", [name.replace("__", "."), value])
        connection.execute("set local role anon")
        row = connection.execute(ASK).fetchone()
        assert row is not None
        return row


def test_without_claims_everything_is_null(shared: Database) -> None:
    assert ask(shared) == (None, None, None, None)
    assert ask(shared, request__jwt__claims="") == (None, None, None, None)


def test_claims_as_one_object(shared: Database) -> None:
    claims = {"sub": ID, "role": "authenticated", "email": "a@b.c"}
    answer = ask(shared, request__jwt__claims=json.dumps(claims))
    assert answer == (ID, "authenticated", "a@b.c", claims)


def test_older_settings_of_one_claim_each_win(shared: Database) -> None:
    answer = ask(
        shared,
        request__jwt__claims=json.dumps({"sub": "not a uuid", "role": "anon"}),
        request__jwt__claim__sub=ID,
        request__jwt__claim__role="service_role",
        request__jwt__claim__email="x@y.z",
    )
    assert answer[:3] == (ID, "service_role", "x@y.z")


def test_a_subject_that_is_no_uuid_is_an_error_not_somebody(shared: Database) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        ask(shared, request__jwt__claims=json.dumps({"sub": "1 or 1=1"}))
