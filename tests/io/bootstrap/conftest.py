"""A database that the tests of this folder share: those that ask for it leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.cluster import Database, Server


@pytest.fixture(scope="session")
def shared(server: Server) -> Iterator[Database]:
    made = server.create_database()
    yield made
    server.drop_database(made.name)
