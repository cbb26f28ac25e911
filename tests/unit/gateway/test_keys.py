"""Unit: from API key to Authorization (C-049 to C-051)."""

from __future__ import annotations

from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.gateway.errors import UnknownApiKey
from backstay.gateway.keys import authorization, query_key, with_token, without_key
from tests.support.gateway import DEVELOPMENT as K
from tests.support.gateway import OTHER

USER = "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"


@pytest.mark.parametrize(
    ("sent", "apikey", "seen"),
    [
        (None, "", None),
        (USER, "", USER),
        (USER, K.publishable_key, USER),
        (USER, K.secret_key, USER),
        (None, K.publishable_key, f"Bearer {K.anon_key}"),
        (None, K.secret_key, f"Bearer {K.service_role_key}"),
        (f"Bearer {K.publishable_key}", K.publishable_key, f"Bearer {K.anon_key}"),
        (f"Bearer {K.secret_key}", K.secret_key, f"Bearer {K.service_role_key}"),
        (f"Bearer {K.secret_key}", K.publishable_key, f"Bearer {K.anon_key}"),
        (f"Bearer {K.secret_key}", "", f"Bearer {K.service_role_key}"),
        (None, K.anon_key, K.anon_key),
        (f"Bearer {K.publishable_key}", K.anon_key, K.anon_key),
        ("", K.secret_key, ""),
        (f"bearer {K.secret_key}", K.secret_key, f"bearer {K.secret_key}"),
    ],
)
def test_c049(sent: str | None, apikey: str, seen: str | None) -> None:
    assert authorization(K, sent, apikey) == seen


@pytest.mark.parametrize(
    ("sent", "apikey"),
    [
        (None, OTHER.secret_key),
        (None, OTHER.publishable_key),
        (None, "sb_"),
        (f"Bearer {OTHER.secret_key}", ""),
        (None, K.secret_key + "x"),
        (None, K.secret_key[:-1]),
    ],
)
def test_an_opaque_key_that_is_not_this_projects_is_refused(sent: str | None, apikey: str) -> None:
    with pytest.raises(UnknownApiKey):
        authorization(K, sent, apikey)


KEYS = st.sampled_from([K.publishable_key, K.secret_key, K.anon_key, K.service_role_key, ""])


@given(st.none() | st.text(max_size=60), st.text(max_size=60) | KEYS)
def test_nobody_becomes_service_role_without_its_key(sent: str | None, apikey: str) -> None:
    try:
        seen = authorization(K, sent, apikey)
    except UnknownApiKey:
        return
    if seen is not None and K.service_role_key in seen:
        known = (K.secret_key, K.service_role_key)
        assert apikey in known or any(key in (sent or "") for key in known)


NAMES = st.sampled_from(["select", "apikey", "apikeys", "id", "xapikey"])
PAIRS = st.lists(st.tuples(NAMES, st.text(max_size=8)), max_size=5)


@given(PAIRS)
def test_the_query_keeps_everything_but_the_key(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in pairs)
    first = next((value for name, value in pairs if name == "apikey"), "")
    assert query_key(query) == first
    kept = "&".join(f"{n}={quote_plus(v)}" for n, v in pairs if n != "apikey")
    assert without_key(query) == kept


def test_c051_a_websockets_key_is_replaced_in_place() -> None:
    assert with_token("a=1&apikey=sb_x&b=2", "eyJ") == "a=1&apikey=eyJ&b=2"
    assert with_token("a=1", "eyJ") == "a=1"
