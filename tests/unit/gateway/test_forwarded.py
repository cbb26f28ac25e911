"""Unit: who is calling when proxies stand in between (C-054)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.errors import OperatorError
from backstay.gateway.forwarded import Forwarded
from backstay.web import Request

LOOPBACK = Forwarded(("127.0.0.0/8", "::1/128"))
PROXIED = Forwarded(("10.0.0.0/8",))


def request(client: str, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("GET", "/", headers=named, client=client, host="localhost:54321")


def test_without_a_proxy_the_socket_speaks() -> None:
    asked = request("127.0.0.1")
    assert LOOPBACK.settle(asked, 54321) == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": "localhost:54321",
        "x-forwarded-proto": "http",
        "x-forwarded-port": "54321",
        "x-real-ip": "127.0.0.1",
    }


def test_a_trusted_proxy_is_believed() -> None:
    asked = request(
        "127.0.0.1",
        x_forwarded_for="9.9.9.9, 8.8.8.8",
        x_forwarded_proto="https",
        x_forwarded_host="api.example.com",
    )
    headers = LOOPBACK.settle(asked, 54321)
    assert (asked.client, asked.scheme, asked.host) == ("8.8.8.8", "https", "api.example.com")
    assert headers["x-forwarded-for"] == "9.9.9.9, 8.8.8.8, 127.0.0.1"
    assert headers["x-forwarded-port"] == "443"


def test_a_stranger_is_not_believed() -> None:
    asked = request(
        "203.0.113.5", x_forwarded_for="127.0.0.1", x_forwarded_proto="https", x_forwarded_host="x"
    )
    headers = LOOPBACK.settle(asked, 80)
    assert (asked.client, asked.scheme, asked.host) == ("203.0.113.5", "http", "localhost:54321")
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == "203.0.113.5"
    assert headers["x-forwarded-proto"] == "http"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("9.9.9.9", "9.9.9.9"),
        ("1.1.1.1, 9.9.9.9, 10.0.0.2", "9.9.9.9"),
        ("10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("nonsense", "10.0.0.1"),
        ("nonsense, 9.9.9.9", "9.9.9.9"),
        ("2001:db8::7", "2001:db8::7"),
        ("", "10.0.0.1"),
    ],
)
def test_the_nearest_untrusted_hop_is_the_client(chain: str, client: str) -> None:
    asked = request("10.0.0.1", x_forwarded_for=chain)
    PROXIED.settle(asked, 80)
    assert asked.client == client


@pytest.mark.parametrize(
    ("headers", "port"),
    [
        ({"x_forwarded_proto": "https"}, "54321"),
        ({"x_forwarded_proto": "https", "x_forwarded_host": "a.example"}, "443"),
        ({"x_forwarded_host": "a.example"}, "80"),
        ({"x_forwarded_host": "a.example:8443"}, "8443"),
        ({"x_forwarded_for": "9.9.9.9"}, "1000"),
        ({"x_forwarded_proto": "https", "x_forwarded_port": "444"}, "444"),
        ({"x_forwarded_proto": "gopher", "x_forwarded_host": "[::1]"}, "80"),
    ],
)
def test_the_port_the_client_used(headers: dict[str, str], port: str) -> None:
    assert LOOPBACK.settle(request("127.0.0.1", **headers), 1000)["x-forwarded-port"] == port


def test_a_scheme_that_is_none_is_ignored() -> None:
    asked = request("127.0.0.1", x_forwarded_proto="javascript")
    LOOPBACK.settle(asked, 80)
    assert asked.scheme == "http"


def test_a_network_that_is_none_is_an_operators_error() -> None:
    with pytest.raises(OperatorError, match="not a network"):
        Forwarded(("proxy.example",))


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_header_of_a_stranger_changes_anything(
    chain: str, proto: str, host: str, client: str
) -> None:
    asked = request(
        "203.0.113.5", x_forwarded_for=chain, x_forwarded_proto=proto, x_forwarded_host=host
    )
    PROXIED.settle(asked, 80)
    assert (asked.client, asked.scheme) == ("203.0.113.5", "http")
    PROXIED.settle(request(client, x_forwarded_for=chain), 80)
