"""POST /token: passwords, and refresh tokens with their rotation."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import bcrypt
import psycopg
import pytest
from argon2 import PasswordHasher

from backstay.config.auth import HookSettings
from backstay.config.auth_profile import AuthProfile
from tests.io.auth.harness import EXTERNAL, VERSIONED, Auth, serving, settings
from tests.support.cluster import Database


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return decoded


async def test_the_claims_of_a_signed_in_user(auth: Auth) -> None:
    user = (await auth.sign_up())["user"]
    token = (await auth.sign_in()).json["access_token"]
    data = claims(token)
    now = int(auth.clock.time())
    assert list(data) == [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "email",
        "phone",
        "app_metadata",
        "user_metadata",
        "role",
        "aal",
        "amr",
        "session_id",
        "is_anonymous",
    ]
    assert data["iss"] == EXTERNAL
    assert (data["sub"], data["aud"], data["role"]) == (
        user["id"],
        "authenticated",
        "authenticated",
    )
    assert (data["iat"], data["exp"]) == (now, now + 3600)
    assert (data["aal"], data["amr"]) == ("aal1", [{"method": "password", "timestamp": now}])
    assert data["app_metadata"] == user["app_metadata"]
    assert data["is_anonymous"] is False
    sessions = auth.rows("select id::text, user_agent, host(ip) from auth.sessions")
    assert (data["session_id"], None, "127.0.0.1") in sessions


async def test_every_bad_login_looks_the_same(auth: Auth) -> None:
    await auth.sign_up()
    made = {"email": "none@example.com", "email_confirm": True}
    await auth.ok("POST", "/admin/users", made, token=auth.service_key)
    auth.rows("update auth.users set encrypted_password = '' where email like 'none%'")
    bodies = [
        (await auth.sign_in(email, password)).body
        for email, password in [
            ("ada@example.com", "wrong"),
            ("nobody@example.com", "wrong"),
            ("none@example.com", "wrong"),
            ("none@example.com", ""),
            ("ada@example.com", ""),
        ]
    ]
    assert set(bodies) == {
        b'{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}'
    }


async def test_both_shapes_of_an_error(auth: Auth) -> None:
    body = {"email": "ada@example.com", "password": "wrong"}
    reply = await auth.call("POST", "/token?grant_type=password", body, headers=VERSIONED)
    assert reply.json == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert reply.headers["x-supabase-api-version"] == "2024-01-01"
    assert reply.code == "invalid_credentials"


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("/token", {}, "invalid_credentials"),
        ("/token?grant_type=magic", {}, "invalid_credentials"),
        ("/token?grant_type=password", {}, "validation_failed"),
        ("/token?grant_type=password", {"phone": "49123"}, "phone_provider_disabled"),
        ("/token?grant_type=refresh_token", {}, "validation_failed"),
        ("/token?grant_type=refresh_token", {"refresh_token": "Not-A-Token!"}, "validation_failed"),
        (
            "/token?grant_type=refresh_token",
            {"refresh_token": "abcdefghijkl"},
            "refresh_token_not_found",
        ),
        ("/token?grant_type=pkce", {}, "validation_failed"),
        ("/token?grant_type=id_token", {}, "provider_disabled"),
        ("/token?grant_type=web3", {}, "web3_provider_disabled"),
    ],
)
async def test_what_is_refused(auth: Auth, target: str, body: object, code: str) -> None:
    reply = await auth.call("POST", target, body)
    assert reply.code == code
    assert 400 <= reply.status < 500


async def test_bodies_that_are_none(auth: Auth) -> None:
    target = "/token?grant_type=password"
    assert (await auth.call("POST", target, raw=b"")).code == "bad_json"
    assert (await auth.call("POST", target, raw=b"{")).code == "bad_json"
    assert (await auth.call("POST", target, raw=b'{"email": 1e999}')).code == "bad_json"
    assert (await auth.call("POST", target, raw=b"[" * 100_000)).code == "bad_json"
    assert (await auth.call("POST", target, raw=b"\xff\xfe")).code == "bad_json"
    large = await auth.call("POST", target, raw=b" " * (1 << 20) + b"{}")
    assert (large.status, large.code) == (413, "request_entity_too_large")


async def test_rows_a_seed_inserted_can_sign_in(auth: Auth) -> None:
    auth.rows(
        """
        insert into auth.users (instance_id, id, aud, role, email, encrypted_password,
          email_confirmed_at, created_at, updated_at)
        values ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated',
          'authenticated', 'Seed@example.com', extensions.crypt('seeded1', extensions.gen_salt('bf')),
          now(), now(), now())
        """
    )
    reply = await auth.sign_in("seed@EXAMPLE.com", "seeded1")
    assert reply.status == 200
    assert reply.json["user"]["identities"] == []
    assert reply.json["user"]["app_metadata"] == {}


async def test_imported_hashes(auth: Auth) -> None:
    hashes = {
        "bcrypt": bcrypt.hashpw(b"imported1", bcrypt.gensalt(4)).decode(),
        "argon2": PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("imported1"),
    }
    for name, hashed in hashes.items():
        body = {"email": f"{name}@example.com", "password_hash": hashed, "email_confirm": True}
        await auth.ok("POST", "/admin/users", body, token=auth.service_key)
        assert (await auth.sign_in(f"{name}@example.com", "imported1")).status == 200, name
        assert (await auth.sign_in(f"{name}@example.com", "imported2")).status == 400, name


async def test_a_password_that_became_weak_still_signs_in(database: Database) -> None:
    async with serving(database, settings()) as auth:
        await auth.sign_up()
    async with serving(database, settings(minimum_password_length=20)) as auth:
        weak = (await auth.sign_in()).json["weak_password"]
        assert weak["reasons"] == ["length"]


async def test_a_banned_user_gets_nothing(auth: Auth) -> None:
    answer = await auth.sign_up()
    target = f"/admin/users/{answer['user']['id']}"
    banned = await auth.ok("PUT", target, {"ban_duration": "24h"}, token=auth.service_key)
    assert banned["banned_until"] == "2026-03-05T05:06:07.089Z"
    assert (await auth.sign_in()).code == "user_banned"
    assert (await auth.refresh(answer["refresh_token"])).code == "user_banned"
    denied = await auth.call("GET", "/user", token=answer["access_token"])
    assert (denied.status, denied.code) == (403, "user_banned")
    await auth.ok("PUT", target, {"ban_duration": "none"}, token=auth.service_key)
    assert (await auth.sign_in()).status == 200


# ── rotation ──────────────────────────────────────────────────────────────────────────────────────


def family(auth: Auth) -> list[tuple[str, str, bool]]:
    return [
        (token, parent, revoked)
        for token, parent, revoked in auth.rows(
            "select token, parent, revoked from auth.refresh_tokens order by id"
        )
    ]


async def test_a_refresh_spends_the_token_and_keeps_the_session(auth: Auth) -> None:
    first = await auth.sign_up()
    auth.wait(100)
    reply = await auth.refresh(first["refresh_token"])
    assert reply.status == 200
    second = reply.json
    assert family(auth) == [
        (first["refresh_token"], "", True),
        (second["refresh_token"], first["refresh_token"], False),
    ]
    before, after = claims(first["access_token"]), claims(second["access_token"])
    assert after["session_id"] == before["session_id"]
    assert after["amr"] == before["amr"]
    assert after["iat"] == before["iat"] + 100
    assert second["user"]["identities"] == first["user"]["identities"]
    assert reply.headers["sb-auth-refresh-token-reuse"] == "false"
    actions = auth.rows("select payload ->> 'action' from auth.audit_log_entries")
    assert {("token_refreshed",), ("token_revoked",)} <= set(actions)


async def test_the_parent_of_the_active_token_gives_the_active_one_however_late(auth: Auth) -> None:
    first = await auth.sign_up()
    second = (await auth.refresh(first["refresh_token"])).json
    auth.wait(86_400)
    again = await auth.refresh(first["refresh_token"])
    assert again.status == 200
    assert again.json["refresh_token"] == second["refresh_token"]


async def test_an_older_token_revokes_the_family(auth: Auth) -> None:
    first = await auth.sign_up()
    second = (await auth.refresh(first["refresh_token"])).json
    third = (await auth.refresh(second["refresh_token"])).json
    auth.wait(11)
    stolen = await auth.refresh(first["refresh_token"])
    assert (stolen.status, stolen.code) == (400, "refresh_token_already_used")
    assert stolen.json["msg"] == "Invalid Refresh Token: Already Used"
    assert all(revoked for _, _, revoked in family(auth))
    auth.wait(11)
    assert (await auth.refresh(third["refresh_token"])).code == "refresh_token_already_used"


async def test_an_older_token_within_the_interval_is_taken(auth: Auth) -> None:
    first = await auth.sign_up()
    second = (await auth.refresh(first["refresh_token"])).json
    await auth.refresh(second["refresh_token"])
    auth.wait(9)
    assert (await auth.refresh(first["refresh_token"])).status == 200


async def test_without_rotation_only_the_request_is_refused(database: Database) -> None:
    async with serving(database, settings(enable_refresh_token_rotation=False)) as auth:
        first = await auth.sign_up()
        second = (await auth.refresh(first["refresh_token"])).json
        third = (await auth.refresh(second["refresh_token"])).json
        auth.wait(11)
        assert (await auth.refresh(first["refresh_token"])).code == "refresh_token_already_used"
        assert (await auth.refresh(third["refresh_token"])).status == 200


async def test_refreshes_at_once_all_succeed_and_yield_one_family(auth: Auth) -> None:
    first = await auth.sign_up()
    replies = await asyncio.gather(*(auth.refresh(first["refresh_token"]) for _ in range(12)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.json["refresh_token"] for reply in replies}) == 1
    assert len({claims(reply.json["access_token"])["session_id"] for reply in replies}) == 1
    assert [revoked for _, _, revoked in family(auth)] == [True, False]


async def test_theft_and_refresh_at_once_never_lock_each_other(auth: Auth) -> None:
    first = await auth.sign_up()
    second = (await auth.refresh(first["refresh_token"])).json
    third = (await auth.refresh(second["refresh_token"])).json
    auth.wait(60)
    replies = await asyncio.gather(
        *(auth.refresh(token) for token in (first["refresh_token"], third["refresh_token"]) * 6)
    )
    assert {reply.status for reply in replies} <= {200, 400}
    assert {reply.code for reply in replies if reply.status == 400} == {
        "refresh_token_already_used"
    }


@pytest.mark.parametrize(
    ("sessions", "wait", "message"),
    [
        ({"timebox": 100.0}, 101, "Invalid Refresh Token: Session Expired"),
        (
            {"inactivity_timeout": 100.0},
            101,
            "Invalid Refresh Token: Session Expired (Inactivity)",
        ),
    ],
)
async def test_a_session_that_is_over(
    database: Database, sessions: dict[str, float], wait: int, message: str
) -> None:
    async with serving(database, settings(sessions=sessions)) as auth:
        answer = await auth.sign_up()
        auth.wait(wait)
        reply = await auth.refresh(answer["refresh_token"])
        assert (reply.code, reply.json["msg"]) == ("session_expired", message)


async def test_a_token_without_a_session(auth: Auth) -> None:
    answer = await auth.sign_up()
    auth.rows("update auth.refresh_tokens set session_id = null")
    assert (await auth.refresh(answer["refresh_token"])).code == "session_not_found"
    assert family(auth) == []


async def test_a_session_someone_holds_for_too_long(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backstay.auth.refresh_grant.PATIENCE", 0.1)
    first = await auth.sign_up()
    with psycopg.connect(auth.dsn) as holder:
        holder.execute("select 1 from auth.sessions for no key update")
        reply = await auth.refresh(first["refresh_token"])
        assert (reply.status, reply.code) == (409, "conflict")
    assert (await auth.refresh(first["refresh_token"])).status == 200


# ── hooks and the profile ─────────────────────────────────────────────────────────────────────────


def hooked(database: Database, body: str) -> AbstractAsyncContextManager[Auth]:
    """The service with a custom_access_token hook of this PL/pgSQL body."""
    database.execute(
        f"create function public.hook(event jsonb) returns jsonb language plpgsql as $$ {body} $$",
        role="supabase_admin",
    )
    database.execute("grant usage on schema public to supabase_auth_admin", role="supabase_admin")
    uri = "pg-functions://postgres/public/hook"
    hook = {"custom_access_token": HookSettings(enabled=True, uri=uri)}
    return serving(database, settings(hook=hook))


async def test_a_hook_shapes_the_claims(database: Database) -> None:
    body = """begin return jsonb_set(event, '{claims,user_role}', to_jsonb(
      (event -> 'authentication_method') #>> '{}' || '/' || current_user)); end"""
    async with hooked(database, body) as auth:
        first = await auth.sign_up()
        assert claims(first["access_token"])["user_role"] == "password/supabase_auth_admin"
        second = (await auth.refresh(first["refresh_token"])).json
        assert claims(second["access_token"])["user_role"] == "token_refresh/supabase_auth_admin"
        replies = await asyncio.gather(*(auth.refresh(second["refresh_token"]) for _ in range(8)))
        assert {reply.status for reply in replies} == {200}
        assert len({reply.json["refresh_token"] for reply in replies}) == 1


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (
            """begin return '{"error": {"http_code": 403, "message": "not today"}}'; end""",
            403,
            "not today",
        ),
        ("begin return '{}'; end", 500, "output claims field is missing"),
        (
            "begin return event #- '{claims,sub}'; end",
            500,
            "output claims do not conform to the expected schema: \n- (root): sub is required\n",
        ),
        (
            "begin perform pg_sleep(10); return event; end",
            500,
            "Error running hook URI: pg-functions://postgres/public/hook",
        ),
        (
            "begin raise exception 'broken'; end",
            500,
            "Error running hook URI: pg-functions://postgres/public/hook",
        ),
    ],
)
async def test_a_hook_that_refuses_opens_no_session(
    database: Database, body: str, status: int, message: str
) -> None:
    async with hooked(database, body) as auth:
        made = {"email": "ada@example.com", "password": "correct1", "email_confirm": True}
        await auth.ok("POST", "/admin/users", made, token=auth.service_key)
        credentials = {"email": "ada@example.com", "password": "correct1"}
        reply = await auth.call(
            "POST", "/token?grant_type=password", credentials, headers=VERSIONED
        )
        assert (reply.status, reply.json["message"]) == (status, message)
        assert auth.rows("select count(*) from auth.sessions") == [(0,)]


