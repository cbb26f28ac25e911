"""POST /signup."""

from __future__ import annotations

import asyncio

import pytest

from tests.io.auth.harness import VERSIONED, Auth, serving, settings
from tests.support.cluster import Database


async def test_without_confirmation_the_new_user_has_a_session(auth: Auth) -> None:
    reply = await auth.call(
        "POST", "/signup", {"email": "Ada@Example.com", "password": "correct1", "data": {"n": 1}}
    )
    assert reply.status == 200
    answer = reply.json
    user = answer["user"]
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)
    assert answer["expires_at"] == int(auth.clock.time()) + 3600
    assert len(answer["refresh_token"]) == 12
    assert user["email"] == "ada@example.com"
    assert user["phone"] == ""
    assert (user["aud"], user["role"]) == ("authenticated", "authenticated")
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert user["user_metadata"] == {
        "n": 1,
        "email": "ada@example.com",
        "email_verified": True,
        "phone_verified": False,
        "sub": user["id"],
    }
    assert user["email_confirmed_at"] == user["created_at"] == "2026-03-04T05:06:07.089Z"
    assert user["is_anonymous"] is False
    assert "factors" not in user
    assert "banned_until" not in user
    identity = user["identities"][0]
    assert identity["id"] == identity["user_id"] == user["id"]
    assert identity["identity_id"] != user["id"]
    assert identity["provider"] == "email"
    assert identity["email"] == "ada@example.com"
    assert identity["identity_data"]["email_verified"] is False
    assert reply.headers["sb-auth-user-id"] == user["id"]


async def test_with_confirmation_the_answer_is_the_bare_user(confirming: Auth) -> None:
    user = await confirming.sign_up()
    assert "access_token" not in user
    assert "email_confirmed_at" not in user
    assert user["confirmation_sent_at"] == "2026-03-04T05:06:07.089Z"
    mail = confirming.mailer.outbox[0]
    assert (mail.kind, mail.to) == ("signup", "ada@example.com")
    stored = confirming.rows("select token_hash, token_type::text from auth.one_time_tokens")
    assert stored == [(mail.token_hash, "confirmation_token")]
    refused = await confirming.sign_in()
    assert (refused.status, refused.code) == (400, "email_not_confirmed")


async def test_a_repeated_sign_up_is_refused_when_nothing_is_confirmed(auth: Auth) -> None:
    await auth.sign_up()
    again = await auth.call("POST", "/signup", {"email": "ADA@example.com", "password": "another1"})
    assert (again.status, again.code) == (422, "user_already_exists")


async def test_a_repeated_sign_up_looks_new_when_addresses_are_confirmed(confirming: Auth) -> None:
    first = await confirming.sign_up()
    confirming.rows("update auth.users set email_confirmed_at = now()")
    stranger = await confirming.sign_up(password="another1")
    assert stranger["id"] != first["id"]
    assert stranger["identities"] == []
    assert stranger["role"] == ""
    assert "email_confirmed_at" not in stranger
    assert len(confirming.mailer.outbox) == 1


async def test_an_unconfirmed_address_is_asked_again_and_keeps_its_password(
    confirming: Auth,
) -> None:
    first = await confirming.sign_up()
    confirming.wait(2)
    second = await confirming.sign_up(password="another1")
    assert second["id"] == first["id"]
    assert len(confirming.mailer.outbox) == 2
    confirming.rows("update auth.users set email_confirmed_at = now()")
    assert (await confirming.sign_in(password="another1")).code == "invalid_credentials"
    assert (await confirming.sign_in()).status == 200


async def test_asking_again_at_once_is_too_often(confirming: Auth) -> None:
    await confirming.sign_up()
    again = await confirming.call(
        "POST", "/signup", {"email": "ada@example.com", "password": "correct1"}
    )
    assert (again.status, again.code) == (429, "over_email_send_rate_limit")
    assert "you can only request this after" in again.json["msg"]


async def test_an_unconfirmed_account_is_not_handed_to_whoever_names_it(auth: Auth) -> None:
    made = {"email": "ada@example.com", "password": "correct1"}
    await auth.ok("POST", "/admin/users", made, token=auth.service_key)
    guess = await auth.call("POST", "/signup", made | {"password": "guessed1"})
    assert guess.code == "user_already_exists"
    owner = await auth.call("POST", "/signup", made)
    assert owner.json["user"]["email_confirmed_at"]


async def test_two_sign_ups_at_once_make_one_account(auth: Auth) -> None:
    body = {"email": "ada@example.com", "password": "correct1"}
    replies = await asyncio.gather(*(auth.call("POST", "/signup", body) for _ in range(6)))
    assert {reply.status for reply in replies} <= {200, 422}
    assert sum(reply.status == 200 for reply in replies) == 1
    assert auth.rows("select count(*) from auth.users") == [(1,)]


