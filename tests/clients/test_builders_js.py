"""Every method and option of supabase-js's query builders: builders_*.test.mjs, run once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import node
from tests.support.running import Running

FILES = sorted(Path(__file__).parent.glob("builders_*.test.mjs"))
CASES = [(file, name) for file in FILES for name in node.names(file)]

Outcomes = dict[Path, dict[str, tuple[bool, str]]]


@pytest.fixture(scope="session")
def outcomes(library: Running) -> Outcomes:
    environment = library.environment()
    return {file: node.run(file, environment) for file in FILES}


def test_names_are_unique() -> None:
    assert len(FILES) == 4
    assert len(set(CASES)) == len(CASES)


@pytest.mark.parametrize(("file", "name"), CASES, ids=[name for _, name in CASES])
def test_builder(outcomes: Outcomes, file: Path, name: str) -> None:
    assert name in outcomes[file], "node did not report this test"
    passed, output = outcomes[file][name]
    assert passed, output
