"""A backstay to be killed: starts the cluster of a folder, says so, and waits to die.

    python -m tests.io.cluster.owner FOLDER MACHINE PORT [USER]

With USER it becomes that user first, for good.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import importlib.readers
import os
import pwd
import signal
import sys
from pathlib import Path

import psycopg

from backstay.clock import SystemClock
from backstay.cluster.cluster import Cluster
from backstay.cluster.settings import ClusterSettings
from backstay.errors import OperatorError


async def main(folder: Path, machine: str, port: int) -> None:
    settings = ClusterSettings(port=port, durable=False, machine_dir=machine)
    cluster = Cluster.for_project(folder, settings, SystemClock())
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    try:
        await cluster.start()
    except OperatorError as error:
        print(error, flush=True)
        return
    with psycopg.connect(cluster.dsn("authenticator")) as connection:
        row = connection.execute("select session_user").fetchone()
    print(f"running {cluster.status().pid} {row and row[0]}", flush=True)
    await over.wait()
    await cluster.stop()


if __name__ == "__main__":
    # Everything is imported by now: the new user may be unable to read this Python.
    assert concurrent.futures.thread
    assert importlib.readers
    if len(sys.argv) > 4:
        entry = pwd.getpwnam(sys.argv[4])
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
