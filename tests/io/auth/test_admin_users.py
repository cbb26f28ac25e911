"""/admin/users."""

from __future__ import annotations

import pytest

from tests.io.auth.harness import Auth


async def test_only_administrators(auth: Auth) -> None:
    token = (await auth.sign_up())["access_token"]
    for bearer, status, code in [
        ("", 401, "no_authorization"),
        ("x.y.z", 403, "bad_jwt"),
        (auth.anon_key, 403, "not_admin"),
        (token, 403, "not_admin"),
        (auth.service_key, 200, ""),
    ]:
        reply = await auth.call("GET", "/admin/users", token=bearer)
        assert (reply.status, reply.code) == (status, code)


async def test_an_administrators_session_must_be_alive(auth: Auth) -> None:
    user = (await auth.sign_up())["user"]
    session = auth.rows("select id::text from auth.sessions")[0][0]
    token = auth.signer.sign({"role": "service_role", "sub": user["id"], "session_id": session})
    assert (await auth.call("GET", "/admin/users", token=token)).status == 200
    auth.rows("update auth.sessions set not_after = '2020-01-01'")
    assert (await auth.call("GET", "/admin/users", token=token)).code == "session_expired"
    auth.rows("delete from auth.sessions")
    assert (await auth.call("GET", "/admin/users", token=token)).code == "session_not_found"


async def test_create(auth: Auth) -> None:
    key = auth.service_key
    body = {
        "id": "11111111-2222-4333-8444-555555555555",
        "email": "Eve@example.com",
        "phone": "+49 123456",
        "password": "correct1",
        "email_confirm": True,
        "user_metadata": {"name": "Eve"},
        "app_metadata": {"role": "operator"},
        "role": "authenticated",
        "ban_duration": "1h30m",
    }
    user = await auth.ok("POST", "/admin/users", body, token=key)
    assert user["id"] == body["id"]
    assert (user["email"], user["phone"]) == ("eve@example.com", "49123456")
    assert user["email_confirmed_at"]
    assert "phone_confirmed_at" not in user
    assert user["user_metadata"] == {"name": "Eve", "email_verified": True}
    assert user["app_metadata"] == {
        "provider": "email",
        "providers": ["email", "phone"],
        "role": "operator",
    }
    assert user["banned_until"] == "2026-03-04T06:36:07.089Z"
    assert {identity["provider"] for identity in user["identities"]} == {"email", "phone"}
    assert auth.mailer.outbox == []
    again = await auth.call("POST", "/admin/users", body, token=key)
    assert (again.status, again.code) == (422, "email_exists")
    phone = await auth.call("POST", "/admin/users", {"phone": "49123456"}, token=key)
    assert (phone.status, phone.code) == (422, "phone_exists")
    taken = await auth.call(
        "POST", "/admin/users", {"id": body["id"], "email": "x@example.com"}, token=key
    )
    assert (taken.status, taken.code) == (400, "validation_failed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "nowhere"},
        {"phone": "0"},
        {"email": "a@b.co", "password": "x" * 73},
        {"email": "a@b.co", "password": "correct1", "password_hash": "$2a$"},
        {"email": "a@b.co", "password_hash": "plain"},
        {"email": "a@b.co", "id": "one"},
        {"email": "a@b.co", "id": "00000000-0000-0000-0000-000000000000"},
        {"email": "a@b.co", "ban_duration": "a while"},
        {"email": "a@b.co", "role": "r" * 256},
    ],
)
async def test_what_cannot_be_created(auth: Auth, body: object) -> None:
    reply = await auth.call("POST", "/admin/users", body, token=auth.service_key)
    assert (reply.status, reply.code) == (400, "validation_failed"), reply.json


async def test_without_confirmation_an_account_is_unconfirmed(auth: Auth) -> None:
    body = {"email": "eve@example.com", "password": "correct1"}
    await auth.ok("POST", "/admin/users", body, token=auth.service_key)
    assert (await auth.sign_in("eve@example.com")).code == "email_not_confirmed"


