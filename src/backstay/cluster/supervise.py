"""Look after a running server: when it ends by itself, start it again.

The end is noticed at once, through a descriptor of the process where the system has them (Linux),
else by asking a few times a second. A server that keeps ending is tried at growing intervals,
forever: its clients get 503 meanwhile, and whatever was wrong (a full disk) may be mended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

from backstay.cluster.cluster import Cluster
from backstay.cluster.postmaster import Postmaster
from backstay.errors import OperatorError

Report = Callable[[str], None]
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0
"""Seconds between two attempts: doubled from the first to the longest."""
ASKING = 0.25
"""Seconds between two looks at the process where there is nothing to wait on."""


async def supervise(cluster: Cluster, report: Report = lambda _: None) -> None:
    """Keep the cluster's server running until cancelled. ``report`` hears what happened.

    A server that was stopped or sent to sleep on purpose is left alone; one that was woken is
    looked after again.
    """
    while True:
        server = await cluster.running()
        await ended(server)
        # A stop on purpose changes the phase before the process ends.
        if cluster.phase == "running" and cluster.server is server:
            report(f"PostgreSQL (process {server.pid}) ended unexpectedly; starting it again")
            await _revive(cluster, report)


async def _revive(cluster: Cluster, report: Report) -> None:
    pause = FIRST_PAUSE
    while True:
        try:
            await cluster.recover()
        except (OperatorError, OSError) as error:
            report(f"PostgreSQL did not come back: {error}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            return


async def ended(server: Postmaster) -> None:
    """Return when the process has ended."""
    if not hasattr(os, "pidfd_open"):
        while server.alive():  # noqa: ASYNC110 - nothing tells of another process's end here
            await asyncio.sleep(ASKING)
        return
    try:
        fd = os.pidfd_open(server.pid)
    except ProcessLookupError:
        return
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(fd, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(fd)
        with contextlib.suppress(OSError):
            os.close(fd)
