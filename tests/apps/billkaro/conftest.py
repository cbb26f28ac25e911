"""One running BillKaro for this folder's tests; each test removes what it adds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running import REPOSITORY, Running, copy_project, start


@pytest.fixture(scope="session")
def billkaro(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home: Path = tmp_path_factory.mktemp("billkaro")
    folder = copy_project(REPOSITORY / "apps" / "billkaro", home)
    running = start([folder], log=home / "server.log")
    yield running
    running.stop()
