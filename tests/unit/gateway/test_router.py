"""Unit: which service a path belongs to (C-048, C-050, C-053)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.gateway.router import find_route


@pytest.mark.parametrize(
    ("path", "service", "seen", "rewritten"),
    [
        ("/rest/v1/", "rest", "/", True),
        ("/rest/v1", "rest", "/", True),
        ("/rest/v1/a/b", "rest", "/a/b", True),
        ("/rest/v1//a", "rest", "//a", True),
        ("/rest/v1/rpc/f", "rest", "/rpc/f", True),
        ("/auth/v1/token", "auth", "/token", True),
        ("/auth/v1/verify", "auth", "/verify", False),
        ("/auth/v1/verify/x", "auth", "/verify/x", False),
        ("/auth/v1/verifyx", "auth", "/verifyx", True),
        ("/auth/v1/callback", "auth", "/callback", False),
        ("/auth/v1/authorize", "auth", "/authorize", False),
        ("/auth/v1/user/verify", "auth", "/user/verify", True),
        ("/storage/v1/object/a", "storage", "/object/a", True),
        ("/storage/v1/s3/b/k", "storage", "/s3/b/k", False),
        ("/storage/v1/s3", "storage", "/s3", False),
        ("/storage/v1/s3x", "storage", "/s3x", True),
        ("/realtime/v1/websocket", "realtime", "/websocket", True),
        ("/realtime/v1/api/broadcast", "realtime", "/api/broadcast", True),
        ("/functions/v1/hello", "functions", "/hello", True),
        ("/graphql/v1", "rest", "/rpc/graphql", True),
        ("/rest-admin/v1/ready", "rest-admin", "/ready", False),
        ("/pg/tables", "pg-meta", "/tables", False),
        (
            "/.well-known/oauth-authorization-server",
            "auth",
            "/.well-known/oauth-authorization-server",
            False,
        ),
    ],
)
def test_route(path: str, service: str, seen: str, rewritten: bool) -> None:
    found = find_route(path)
    assert found is not None
    route, inner = found
    assert (route.service, inner, route.rewrite_keys) == (service, seen, rewritten)


@pytest.mark.parametrize(
    "path", ["", "/", "*", "/rest", "/rest/v2/x", "/rest/v10", "rest/v1/x", "//rest/v1/x", "/pgx"]
)
def test_no_route(path: str) -> None:
    assert find_route(path) is None


@given(st.text(alphabet="/restauhv1.%é", max_size=40))
def test_prefix_and_rest_make_the_path_again(path: str) -> None:
    found = find_route(path)
    if found is not None and not found[0].base:
        assert found[0].prefix + found[1] in (path, path + "/")
