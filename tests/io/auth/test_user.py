"""GET and PUT /user, POST /logout, and who may call them."""

from __future__ import annotations

import pytest

from backstay.tokens.sign import Signer
from tests.io.auth.harness import SECRET, Auth, serving, settings
from tests.support.cluster import Database


async def test_who_is_let_in(auth: Auth) -> None:
    answer = await auth.sign_up()
    user = answer["user"]
    good = {
        "sub": user["id"],
        "aud": "authenticated",
        "role": "authenticated",
        "exp": int(auth.clock.time()) + 60,
    }
    sign = auth.signer.sign
    other = Signer.from_secret(SECRET[::-1]).sign
    nobody = "5b2b4d50-0000-4000-8000-000000000000"
    cases = [
        ("", 401, "no_authorization"),
        ("nonsense", 403, "bad_jwt"),
        (other(good), 403, "bad_jwt"),
        (sign(good | {"exp": int(auth.clock.time()) - 1}), 403, "bad_jwt"),
        (auth.anon_key, 403, "bad_jwt"),
        (sign(good | {"sub": "ada"}), 400, "bad_jwt"),
        (sign(good | {"sub": nobody}), 403, "user_not_found"),
        (sign(good | {"session_id": "x"}), 403, "bad_jwt"),
        (sign(good | {"session_id": nobody}), 403, "session_not_found"),
        (sign(good | {"aud": "others"}), 200, ""),
        (sign(good), 200, ""),
        (answer["access_token"], 200, ""),
    ]
    for token, status, code in cases:
        reply = await auth.call("GET", "/user", token=token)
        assert (reply.status, reply.code) == (status, code), reply.json
    audience = await auth.call("GET", "/user", token=sign(good), headers={"x-jwt-aud": "somebody"})
    assert audience.code == "validation_failed"


async def test_the_unsigned_are_refused(auth: Auth) -> None:
    await auth.sign_up()
    header, payload, _ = auth.anon_key.split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    for token in (f"{none}.{payload}.", f"{header}.{payload}.", f"{header}.{payload}"):
        reply = await auth.call("GET", "/user", token=token)
        assert (reply.status, reply.code) == (403, "bad_jwt")


async def test_data_is_merged_and_null_removes(auth: Auth) -> None:
    token = (await auth.sign_up())["access_token"]
    await auth.ok("PUT", "/user", {"data": {"a": 1, "b": {"c": [None]}}}, token=token)
    user = await auth.ok("PUT", "/user", {"data": {"a": None, "d": "x"}}, token=token)
    assert user["user_metadata"]["b"] == {"c": [None]}
    assert user["user_metadata"]["d"] == "x"
    assert "a" not in user["user_metadata"]


async def test_app_metadata_is_not_ones_own(auth: Auth) -> None:
    token = (await auth.sign_up())["access_token"]
    reply = await auth.call("PUT", "/user", {"app_metadata": {"role": "boss"}}, token=token)
    assert (reply.status, reply.code) == (403, "not_admin")


async def test_a_new_password_ends_the_other_sessions(auth: Auth) -> None:
    here = await auth.sign_up()
    there = (await auth.sign_in()).json
    token = here["access_token"]
    same = await auth.call("PUT", "/user", {"password": "correct1"}, token=token)
    assert (same.status, same.code) == (422, "same_password")
    weak = await auth.call("PUT", "/user", {"password": "short"}, token=token)
    assert (weak.status, weak.code) == (422, "weak_password")
    await auth.ok("PUT", "/user", {"password": "another1"}, token=token)
    assert (await auth.call("GET", "/user", token=token)).status == 200
    gone = await auth.call("GET", "/user", token=there["access_token"])
    assert (gone.status, gone.code) == (403, "session_not_found")
    assert (await auth.sign_in()).code == "invalid_credentials"
    assert (await auth.sign_in(password="another1")).status == 200


async def test_an_address_changes_once_it_is_confirmed(auth: Auth) -> None:
    token = (await auth.sign_up())["access_token"]
    await auth.sign_up("bob@example.com")
    taken = await auth.call("PUT", "/user", {"email": "Bob@example.com"}, token=token)
    assert (taken.status, taken.code) == (422, "email_exists")
    user = await auth.ok("PUT", "/user", {"email": "new@example.com"}, token=token)
    assert (user["email"], user["new_email"]) == ("ada@example.com", "new@example.com")
    mails = {mail.to: mail for mail in auth.mailer.outbox}
    assert set(mails) == {"new@example.com", "ada@example.com"}
    proof = {"type": "email_change", "token_hash": mails["new@example.com"].token_hash}
    changed = await auth.ok("POST", "/verify", proof)
    assert changed["user"]["email"] == "new@example.com"
    assert "new_email" not in changed["user"]
    identity = changed["user"]["identities"][0]
    assert (identity["email"], identity["identity_data"]["email_verified"]) == (
        "new@example.com",
        True,
    )
    assert (await auth.sign_in("new@example.com")).status == 200


