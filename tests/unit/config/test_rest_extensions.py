"""The extensions of REST: switched on by variables, and each on its page."""

from __future__ import annotations

import dataclasses
import re

import pytest
from docs.build import REFERENCE

from backstay.config.own import rest_extensions
from backstay.config.rest import RestExtensions
from backstay.errors import OperatorError


def test_all_are_off() -> None:
    extensions = rest_extensions({})
    assert extensions == RestExtensions()
    assert not any(value is True for value in dataclasses.asdict(extensions).values())


def test_variables_switch_them_on() -> None:
    extensions = rest_extensions(
        {
            "BACKSTAY_REST_BATCH": "on",
            "BACKSTAY_REST_BATCH_LIMIT": "7",
            "BACKSTAY_REST_IDEMPOTENCY_EXPIRY": "1h30m",
            "BACKSTAY_REST_REPRESENTATION_BY_DEFAULT": "POST,PATCH",
        }
    )
    assert extensions == RestExtensions(
        batch=True,
        batch_limit=7,
        idempotency_expiry=5400.0,
        representation_by_default=("POST", "PATCH"),
    )


@pytest.mark.parametrize(("name", "value"), [("BATCH", "maybe"), ("BATCH_LIMIT", "0")])
def test_what_cannot_be_understood_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(OperatorError, match=f"BACKSTAY_REST_{name}"):
        rest_extensions({f"BACKSTAY_REST_{name}": value})


def test_each_is_on_its_page() -> None:
    page = (REFERENCE / "rest-extensions.md").read_text("utf-8")
    for field in dataclasses.fields(RestExtensions):
        assert re.search(rf"\b{field.name}\b", page), field.name