async def test_update_merges_metadata(auth: Auth) -> None:
    user = (await auth.sign_up())["user"]
    target, key = f"/admin/users/{user['id']}", auth.service_key
    await auth.ok("PUT", target, {"app_metadata": {"a": 1, "b": 2}}, token=key)
    changes = {
        "app_metadata": {"a": None, "c": 3},
        "user_metadata": {"x": "y"},
        "role": " authenticated ",
        "email": "new@example.com",
        "email_confirm": True,
        "password": "another1",
    }
    changed = await auth.ok("PUT", target, changes, token=key)
    assert changed["app_metadata"] == {
        "provider": "email",
        "providers": ["email"],
        "b": 2,
        "c": 3,
    }
    assert changed["user_metadata"]["x"] == "y"
    assert changed["email"] == changed["identities"][0]["email"] == "new@example.com"
    assert auth.rows("select count(*) from auth.sessions") == [(0,)]
    assert (await auth.sign_in("new@example.com", "another1")).status == 200
    await auth.sign_up("bob@example.com")
    clash = await auth.call("PUT", target, {"email": "bob@example.com"}, token=key)
    assert (clash.status, clash.code) == (422, "email_exists")


async def test_what_is_not_there(auth: Auth) -> None:
    for method in ("GET", "PUT", "DELETE"):
        unknown = "/admin/users/5b2b4d50-0000-4000-8000-000000000000"
        reply = await auth.call(method, unknown, {}, token=auth.service_key)
        assert (reply.status, reply.code) == (404, "user_not_found")
        reply = await auth.call(method, "/admin/users/ada", {}, token=auth.service_key)
        assert (reply.status, reply.code) == (404, "validation_failed")


async def test_delete(auth: Auth) -> None:
    answer = await auth.sign_up()
    target = f"/admin/users/{answer['user']['id']}"
    assert await auth.ok("DELETE", target, token=auth.service_key) == {}
    reply = await auth.call("GET", "/user", token=answer["access_token"])
    assert reply.code == "user_not_found"
    assert auth.rows("select count(*) from auth.identities") == [(0,)]


async def test_delete_softly(auth: Auth) -> None:
    answer = await auth.sign_up()
    target = f"/admin/users/{answer['user']['id']}"
    await auth.ok("DELETE", target, {"should_soft_delete": True}, token=auth.service_key)
    left = await auth.ok("GET", target, token=auth.service_key)
    assert left["deleted_at"] == "2026-03-04T05:06:07.089Z"
    assert "@" not in left["email"]
    assert (left["app_metadata"], left["user_metadata"]) == ({}, {})
    assert "identity_data" not in left["identities"][0]
    assert (await auth.sign_in()).code == "invalid_credentials"
    assert (await auth.refresh(answer["refresh_token"])).code == "refresh_token_not_found"
    again = await auth.sign_up()
    assert again["user"]["id"] != answer["user"]["id"]


async def test_pages(auth: Auth) -> None:
    for number in range(5):
        auth.wait(1)
        await auth.sign_up(f"user{number}@example.com")
    key = auth.service_key
    reply = await auth.call("GET", "/admin/users?page=2&per_page=2", token=key)
    assert reply.json["aud"] == "authenticated"
    assert [user["email"] for user in reply.json["users"]] == [
        "user2@example.com",
        "user1@example.com",
    ]
    assert reply.json["users"][0]["identities"] is None
    assert reply.headers["x-total-count"] == "5"
    assert reply.headers["link"] == (
        '</admin/users?page=3&per_page=2>; rel="next", </admin/users?page=3&per_page=2>; rel="last"'
    )
    last = await auth.call("GET", "/admin/users?page=3&per_page=2", token=key)
    assert last.headers["link"] == '</admin/users?page=3&per_page=2>; rel="last"'
    found = await auth.ok("GET", "/admin/users?filter=user3", token=key)
    assert [user["email"] for user in found["users"]] == ["user3@example.com"]
    oldest = await auth.ok("GET", "/admin/users?sort=created_at%20asc&per_page=1", token=key)
    assert oldest["users"][0]["email"] == "user0@example.com"


@pytest.mark.parametrize(
    "query", ["page=x", "per_page=-1", "page=1.5", "sort=email", "sort=created_at%20up"]
)
async def test_bad_pages(auth: Auth, query: str) -> None:
    reply = await auth.call("GET", f"/admin/users?{query}", token=auth.service_key)
    assert (reply.status, reply.code) == (400, "validation_failed")


async def test_absurd_pages_are_empty(auth: Auth) -> None:
    query = f"page={2**63 - 1}&per_page={2**63 - 1}"
    assert (await auth.ok("GET", f"/admin/users?{query}", token=auth.service_key))["users"] == []


async def test_factors(auth: Auth) -> None:
    user = (await auth.sign_up())["user"]
    target = f"/admin/users/{user['id']}/factors"
    assert await auth.ok("GET", target, token=auth.service_key) == []