async def test_both_addresses_agree_to_a_change(confirming: Auth) -> None:
    await confirming.sign_up()
    proof = {"type": "signup", "token_hash": confirming.mailer.outbox[0].token_hash}
    token = (await confirming.ok("POST", "/verify", proof))["access_token"]
    await confirming.ok("PUT", "/user", {"email": "new@example.com"}, token=token)
    old, new = (
        next(m for m in confirming.mailer.outbox[1:] if m.to == to)
        for to in ("ada@example.com", "new@example.com")
    )
    first = {"type": "email_change", "email": "new@example.com", "token": new.token}
    answer = await confirming.ok("POST", "/verify", first)
    assert answer["code"] == "200"
    assert "access_token" not in answer
    assert (await confirming.call("POST", "/verify", first)).code == "otp_expired"
    second = {"type": "email_change", "email": "ada@example.com", "token": old.token}
    done = await confirming.ok("POST", "/verify", second)
    assert done["user"]["email"] == "new@example.com"


async def test_an_old_session_reauthenticates(database: Database) -> None:
    async with serving(database, settings(email={"secure_password_change": True})) as auth:
        signed = await auth.sign_up()
        auth.wait(24 * 3600 + 1)
        token = (await auth.refresh(signed["refresh_token"])).json["access_token"]
        change = {"password": "another1"}
        needed = await auth.call("PUT", "/user", change, token=token)
        assert (needed.status, needed.code) == (400, "reauthentication_needed")
        await auth.ok("GET", "/reauthenticate", token=token)
        wrong = await auth.call("PUT", "/user", change | {"nonce": "x"}, token=token)
        assert (wrong.status, wrong.code) == (422, "reauthentication_not_valid")
        nonce = auth.mailer.outbox[-1].token
        await auth.ok("PUT", "/user", change | {"nonce": nonce}, token=token)


async def test_phone_changes_at_once_where_nothing_is_confirmed(auth: Auth) -> None:
    token = (await auth.sign_up())["access_token"]
    user = await auth.ok("PUT", "/user", {"phone": "+49 123456"}, token=token)
    assert user["phone"] == "49123456"
    assert user["phone_confirmed_at"]
    other = (await auth.sign_up("bob@example.com"))["access_token"]
    taken = await auth.call("PUT", "/user", {"phone": "49123456"}, token=other)
    assert (taken.status, taken.code) == (422, "phone_exists")


async def test_a_second_factor_and_single_sign_on_are_respected(auth: Auth) -> None:
    answer = await auth.sign_up()
    token, user_id = answer["access_token"], answer["user"]["id"]
    auth.rows(
        "insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)"
        " values (gen_random_uuid(), %s, 'totp', 'verified', now(), now())",
        [user_id],
    )
    user = await auth.ok("GET", "/user", token=token)
    assert user["factors"][0]["factor_type"] == "totp"
    weak = await auth.call("PUT", "/user", {"password": "another1"}, token=token)
    assert (weak.status, weak.code) == (401, "insufficient_aal")
    auth.rows("delete from auth.mfa_factors; update auth.users set is_sso_user = true")
    managed = await auth.call("PUT", "/user", {"password": "another1"}, token=token)
    assert (managed.status, managed.code) == (422, "user_sso_managed")


@pytest.mark.parametrize(
    ("scope", "left"), [("", 0), ("?scope=global", 0), ("?scope=local", 1), ("?scope=others", 1)]
)
async def test_scopes_of_signing_out(auth: Auth, scope: str, left: int) -> None:
    here = await auth.sign_up()
    there = (await auth.sign_in()).json
    reply = await auth.call("POST", f"/logout{scope}", token=here["access_token"])
    assert (reply.status, reply.body) == (204, b"")
    assert auth.rows("select count(*) from auth.sessions") == [(left,)]
    mine = (await auth.refresh(here["refresh_token"])).status
    theirs = (await auth.refresh(there["refresh_token"])).status
    assert (mine == 200, theirs == 200) == (scope == "?scope=others", scope == "?scope=local")


async def test_an_unknown_scope(auth: Auth) -> None:
    token = (await auth.sign_up())["access_token"]
    reply = await auth.call("POST", "/logout?scope=all", token=token)
    assert (reply.status, reply.code) == (400, "validation_failed")