async def test_login_by_the_projects_own_name(database: Database) -> None:
    profile = AuthProfile(
        profile_table="public.people",
        login_by="nick",
        user_fields=("nick", "role"),
        oauth_error_fields=True,
    )
    for statement in (
        "create table public.people (id uuid primary key, nick text, role text)",
        "alter table public.people enable row level security",
        "create policy auth on public.people for select to supabase_auth_admin using (true)",
        "grant usage on schema public to supabase_auth_admin",
        "grant select on public.people to supabase_auth_admin",
    ):
        database.execute(statement, role="supabase_admin")
    async with serving(database, settings(), profile) as auth:
        user = (await auth.sign_up())["user"]
        auth.rows("insert into public.people values (%s, 'ada', 'boss')", [user["id"]])
        body = {"username": "ada", "password": "correct1"}
        answer = await auth.ok("POST", "/token?grant_type=password", body)
        assert (answer["user"]["nick"], answer["user"]["role"]) == ("ada", "boss")
        assert claims(answer["access_token"])["role"] == "authenticated"
        me = await auth.ok("GET", "/user", token=answer["access_token"])
        assert (me["nick"], me["role"]) == ("ada", "boss")
        refused = [
            await auth.call("POST", "/token?grant_type=password", wrong)
            for wrong in (body | {"password": "wrong"}, body | {"username": "nobody"})
        ]
        assert refused[0].body == refused[1].body
        assert refused[0].status == 400
        assert refused[0].json == {
            "code": 400,
            "error_code": "invalid_credentials",
            "msg": "Invalid login credentials",
            "error": "invalid_grant",
            "error_description": "Invalid login credentials",
        }
