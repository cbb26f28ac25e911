"""Whatever is sent to whatever endpoint, the answer is a documented 4xx, never a 5xx."""

from __future__ import annotations

import random
from typing import Any

from backstay.auth.service import ROUTES
from tests.io.auth.harness import Auth, serving, settings
from tests.support.cluster import Database

NAMES = [
    "email",
    "phone",
    "password",
    "data",
    "token",
    "type",
    "token_hash",
    "refresh_token",
    "auth_code",
    "code_verifier",
    "channel",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "app_metadata",
    "user_metadata",
    "role",
    "aud",
    "id",
    "redirect_to",
    "ban_duration",
    "email_confirm",
    "phone_confirm",
    "password_hash",
    "should_soft_delete",
    "create_user",
]
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1.5,
    10**400,
    "",
    "ada@example.com",
    "ADA@example.com",
    "+49123456",
    "correct1",
    "another1",
    "' or 1=1 --",
    "\ud800",
    "a\0b",
    "é" * 300,
    "x" * 100_000,
    "none",
    "876000h",
    "-1000000h",
    "signup",
    "email",
    "recovery",
    "email_change",
    "sms",
    "S256",
    "v" * 43,
    "$2a$10$" + "a" * 53,
    "00000000-0000-0000-0000-000000000000",
    [],
    [1, {"a": None}],
    {},
    {"a": {"b": [1, "\ud800", 1e300]}, "email": 5, "full_name": {"x": 1}, "": None},
    {"sub": 1, "email": ["x"], "provider": None, "providers": "x"},
)
QUERIES = (
    "",
    "grant_type=password",
    "grant_type=refresh_token",
    "grant_type=pkce",
    "scope=local",
    "page=0&per_page=0",
    "page=99999999999999999999&per_page=%00",
    "filter=%25%27%00",
    "filter=\\",
    "sort=created_at%20asc",
    "type=signup&token=%00",
    "type=recovery&token=pkce_x&redirect_to=javascript:alert(1)",
    "type=email_change&token=%F0%28&redirect_to=http://[",
)


def a_body(dice: random.Random) -> Any:
    names = dice.sample(NAMES, dice.randint(0, 5)) + dice.choices(("email", "password"), k=2)
    return {name: dice.choice(VALUES) for name in names}


async def test_no_input_is_a_server_error(database: Database) -> None:
    dice = random.Random(20260304)
    phones = settings(
        enable_anonymous_sign_ins=True, sms={"enable_signup": True}, email={"max_frequency": 0.0}
    )
    async with serving(database, phones) as auth:
        tokens = ["", "x", auth.anon_key, auth.service_key]
        tokens.append((await auth.sign_up())["access_token"])
        seen: set[int] = set()
        for _ in range(1500):
            auth.wait(1)
            seen.add(await one(auth, dice, tokens))
        assert {200, 400, 401, 403, 404, 422} <= seen


async def one(auth: Auth, dice: random.Random, tokens: list[str]) -> int:
    route = dice.choice(ROUTES)
    method = dice.choice(("GET", "POST", "PUT", "DELETE")) if route.method == "*" else route.method
    user = dice.choice(["%00", "x", "00000000-0000-0000-0000-000000000000"])
    path = route.path.replace("([^/]+)", user).replace("(/.*)?", "")
    target = f"{path}?{dice.choice(QUERIES)}"
    body = a_body(dice)
    headers = {"x-forwarded-for": "1.2.3.4, x", "user-agent": dice.choice(["", "a\0", "é" * 9])}
    reply = await auth.call(method, target, body, token=dice.choice(tokens), headers=headers)
    assert reply.status < 500, (method, target, body, reply)
    return reply.status
