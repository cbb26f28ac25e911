"""The PostgreSQL that every contestant shares, and a token its policies accept."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
import psycopg

from backstay.clock import SystemClock
from backstay.cluster.cluster import Cluster
from backstay.cluster.conf import SUPERUSER
from backstay.cluster.settings import ClusterSettings
from bench.scenarios import OWNER, SECRET
from bench.servers import free_port

HERE = Path(__file__).parent
PARAMETERS = (("max_connections", "300"),)


@dataclass(frozen=True, slots=True)
class Stage:
    """A running, filled database. ``programs`` holds pgbench; ``pid`` is the postmaster's."""

    host: str
    port: int
    programs: Path
    pid: int
    user: str = "authenticator"
    database: str = "postgres"

    @property
    def dsn(self) -> str:
        return f"host={self.host} port={self.port} user={self.user} dbname={self.database}"

    @property
    def admin_dsn(self) -> str:
        return f"host={self.host} port={self.port} user={SUPERUSER} dbname={self.database}"

    @property
    def environment(self) -> dict[str, str]:
        """What libpq's and its imitators' programs read."""
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.database,
        }


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """A durable cluster of its own in a temporary folder, bootstrapped and filled."""
    with tempfile.TemporaryDirectory(prefix="backstay-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # noqa: ASYNC240
        settings = ClusterSettings(port=free_port(), parameters=PARAMETERS)
        cluster = Cluster.for_project(folder, settings, SystemClock())
        await cluster.start()
        try:
            launch = cluster.launch
            pid = int((launch.data / "postmaster.pid").read_text().splitlines()[0])
            stage = Stage(str(launch.sockets), launch.port, launch.installation.bin, pid)
            fill(stage)
            yield stage
        finally:
            await cluster.stop()


def fill(stage: Stage) -> None:
    """Make the schema as the migrations' owner, and let the planner know it."""
    owner = stage.admin_dsn.replace(f"user={SUPERUSER}", "user=postgres")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute((HERE / "schema.sql").read_bytes())
        connection.execute("vacuum analyze")


def token(role: str = "authenticated") -> str:
    """An access token as GoTrue issues it, valid for a day."""
    now = int(time.time())
    return jwt.encode(
        {
            "iss": "http://127.0.0.1:54321/auth/v1",
            "sub": OWNER,
            "aud": "authenticated",
            "exp": now + 86_400,
            "iat": now,
            "role": role,
            "email": "owner@example.com",
            "session_id": "22222222-2222-2222-2222-222222222222",
            "app_metadata": {"provider": "email", "providers": ["email"]},
            "user_metadata": {"name": "Owner"},
            "is_anonymous": False,
        },
        SECRET,
        algorithm="HS256",
    )
