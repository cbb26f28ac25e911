"""Bad input is answered with a documented 4xx, never a 5xx: a seeded stream of broken requests.

`BACKSTAY_FUZZ_REQUESTS` sets how many (the closing figures use 20,000); the seed is printed.
"""

from __future__ import annotations

import asyncio
import base64
import collections
import json
import os
import random
import string
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.running import REPOSITORY, Running, copy_project, start

REQUESTS = int(os.environ.get("BACKSTAY_FUZZ_REQUESTS", "1500"))
SEED = int(os.environ.get("BACKSTAY_FUZZ_SEED", "20260204"))

INJECTIONS = (
    "'; drop table payments; --", '" or 1=1 --', "$$;select 1;$$", "1) or (1=1", "\\", "%00", "%ff",
    "\u0000", "💥", "(((((", ")" * 50, "{" * 80, "null", "-1", "9" * 400, "a" * 9000, "eq.eq.eq",
    "select", "*", ",", ".", "..", "->", "->>", "::", "::text", "!inner", "()", "(,)", "...x(*)",
)  # fmt: skip
TABLES = ("machines", "services", "payments", "users", "nothing", "rpc", "pg_class", "")
OPERATORS = (
    "eq", "neq", "gt", "in", "is", "like", "ilike", "cs", "cd", "ov", "sl", "fts", "wfts(english)",
    "not.in", "match", "any", "eq(any)", "like(all)", "", "isdistinct", "adj", "bogus",
)  # fmt: skip
KEYS = (
    "select", "order", "limit", "offset", "and", "or", "not.and", "on_conflict", "columns", "id",
    "amount", "created_at", "machines.id", "machines.order", "machines.limit", "x->y", "x->>'y",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("fuzz")
    first = copy_project(REPOSITORY / "apps" / "billkaro", home)
    other = copy_project(first, home / "other")
    config = other / "supabase" / "config.toml"
    config.write_text(config.read_text().replace('"billkaro"', '"otherkaro"'))
    running = start([first, other], log=home / "server.log", timeout=90)
    yield running
    running.stop()


def _text(dice: random.Random) -> str:
    if dice.random() < 0.6:
        return dice.choice(INJECTIONS)
    return "".join(dice.choice(string.printable) for _ in range(dice.randrange(30)))


def _query(dice: random.Random) -> str:
    from urllib.parse import quote

    pairs = []
    for _ in range(dice.randrange(4)):
        value = _text(dice)
        if dice.random() < 0.6:
            value = f"{dice.choice(OPERATORS)}.{value}"
        raw = dice.random() < 0.15
        pairs.append(f"{quote(dice.choice(KEYS))}={value.strip() if raw else quote(value)}")
    text = "&".join(pairs)
    return "".join(c for c in text if 32 < ord(c) < 127)


def _body(dice: random.Random) -> bytes:
    kind = dice.randrange(8)
    row: dict[str, Any] = {
        "machine_id": _text(dice),
        "bill_number": f"fuzz-{dice.random()}",
        "amount": dice.choice([1, "x", None, 1e300, [1], {"a": 1}, -1, "NaN", True]),
        "method": dice.choice(["Cash", "", None, 7, _text(dice)]),
    }
    if kind == 0:
        return b'{"a": [1, 2'
    if kind == 1:
        return b"[" * dice.randrange(1, 5000)
    if kind == 2:
        return dice.randbytes(dice.randrange(200))
    if kind == 3:
        return json.dumps([row, {"nothing": 1}]).encode()
    if kind == 4:
        return json.dumps(dice.choice([None, 1, "x", True, [], [[]], [1], {}])).encode()
    if kind == 5:
        return json.dumps({**row, _text(dice): 1}).encode("utf-8", "surrogatepass")
    if kind == 6:
        return json.dumps({"username": _text(dice), "password": _text(dice)}).encode()
    return json.dumps(row).encode()


def _b64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _authorization(dice: random.Random, tokens: dict[str, str]) -> str:
    none = f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{_b64({'role': 'service_role'})}."
    good = tokens["admin"]
    if dice.random() < 0.75:
        return f"Bearer {good}"
    head, payload, mark = good.split(".")
    choices = (
        f"Bearer {tokens['other']}", f"Bearer {none}",
        f"Bearer {head}.{_b64({'role': 'service_role'})}.{mark}", "Bearer", "Bearer ", "Basic eDp5",
        f"Bearer {good[:-4]}", f"Bearer {head}.{payload}", f"Bearer {_b64([])}.{_b64(1)}.{_b64('')}",
        "Bearer sb_secret_wrong", f"bearer {good}", f"Bearer {'a' * 5000}.b.c", "Bearer \u00e9",
    )  # fmt: skip
    return dice.choice(choices)


def _request(dice: random.Random, tokens: dict[str, str]) -> tuple[str, str, dict[str, str], bytes]:
    from urllib.parse import quote

    area = dice.random()
    method = dice.choice(
        ["GET", "GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE"]
    )
    if area < 0.7:
        path = f"/rest/v1/{dice.choice(TABLES)}"
        if dice.random() < 0.15:
            path = (
                f"/rest/v1/rpc/{dice.choice(['get_collections_summary', 'x', quote(_text(dice))])}"
            )
        # Without a filter a write would empty the table; with one it meets the fuzz.
        if method in ("DELETE", "PATCH"):
            path += "?id=eq.fuzz&"
        else:
            path += "?"
        path += _query(dice)
    elif area < 0.95:
        endpoint = dice.choice(
            ["token?grant_type=password", "token?grant_type=refresh_token", "token", "signup", "user",
             "logout?scope=x", "admin/users", "admin/users/not-a-uuid", "verify", "otp", "settings",
             "recover", "authorize?provider=x", "factors", "health", "nothing"]
        )  # fmt: skip
        path = f"/auth/v1/{endpoint}"
    else:
        path = "/" + quote(_text(dice))
    headers = {
        "Authorization": _authorization(dice, tokens),
        "Content-Type": dice.choice(
            ["application/json", "text/csv", "application/x-www-form-urlencoded", "image/png", "x"]
        ),
    }
    for name, values in (
        ("Prefer", ["return=representation", "count=exact", "resolution=merge-duplicates", "x=y",
                    "handling=strict, nonsense", "timezone=Nowhere/Land", "max-affected=0", "tx=rollback"]),
        ("Accept", ["text/csv", "application/vnd.pgrst.object+json", "image/png", "x", "*/*;q=z",
                    "application/vnd.pgrst.plan+json"]),
        ("Range", ["0-1", "5-2", "x", "-1", "0-99999999999999999999"]),
        ("Accept-Profile", ["public", "nothing", "pg_catalog"]),
        ("Content-Profile", ["public", "auth"]),
        ("apikey", ["x", "sb_publishable_wrong", ""]),
    ):  # fmt: skip
        if dice.random() < 0.2:
            headers[name] = dice.choice(values)
    body = _body(dice) if method in ("POST", "PATCH", "PUT") else b""
    return method, path, {k: v.encode("latin-1", "replace") for k, v in headers.items()}, body  # type: ignore[misc]


def _tokens(server: Running) -> dict[str, str]:
    def login(host: str) -> str:
        reply = httpx.post(
            f"{server.url}/auth/v1/token?grant_type=password",
            json={"username": "admin", "password": "admin123"},
            headers={"Host": host},
        )
        token: str = reply.json()["access_token"]
        return token

    return {
        "admin": login(f"127.0.0.1:{server.port}"),
        "other": login(f"otherkaro.localhost:{server.port}"),
    }


def test_a_token_of_the_other_project_is_refused(server: Running) -> None:
    tokens = _tokens(server)
    for path in ("/rest/v1/machines", "/auth/v1/user"):
        reply = httpx.get(server.url + path, headers={"Authorization": f"Bearer {tokens['other']}"})
        assert reply.status_code in (401, 403), reply.text
        own = httpx.get(server.url + path, headers={"Authorization": f"Bearer {tokens['admin']}"})
        assert own.status_code == 200


async def test_no_request_is_answered_with_5xx(server: Running) -> None:
    dice = random.Random(SEED)
    tokens = _tokens(server)
    statuses: collections.Counter[int] = collections.Counter()
    wrong: list[str] = []
    requests = iter([_request(dice, tokens) for _ in range(REQUESTS)])

    async def send(client: httpx.AsyncClient) -> None:
        for method, path, headers, body in requests:
            try:
                url = httpx.URL(server.url).copy_with(raw_path=path.encode("ascii", "ignore"))
                reply = await client.request(method, url, headers=headers, content=body)
            except (httpx.InvalidURL, httpx.LocalProtocolError):
                continue
            statuses[reply.status_code] += 1
            # 501 names a service that is not offered; it is an answer, not a failure.
            if reply.status_code >= 500 and reply.status_code != 501:
                wrong.append(
                    f"{reply.status_code} {method} {path[:300]} {body[:200]!r} {reply.text[:300]}"
                )

    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(send(client) for _ in range(8)))
    print(
        f"\nfuzz: seed {SEED}, {sum(statuses.values())} requests, {dict(sorted(statuses.items()))}"
    )
    assert not wrong, "\n".join(wrong[:20])
    assert sum(statuses.values()) > REQUESTS * 0.9
    assert statuses[200] > 0 and statuses[400] > 0 and statuses[401] > 0
