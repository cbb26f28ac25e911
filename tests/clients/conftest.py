"""One running library for the tests of the query builders, which leave its rows as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running import Running, copy_project, start


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """tests/clients/project, served by `backstay start`."""
    home: Path = tmp_path_factory.mktemp("library")
    folder = copy_project(Path(__file__).with_name("project"), home)
    running = start([folder], log=home / "server.log")
    yield running
    running.stop()
