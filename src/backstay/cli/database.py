"""How the verbs about the database reach it: the running project's, or one started for the verb.

Only verbs that need PostgreSQL import this module; it is not light.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from backstay.cli.output import remark
from backstay.clock import SystemClock
from backstay.cluster import bootstrap, datadir, postmaster
from backstay.cluster.cluster import Cluster
from backstay.cluster.conf import SUPERUSER, conninfo
from backstay.cluster.reset import Plan, clean, reset
from backstay.cluster.settings import cluster_settings
from backstay.cluster.state import State, read_state
from backstay.config.folders import Folders
from backstay.config.instance import Instance, read_instance
from backstay.config.project import load
from backstay.errors import OperatorError


@asynccontextmanager
async def reached(folders: Folders) -> AsyncIterator[str]:
    """A conninfo with which the schema may be changed; the server stays as it was found.

    Raises ``OperatorError``.
    """
    config = load(folders.root, os.environ).config
    if url := config.backstay.postgres.db_url:
        yield url
        return
    instance = read_instance(folders.state)
    if instance is not None:
        yield _superuser(_awake(folders, instance))
        return
    cluster = Cluster.for_project(folders.root, cluster_settings(config), SystemClock())
    await cluster.start(remark)
    try:
        yield cluster.dsn(SUPERUSER)
    finally:
        await cluster.stop()


async def reset_database(folders: Folders, *, upto: str | None, seed: bool) -> int:
    """Make the database anew; how many migrations it then has. Raises ``OperatorError``."""
    config = load(folders.root, os.environ).config
    instance = read_instance(folders.state)
    if instance:
        secret = instance.status["JWT_SECRET"]
    else:
        from backstay.project import keys_of  # noqa: PLC0415 - every service comes with it

        secret = keys_of(config, first=True, clock=SystemClock()).jwt_secret
    wanted = Plan(
        folder=folders.supabase,
        seeds=config.db.seed.sql_paths if seed and config.db.seed.enabled else (),
        settlement=bootstrap.Settlement(
            jwt_secret=secret,
            jwt_expiry=config.auth.jwt_expiry,
            auto_expose_new_tables=config.api.auto_expose_new_tables is not False,
        ),
        upto=upto if config.db.migrations.enabled else "",
    )
    async with reached(folders) as conninfo:
        done = await reset(conninfo, wanted, progress=remark)
        if instance is None:
            clean(conninfo)
        return done


def clean_apart(folders: Folders) -> None:
    """Drop what a reset replaced, in a process of its own: the server waits for a checkpoint.

    Only while the project is served; a verb that started PostgreSQL itself has cleaned already.
    """
    state = read_state(folders.state / "state.json")
    if read_instance(folders.state) is None or state.server_pid == 0 or not hasattr(os, "fork"):
        return
    if os.fork():
        return
    try:
        os.setsid()
        # Whoever reads our answer must not wait for this process too.
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        clean(_superuser(state))
    finally:
        os._exit(0)


def stop_left_over(folders: Folders) -> bool:
    """Stop a PostgreSQL whose backstay was killed; whether there was one."""
    data = _data(folders)
    found = postmaster.find(data) if data.exists() else None
    if found is None:
        return False
    found.stop()
    return True


def delete_data(folders: Folders) -> None:
    """Delete the project's database and what belongs to it; keys and ports stay."""
    data = _data(folders)
    datadir.discard(data)
    link = folders.state / "data"
    if link.is_symlink():
        link.unlink()


def _data(folders: Folders) -> Path:
    return (folders.state / "data").resolve()


def _superuser(state: State) -> str:
    return conninfo(
        (
            ("host", state.sockets),
            ("port", state.ports["db"]),
            ("user", SUPERUSER),
            ("dbname", "postgres"),
        )
    )


def _awake(folders: Folders, instance: Instance) -> State:
    """The state of the running project's cluster, which a request wakes when it sleeps."""
    path = folders.state / "state.json"
    state = read_state(path)
    if state.server_pid == 0:
        _knock(instance)
        state = read_state(path)
    if state.server_pid == 0 or "db" not in state.ports:
        raise OperatorError(
            f"The database of {folders.root} does not answer.",
            why="Its server runs, but says nothing of a PostgreSQL.",
            next="See what happened: backstay logs",
        )
    return state


def _knock(instance: Instance) -> None:
    """Send the project a request and wait for the answer, whatever it is."""
    address = urlsplit(instance.status.get("API_URL", ""))
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", instance.port)
    try:
        connection.request("HEAD", "/rest/v1/", headers={"Host": address.netloc})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
