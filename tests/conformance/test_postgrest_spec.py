"""PostgREST's own specification against ``backstay rest``.

Needs what is not ours: see docs/reference/postgrest-differences.md. Every case that fails must be
listed there by name, with its reason.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY, free_port

SOURCE = os.environ.get("POSTGREST_SOURCE", "")
PROGRAM = os.environ.get("POSTGREST_SPEC", "")
PG_BIN = os.environ.get("POSTGREST_SPEC_PG_BIN", "")

DIFFERENCES = REPOSITORY / "docs" / "reference" / "postgrest-differences.md"
LEAST = 1270
"""Cases that must pass of the 1,312 a PostgreSQL without extensions of others can run."""


@dataclass(frozen=True)
class Case:
    file: str
    label: str

    def __str__(self) -> str:
        return f"{self.file}: {self.label}"


def listed() -> list[Case]:
    """The differences, as file and the end of a case's name."""
    rows = re.findall(r"^\| (\S+\.hs) \| (.+?) \| .+? \|$", DIFFERENCES.read_text(), re.MULTILINE)
    return [Case(file, label) for file, label in rows]


def is_listed(case: Case) -> bool:
    return any(case.file == one.file and case.label.endswith(one.label) for one in listed())


def test_the_page_lists_cases() -> None:
    assert listed()
    assert all(one.file.endswith("Spec.hs") for one in listed())


@pytest.mark.skipif(
    not (SOURCE and PROGRAM),
    reason="POSTGREST_SOURCE (a clone of PostgREST) and POSTGREST_SPEC (the program that reads its "
    "specification) are not set",
)
def test_the_specification_passes_except_what_is_listed(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [
        *(sys.executable, PROGRAM, "run"),
        *("--start", f"{shlex.quote(sys.executable)} -m backstay.cli.rest"),
        *("--base", f"http://127.0.0.1:{free_port()}"),
        *("--source", SOURCE),
        *("--timeout", "90"),  # one case validates a large document in PL/pgSQL
        *("--json", str(report)),
        *("--log", str(tmp_path / "server.log")),
        *(("--pg-bin", PG_BIN) if PG_BIN else ()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout + done.stderr
    print(done.stdout)
    found = json.loads(report.read_text())["cases"]
    outcome: dict[str, list[Case]] = {}
    for case in found:
        name = Case(case["file"].removeprefix("Feature/"), case["label"])
        outcome.setdefault(case["status"], []).append(name)
    assert len(outcome["passed"]) >= LEAST, done.stdout
    unexplained = [str(case) for case in outcome.get("failed", []) if not is_listed(case)]
    assert unexplained == []
