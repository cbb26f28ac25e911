"""Every statement of the BillKaro document, through supabase-js: statements.test.mjs, run once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import node
from tests.support.running import Running

FILE = Path(__file__).with_name("statements.test.mjs")


@pytest.fixture(scope="session")
def outcomes(billkaro: Running) -> dict[str, tuple[bool, str]]:
    return node.run(FILE, billkaro.environment())


@pytest.mark.parametrize("name", node.names(FILE))
def test_statement(outcomes: dict[str, tuple[bool, str]], name: str) -> None:
    assert name in outcomes, "node did not report this test"
    passed, output = outcomes[name]
    assert passed, output
