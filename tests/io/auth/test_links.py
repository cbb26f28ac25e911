"""Codes and links: /otp, /magiclink, /recover, /resend, /verify, and the PKCE grant."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.io.auth.harness import EXTERNAL, Auth, serving, settings
from tests.support.cluster import Database

VERIFIER = "v" * 64
CHALLENGE = {
    "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .rstrip(b"=")
    .decode(),
    "code_challenge_method": "S256",
}


async def test_a_link_confirms_and_redirects_with_the_session(confirming: Auth) -> None:
    await confirming.sign_up()
    mail = confirming.mailer.outbox[0]
    assert mail.link.startswith(f"{EXTERNAL}/verify?token={mail.token_hash}&type=signup")
    target = mail.link.removeprefix(EXTERNAL)
    reply = await confirming.call("GET", target)
    assert reply.status == 303
    location = urlsplit(reply.headers["location"])
    assert location.geturl().startswith("http://127.0.0.1:3000#")
    fragment = parse_qs(location.fragment, keep_blank_values=True)
    assert list(fragment) == [
        "access_token",
        "expires_at",
        "expires_in",
        "refresh_token",
        "sb",
        "token_type",
        "type",
    ]
    user = await confirming.ok("GET", "/user", token=fragment["access_token"][0])
    assert user["email_confirmed_at"]
    assert user["identities"][0]["identity_data"]["email_verified"] is True
    assert user["user_metadata"]["email_verified"] is True
    again = await confirming.call("GET", target)
    refused = parse_qs(urlsplit(again.headers["location"]).fragment)
    assert (again.status, refused["error"], refused["error_code"]) == (
        303,
        ["access_denied"],
        ["otp_expired"],
    )


async def test_a_code_works_once_and_not_for_ever(confirming: Auth) -> None:
    await confirming.sign_up()
    code = confirming.mailer.outbox[0].token
    assert len(code) == 6
    proof = {"type": "email", "email": "ada@example.com", "token": code}
    wrong = proof | {"token": f"{(int(code) + 1) % 10**6:06}"}
    assert (await confirming.call("POST", "/verify", wrong)).code == "otp_expired"
    confirming.wait(3601)
    late = await confirming.call("POST", "/verify", proof)
    assert (late.status, late.code) == (403, "otp_expired")
    await confirming.ok("POST", "/resend", {"type": "signup", "email": "ada@example.com"})
    fresh = proof | {"token": confirming.mailer.outbox[-1].token}
    answer = await confirming.ok("POST", "/verify", fresh)
    assert answer["user"]["email_confirmed_at"]
    assert (await confirming.call("POST", "/verify", fresh)).code == "otp_expired"


async def test_a_magic_link_makes_an_account_where_nothing_is_confirmed(auth: Auth) -> None:
    assert await auth.ok("POST", "/otp", {"email": "new@example.com"}) == {}
    mail = auth.mailer.outbox[-1]
    assert mail.kind == "magiclink"
    assert auth.rows("select count(*) from auth.sessions") == [(0,)]
    answer = await auth.ok("POST", "/verify", {"type": "email", "token_hash": mail.token_hash})
    assert answer["user"]["email"] == "new@example.com"


async def test_a_magic_link_confirms_a_new_account_elsewhere(confirming: Auth) -> None:
    await confirming.ok("POST", "/magiclink", {"email": "new@example.com", "data": {"a": 1}})
    mail = confirming.mailer.outbox[-1]
    assert mail.kind == "signup"
    proof = {"type": "email", "email": "new@example.com", "token": mail.token}
    answer = await confirming.ok("POST", "/verify", proof)
    assert answer["user"]["user_metadata"]["a"] == 1


async def test_recovery(auth: Auth) -> None:
    await auth.sign_up()
    assert await auth.ok("POST", "/recover", {"email": "nobody@example.com"}) == {}
    assert auth.mailer.outbox == []
    assert await auth.ok("POST", "/recover", {"email": "ada@example.com"}) == {}
    mail = auth.mailer.outbox[0]
    proof = {"type": "recovery", "email": "ada@example.com", "token": mail.token}
    token = (await auth.ok("POST", "/verify", proof))["access_token"]
    await auth.ok("PUT", "/user", {"password": "another1"}, token=token)
    assert (await auth.sign_in(password="another1")).status == 200


async def test_the_flow_with_a_code_to_exchange(auth: Auth) -> None:
    await auth.sign_up()
    await auth.ok("POST", "/recover", {"email": "ada@example.com", **CHALLENGE})
    mail = auth.mailer.outbox[0]
    assert mail.token_hash.startswith("pkce_")
    reply = await auth.call("GET", mail.link.removeprefix(EXTERNAL))
    code = parse_qs(urlsplit(reply.headers["location"]).query)["code"][0]
    exchange = {"auth_code": code, "code_verifier": VERIFIER}
    bad = await auth.call("POST", "/token?grant_type=pkce", exchange | {"code_verifier": "w" * 64})
    assert (bad.status, bad.code) == (400, "bad_code_verifier")
    answer = await auth.ok("POST", "/token?grant_type=pkce", exchange)
    assert answer["user"]["email"] == "ada@example.com"
    again = await auth.call("POST", "/token?grant_type=pkce", exchange)
    assert (again.status, again.code) == (404, "flow_state_not_found")


async def test_a_code_to_exchange_expires(auth: Auth) -> None:
    await auth.sign_up()
    await auth.ok("POST", "/recover", {"email": "ada@example.com", **CHALLENGE})
    reply = await auth.call("GET", auth.mailer.outbox[0].link.removeprefix(EXTERNAL))
    code = parse_qs(urlsplit(reply.headers["location"]).query)["code"][0]
    auth.wait(301)
    exchange = {"auth_code": code, "code_verifier": VERIFIER}
    late = await auth.call("POST", "/token?grant_type=pkce", exchange)
    assert (late.status, late.code) == (422, "flow_state_expired")


async def test_redirects_stay_where_the_project_allows(database: Database) -> None:
    allowed = settings(additional_redirect_urls=("https://*.example.com/**",))
    async with serving(database, allowed) as auth:
        await auth.sign_up()
        for wanted, used in [
            ("https://app.example.com/a/b", "https://app.example.com/a/b"),
            ("https://evil.test/", "http://127.0.0.1:3000"),
            ("http://127.0.0.1:9999/x", "http://127.0.0.1:9999/x"),
        ]:
            auth.wait(5)
            await auth.ok("POST", f"/recover?redirect_to={wanted}", {"email": "ada@example.com"})
            assert auth.mailer.outbox[-1].redirect_to == used


async def test_banned_users_prove_nothing(auth: Auth) -> None:
    await auth.sign_up()
    await auth.ok("POST", "/recover", {"email": "ada@example.com"})
    auth.rows("update auth.users set banned_until = '2100-01-01'")
    proof = {"type": "recovery", "token_hash": auth.mailer.outbox[0].token_hash}
    reply = await auth.call("POST", "/verify", proof)
    assert (reply.status, reply.code) == (403, "user_banned")


async def test_a_mailer_that_fails_is_no_silent_success(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(mail: object) -> None:
        raise ConnectionError("no route to the mail server")

    await auth.sign_up()
    monkeypatch.setattr(auth.mailer, "send", fail)
    reply = await auth.call("POST", "/recover", {"email": "ada@example.com"})
    assert (reply.status, reply.code) == (500, "unexpected_failure")
    assert "route" not in reply.json["msg"]


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "code"),
    [
        ("POST", "/otp", {}, 400, "validation_failed"),
        ("POST", "/otp", {"email": "a@b.co", "phone": "49123"}, 400, "validation_failed"),
        ("POST", "/otp", {"email": "a@b.co", "channel": "sms"}, 400, "validation_failed"),
        ("POST", "/otp", {"email": "a@b.co", "create_user": False}, 422, "otp_disabled"),
        ("POST", "/otp", {"phone": "49123"}, 400, "phone_provider_disabled"),
        ("POST", "/magiclink", {}, 422, "validation_failed"),
        ("POST", "/recover", {}, 400, "validation_failed"),
        ("POST", "/resend", {}, 400, "validation_failed"),
        ("POST", "/resend", {"type": "signup"}, 400, "validation_failed"),
        ("POST", "/resend", {"type": "sms"}, 400, "validation_failed"),
        ("POST", "/resend", {"type": "email_change"}, 400, "validation_failed"),
        ("POST", "/resend", {"type": "sms", "phone": "49123"}, 400, "phone_provider_disabled"),
        ("POST", "/verify", {}, 400, "validation_failed"),
        ("POST", "/verify", {"type": "email"}, 400, "validation_failed"),
        ("POST", "/verify", {"type": "email", "token": "1"}, 400, "validation_failed"),
        (
            "POST",
            "/verify",
            {"type": "email", "token": "1", "email": "x"},
            422,
            "validation_failed",
        ),
        (
            "POST",
            "/verify",
            {"type": "email", "token_hash": "1", "email": "a@b.co"},
            400,
            "validation_failed",
        ),
        ("POST", "/verify", {"type": "magic", "token_hash": "1"}, 400, "validation_failed"),
        ("POST", "/verify", {"type": "sms", "token": "1", "phone": "49123"}, 403, "otp_expired"),
        ("GET", "/verify", None, 400, "validation_failed"),
        ("GET", "/verify?type=signup", None, 400, "validation_failed"),
    ],
)
async def test_what_is_refused(
    auth: Auth, method: str, target: str, body: object, status: int, code: str
) -> None:
    reply = await auth.call(method, target, body)
    assert (reply.status, reply.code) == (status, code), reply.json


async def test_messages_cannot_be_sent_yet(database: Database) -> None:
    phones = settings(sms={"enable_signup": True, "enable_confirmations": True})
    async with serving(database, phones) as auth:
        body = {"phone": "49123456", "password": "correct1"}
        for target, sent in [("/signup", body), ("/otp", {"phone": "49123456"})]:
            reply = await auth.call("POST", target, sent)
            assert (reply.status, reply.code) == (422, "sms_send_failed")
        assert auth.rows("select count(*) from auth.users") == [(0,)]
        await auth.ok("POST", "/admin/users", body, token=auth.service_key)
        reply = await auth.call("POST", "/token?grant_type=password", body)
        assert (reply.status, reply.code) == (400, "phone_not_confirmed")
