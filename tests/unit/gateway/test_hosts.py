"""Unit: from host and port to project."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.gateway.errors import NoProject
from backstay.gateway.hosts import ProjectTable, host_name
from tests.support.gateway import FakeProject

FIRST = FakeProject("billkaro", port=54330)
SECOND = FakeProject("portun", hosts=("api.portun.example",), port=54331)
TABLE = ProjectTable((FIRST, SECOND))


@pytest.mark.parametrize(
    ("host", "port", "found"),
    [
        ("billkaro.localhost:54321", 54321, FIRST),
        ("portun.localhost:54321", 54321, SECOND),
        ("PORTUN.localhost", 54321, SECOND),
        ("portun.localhost.", 54321, SECOND),
        ("api.portun.example", 54321, SECOND),
        ("localhost:54321", 54321, FIRST),
        ("127.0.0.1:54321", 54321, FIRST),
        ("[::1]:54321", 54321, FIRST),
        ("192.168.1.7:54321", 54321, FIRST),
        ("backstay:54321", 54321, FIRST),
        ("host.docker.internal:54321", 54321, FIRST),
        ("", 54321, FIRST),
        ("localhost:54331", 54331, SECOND),
        ("billkaro.localhost:54331", 54331, SECOND),
    ],
)
def test_found(host: str, port: int, found: FakeProject) -> None:
    assert TABLE.find(host, port) is found


@pytest.mark.parametrize("host", ["shop.localhost", "evil.example", "api.portun.example.evil.com"])
def test_nobodys(host: str) -> None:
    with pytest.raises(NoProject):
        TABLE.find(host, 54321)


def test_a_lone_project_answers_on_every_host() -> None:
    assert ProjectTable((FIRST,)).find("tunnel.example.com", 54321) is FIRST


def test_a_table_has_at_least_one_project() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ProjectTable(())


@given(st.text(max_size=30))
def test_no_host_header_breaks_it(host: str) -> None:
    assert "\n" not in host_name(host.replace("\n", ""))
    with contextlib.suppress(NoProject):
        assert TABLE.find(host, 1) in (FIRST, SECOND)
