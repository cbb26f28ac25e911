"""The auth client of supabase-js, unmodified: auth.test.mjs, run once against a running project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import node
from tests.support.running import Running

FILE = Path(__file__).with_name("auth.test.mjs")


@pytest.fixture(scope="module")
def outcomes(library: Running) -> dict[str, tuple[bool, str]]:
    return node.run(FILE, library.environment())


@pytest.mark.parametrize("name", node.names(FILE))
def test_flow(outcomes: dict[str, tuple[bool, str]], name: str) -> None:
    assert name in outcomes, "node did not report this test"
    passed, output = outcomes[name]
    assert passed, output
