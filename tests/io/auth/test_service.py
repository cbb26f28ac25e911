"""The service as a whole: what anybody may know, what is not there, and a database that is gone."""

from __future__ import annotations

from typing import Any

import pytest

from backstay.db.model import DatabaseUnavailable, PoolTimeout
from tests.io.auth.harness import EXTERNAL, Auth


async def test_health_and_settings(auth: Auth) -> None:
    health = await auth.ok("GET", "/health")
    assert health["name"] == "GoTrue"
    settings = await auth.ok("GET", "/settings")
    assert settings["external"]["email"] is True
    assert settings["external"]["google"] is False
    assert settings["mailer_autoconfirm"] is True
    assert settings["disable_signup"] is False


async def test_well_known(auth: Auth) -> None:
    keys = await auth.call("GET", "/.well-known/jwks.json")
    assert keys.json == {"keys": []}
    assert keys.headers["cache-control"] == "public, max-age=600"
    metadata = await auth.ok("GET", "/.well-known/openid-configuration")
    assert metadata["issuer"] == EXTERNAL
    assert metadata["jwks_uri"] == f"{EXTERNAL}/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/nowhere", 404, ""),
        ("GET", "/signup", 405, ""),
        ("GET", "/.well-known/oauth-authorization-server", 404, "feature_disabled"),
        ("GET", "/authorize?provider=github", 400, "validation_failed"),
        ("POST", "/sso", 404, "saml_provider_disabled"),
        ("POST", "/passkeys/authentication/options", 404, "passkey_disabled"),
        ("GET", "/oauth/userinfo", 404, "feature_disabled"),
        ("POST", "/factors", 401, "no_authorization"),
        ("GET", "/user/identities/authorize", 401, "no_authorization"),
    ],
)
async def test_what_is_not_there(
    auth: Auth, method: str, target: str, status: int, code: str
) -> None:
    reply = await auth.call(method, target)
    assert (reply.status, reply.code) == (status, code)


async def test_what_a_user_cannot_do_yet(auth: Auth) -> None:
    token = (await auth.sign_up())["access_token"]
    linking = await auth.call("DELETE", "/user/identities/1", token=token)
    assert (linking.status, linking.code) == (404, "manual_linking_disabled")
    factors = await auth.call("POST", "/factors", {}, token=token)
    assert (factors.status, factors.code) == (404, "feature_disabled")
    invite = await auth.call("POST", "/invite", {}, token=auth.service_key)
    assert (invite.status, invite.code) == (404, "feature_disabled")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DatabaseUnavailable("down"), 503, "unexpected_failure"),
        (PoolTimeout("busy"), 504, "request_timeout"),
    ],
)
async def test_a_database_that_does_not_answer(
    auth: Auth, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("backstay.db.pool.Pool.run", fail)
    reply = await auth.sign_in()
    assert (reply.status, reply.code) == (status, code)
    assert reply.headers["retry-after"] == "1"
    assert reply.json["error_id"] == "request-1"