async def test_a_trigger_that_fails_fails_the_sign_up(auth: Auth) -> None:
    auth.rows(
        """
        create function public.refuse() returns trigger language plpgsql as
        $$ begin raise exception 'no room for %', new.email using hint = 'try later'; end $$;
        create trigger refuse after insert on auth.users
          for each row execute function public.refuse();
        """
    )
    body = {"email": "ada@example.com", "password": "correct1"}
    named = await auth.call("POST", "/signup", body, headers=VERSIONED)
    assert (named.status, named.json) == (
        500,
        {"code": "unexpected_failure", "message": "Database error saving new user"},
    )
    unnamed = await auth.call("POST", "/signup", body)
    assert unnamed.status == 500
    assert unnamed.json == {
        "code": "P0001",
        "message": "no room for ada@example.com",
        "hint": "try later",
    }
    assert auth.rows("select count(*) from auth.users") == [(0,)]
    assert len(auth.failures) == 2


async def test_a_profile_trigger_runs_in_the_sign_up(auth: Auth) -> None:
    auth.rows(
        """
        create table public.profiles (id uuid primary key references auth.users, name text);
        create function public.make_profile() returns trigger language plpgsql
          security definer set search_path = '' as
        $$ begin
          insert into public.profiles values (new.id, new.raw_user_meta_data ->> 'name');
          return new;
        end $$;
        create trigger make_profile after insert on auth.users
          for each row execute function public.make_profile();
        """
    )
    body = {"email": "ada@example.com", "password": "correct1", "data": {"name": "Ada"}}
    answer = await auth.ok("POST", "/signup", body)
    assert auth.rows("select id::text, name from public.profiles") == [
        (answer["user"]["id"], "Ada")
    ]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"email": "a@example.com"}, 400, "validation_failed"),
        ({"email": "a@example.com", "password": "short"}, 422, "weak_password"),
        ({"email": "a@example.com", "password": "x" * 73}, 400, "validation_failed"),
        ({"email": "nowhere", "password": "correct1"}, 400, "validation_failed"),
        ({"email": "a" * 250 + "@example.com", "password": "correct1"}, 400, "validation_failed"),
        (
            {"email": "a@b.co", "phone": "4912345678", "password": "correct1"},
            400,
            "validation_failed",
        ),
        ({"phone": "4912345678", "password": "correct1"}, 400, "phone_provider_disabled"),
        ({"email": 1, "password": "correct1"}, 400, "bad_json"),
        (["no object"], 400, "bad_json"),
        ({"email": "a@b.co", "password": "nul\0nul1"}, 400, "bad_json"),
        (
            {"email": "a@b.co", "password": "correct1", "code_challenge": "short"},
            400,
            "validation_failed",
        ),
        ({}, 422, "anonymous_provider_disabled"),
    ],
)
async def test_what_is_refused(auth: Auth, body: object, status: int, code: str) -> None:
    reply = await auth.call("POST", "/signup", body)
    assert (reply.status, reply.code) == (status, code), reply.json


async def test_a_weak_password_says_why(database: Database) -> None:
    strict = settings(minimum_password_length=8, password_requirements="lower_upper_letters_digits")
    async with serving(database, strict) as auth:
        reply = await auth.call("POST", "/signup", {"email": "a@b.co", "password": "short"})
        assert reply.json["weak_password"] == {"reasons": ["length", "characters"]}
        assert reply.json["msg"].startswith("Password should be at least 8 characters. Password")


async def test_closed_doors(database: Database) -> None:
    body = {"email": "a@b.co", "password": "correct1"}
    async with serving(database, settings(enable_signup=False)) as auth:
        assert (await auth.call("POST", "/signup", body)).code == "signup_disabled"
    async with serving(database, settings(email={"enable_signup": False})) as auth:
        assert (await auth.call("POST", "/signup", body)).code == "email_provider_disabled"
        assert (await auth.sign_in()).code == "email_provider_disabled"


async def test_anonymous(database: Database) -> None:
    async with serving(database, settings(enable_anonymous_sign_ins=True)) as auth:
        answer = await auth.ok("POST", "/signup", {"data": {"seat": 4}})
        user = answer["user"]
        assert user["is_anonymous"] is True
        assert (user["email"], user["app_metadata"]) == ("", {})
        assert user["user_metadata"] == {"seat": 4}
        token = answer["access_token"]
        lonely = await auth.call("PUT", "/user", {"password": "correct1"}, token=token)
        assert (lonely.status, lonely.code) == (422, "validation_failed")
        grown = await auth.ok("PUT", "/user", {"email": "ada@example.com"}, token=token)
        assert grown["is_anonymous"] is False
        assert grown["email"] == "ada@example.com"
        assert grown["app_metadata"]["providers"] == ["email"]


async def test_by_phone_without_confirmation(database: Database) -> None:
    async with serving(database, settings(sms={"enable_signup": True})) as auth:
        body = {"phone": "+49 1234 5678", "password": "correct1"}
        answer = await auth.ok("POST", "/signup", body)
        assert answer["user"]["phone"] == "4912345678"
        assert answer["user"]["email"] == ""
        signed_in = await auth.call("POST", "/token?grant_type=password", body)
        assert signed_in.status == 200
        both = await auth.call(
            "POST", "/token?grant_type=password", body | {"email": "ada@example.com"}
        )
        assert both.code == "validation_failed"
