"""Rule of this folder: the service answers a request; what the database then holds is looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.io.auth.harness import Auth, serving, settings
from tests.support.cluster import Database


@pytest.fixture
async def auth(database: Database) -> AsyncIterator[Auth]:
    """The service with the CLI's default settings: addresses need no confirmation."""
    async with serving(database, settings()) as service:
        yield service


@pytest.fixture
async def confirming(database: Database) -> AsyncIterator[Auth]:
    """The service of a project that asks to confirm addresses."""
    async with serving(database, settings(email={"enable_confirmations": True})) as service:
        yield service
