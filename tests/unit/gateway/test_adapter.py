"""Unit: what the server adapters make of heads."""

from __future__ import annotations

from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.errors import HttpError
from backstay.gateway.adapter import answer, encoded_path, joined, status_code
from backstay.gateway.asgi import asgi_app
from backstay.observe.bus import Bus
from backstay.observe.events import Event, RequestFailed
from backstay.web import BodyTooLarge, ClientDisconnected, Request, Response
from tests.support.gateway import echo


def test_repeated_headers_are_joined() -> None:
    pairs = [("a", "1"), ("a", "2"), ("cookie", "x=1"), ("cookie", "y=2"), ("b", "")]
    assert joined(pairs) == {"a": "1, 2", "cookie": "x=1; y=2", "b": ""}


@pytest.mark.parametrize(
    ("decoded", "encoded"),
    [("/rest/v1/todos", "/rest/v1/todos"), ("/a b", "/a%20b"), ("/é", "/%C3%A9"), ("/%", "/%25")],
)
def test_a_decoded_path_is_encoded_again(decoded: str, encoded: str) -> None:
    assert encoded_path(decoded) == encoded


@given(st.text(max_size=30).filter(lambda text: text.isprintable()))
def test_encoding_a_path_loses_nothing(path: str) -> None:
    assert unquote(encoded_path(path)) == path
    assert encoded_path(path).isascii()


@pytest.mark.parametrize(
    ("status", "sent"), [(200, 200), (999, 999), (42, 500), (100, 500), (1000, 500)]
)
def test_a_status_no_server_can_send_is_500(status: int, sent: int) -> None:
    assert status_code(Response(status)) == sent


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HttpError(418, "tea", "I am a teapot"), 418),
        (BodyTooLarge(5), 413),
        (ClientDisconnected(), 400),
        (RuntimeError("the password is hunter2"), 500),
    ],
)
async def test_the_last_resort(error: Exception, status: int) -> None:
    async def raises(_: Request) -> Response:
        raise error

    bus, events = Bus(), list[Event]()
    bus.subscribe(RequestFailed, events.append)
    response = await answer(raises, Request("GET", "/"), bus)
    assert response.status == status
    assert b"hunter2" not in (response.body if isinstance(response.body, bytes) else b"")
    assert len(events) == (status == 500)


class TestAsgi:
    """The same through ASGI, in process."""

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(asgi_app(echo, Bus()))
        return httpx.AsyncClient(transport=transport, base_url="http://shop.localhost:54321")

    async def test_a_request_arrives_whole(self) -> None:
        async with self.client() as client:
            response = await client.post("/a%2Fb?x=%20", content=b"hello", headers={"X-A": "1"})
        seen = response.json()
        assert (seen["path"], seen["query"], seen["body"]) == ("/a%2Fb", "x=%20", "hello")
        assert seen["headers"]["x-a"] == "1"
        assert seen["host"] == "shop.localhost:54321"

    async def test_head_has_the_length_and_no_body(self) -> None:
        async with self.client() as client:
            response = await client.head("/x")
        assert response.content == b""
        assert int(response.headers["content-length"]) > 0
