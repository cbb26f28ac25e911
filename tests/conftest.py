"""Fixtures for every kind of test. The cluster starts only when a test asks for it."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from backstay.clock import SystemClock
from backstay.cluster.cluster import Cluster
from backstay.cluster.conf import SUPERUSER
from backstay.cluster.settings import ClusterSettings
from backstay.cluster.templates import clone
from tests.support.cluster import PRISTINE, Database, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A bootstrapped cluster in a temporary folder, for the whole run."""
    # Not one of pytest's folders: they are closed to others, and as root the server is another
    # user.
    folder = Path(tempfile.mkdtemp(prefix="backstay-"))
    folder.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ClusterSettings(port=port, durable=False, parameters=(("max_connections", "60"),))
    cluster = Cluster.for_project(folder, settings, SystemClock())
    asyncio.run(cluster.start())
    try:
        with psycopg.connect(cluster.dsn(SUPERUSER, "template1"), autocommit=True) as connection:
            clone(connection, "postgres", PRISTINE)
            connection.execute(
                sql.SQL("alter database {} allow_connections false").format(
                    sql.Identifier(PRISTINE)
                )
            )
        yield Server(cluster.launch)
    finally:
        asyncio.run(cluster.stop())
        shutil.rmtree(folder)


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """A database of the test's own, as a project has it before its migrations."""
    made = server.create_database()
    try:
        yield made
    finally:
        server.drop_database(made.name)
