"""Run a file of node:test tests once and hand each test's outcome to pytest by name."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

NODE = str(Path(sys.executable).with_name("node"))
"""Node.js from PyPI, in this environment: the machine need not have one."""

_NAME = re.compile(r"^test\('((?:[^'\\]|\\.)*)'", re.MULTILINE)
_OUTCOME = re.compile(r"^(not ok|ok) \d+ - (.*?)(?: # .*)?$", re.MULTILINE)


def names(file: Path) -> list[str]:
    """The names of the tests in ``file``, in order."""
    return [name.replace("\\'", "'") for name in _NAME.findall(file.read_text())]


def run(file: Path, environ: Mapping[str, str]) -> dict[str, tuple[bool, str]]:
    """Outcome and output by test name."""
    done = subprocess.run(
        [NODE, "--test-reporter=tap", "--test", str(file)],
        capture_output=True,
        text=True,
        env=dict(environ),
        timeout=300,
        check=False,
    )
    text = "\n".join(line.strip() for line in done.stdout.splitlines())
    outcomes: dict[str, tuple[bool, str]] = {}
    matches = list(_OUTCOME.finditer(text))
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        end = following.start() if following else len(text)
        name = match[2].replace("\\#", "#")
        outcomes[name] = (match[1] == "ok", text[match.start() : end][:4000])
    if not outcomes:
        raise AssertionError(f"node reported no test\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return outcomes
