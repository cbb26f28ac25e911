"""Clusters in folders of the test's own, on what one run prepares once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from backstay.clock import SystemClock
from backstay.cluster import control
from backstay.cluster.cluster import Cluster
from backstay.cluster.settings import ClusterSettings
from tests.support.running import free_port

Make = Callable[..., Cluster]


@pytest.fixture(scope="session")
def machine() -> Iterator[Path]:
    """A machine directory for the run: prepared by the first test that starts a cluster."""
    path = Path(tempfile.mkdtemp(prefix="backstay-machine-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty project folder with a short path that another user may enter."""
    path = Path(tempfile.mkdtemp(prefix="backstay-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
async def make(machine: Path) -> AsyncIterator[Make]:
    """Make clusters by folder and settings; whatever still runs of them is stopped."""
    made: list[Cluster] = []

    def one(folder: Path, **settings: object) -> Cluster:
        chosen = {"port": free_port(), "durable": False, "machine_dir": str(machine), **settings}
        cluster = Cluster.for_project(folder, ClusterSettings(**chosen), SystemClock())  # type: ignore[arg-type]
        made.append(cluster)
        return cluster

    yield one
    for cluster in made:
        if cluster.phase != "stopped":
            await cluster.stop()
    for folder in {cluster.folder for cluster in made}:
        if folder.exists():
            control.stop_project(folder)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
