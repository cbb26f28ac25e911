"""The pool heals by itself when its server is stopped and started again."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from backstay.clock import SystemClock
from backstay.cluster.cluster import Cluster
from backstay.cluster.settings import ClusterSettings
from backstay.db.model import DatabaseUnavailable, Query, Session
from backstay.db.pool import Pool

ANON = Session("anon", '"public"')
WHO = Query("select current_user")


async def test_a_server_restart(tmp_path: Path) -> None:
    for one in (tmp_path, *tmp_path.parents[:3]):
        one.chmod(0o711)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ClusterSettings(port=port, durable=False)
    cluster = Cluster.for_project(tmp_path, settings, SystemClock())
    await cluster.start()
    pool = Pool(cluster.dsn("authenticator"), size=3)
    try:
        await pool.open()
        await asyncio.gather(*[pool.run(ANON, WHO) for _ in range(6)])
        await cluster.stop()
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                await pool.run(ANON, WHO)
        assert pool.stats.open == 0
        await cluster.start()
        await asyncio.sleep(0.3)  # the longest this many failures make the pool back off
        assert (await pool.run(ANON, WHO)).rows == [(b"anon",)]
    finally:
        await pool.close()
        await cluster.stop()
