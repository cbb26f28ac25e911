from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backstay import web
from backstay.rest.cors import with_cors
from tests.support.small_rest import header, request


def ask(method: str, headers: dict[str, str], allowed: Sequence[str] = ()) -> web.Response:
    async def inner(_: web.Request) -> web.Response:
        return web.Response(200, [("Access-Control-Allow-Origin", "*"), ("X", "y")])

    async def asked() -> web.Response:
        return await with_cors(inner, lambda: allowed)(request(method, "/", headers))

    return asyncio.run(asked())


def test_a_preflight_is_answered() -> None:
    response = ask(
        "OPTIONS",
        {
            "origin": "http://a",
            "access-control-request-method": "POST",
            "access-control-request-headers": "Foo, accept",
        },
    )
    assert header(response, "access-control-allow-origin") == "*"
    assert header(response, "access-control-allow-headers") == (
        "Authorization, Foo, accept, Accept-Language, Content-Language"
    )
    assert header(response, "access-control-max-age") == "86400"
    assert header(response, "x") is None


def test_an_answer_is_shared() -> None:
    response = ask("GET", {"origin": "http://a"}, ["http://a"])
    assert header(response, "access-control-allow-origin") == "http://a"
    assert header(response, "access-control-allow-credentials") == "true"
    assert "Content-Range" in (header(response, "access-control-expose-headers") or "")


def test_another_origin_or_none_changes_nothing() -> None:
    for headers in ({"origin": "http://b"}, {}):
        response = ask("OPTIONS", headers, ["http://a"])
        assert header(response, "access-control-expose-headers") is None
        assert header(response, "x") == "y"
