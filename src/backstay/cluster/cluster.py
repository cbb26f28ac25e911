"""The cluster of one project: its PostgreSQL from nothing to answering, and back.

    folder ─ places ─▶ user, data directory ─ create ─▶ launch ─ spawn or adopt ─▶ running

Everything that blocks runs in a thread; the methods are coroutines.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, ParamSpec, Self, TypeVar

import psycopg

from backstay.clock import Clock
from backstay.cluster import bootstrap, datadir, postmaster, templates
from backstay.cluster.conf import SUPERUSER, Launch
from backstay.cluster.identity import ServerUser, server_user
from backstay.cluster.locks import FileLock
from backstay.cluster.materialise import materialise
from backstay.cluster.places import Places, machine_dir, places
from backstay.cluster.postmaster import Postmaster, Refused
from backstay.cluster.provider import Installation, embedded, from_bin_dir
from backstay.cluster.settings import ClusterSettings
from backstay.cluster.state import State, read_state, write_state
from backstay.config.ports import free_ports
from backstay.errors import OperatorError

Phase = Literal["stopped", "running", "asleep"]
Progress = Callable[[str], None]
P = ParamSpec("P")
T = TypeVar("T")


class InUse(OperatorError):
    """Another backstay looks after this project; ``state`` says which and where."""

    def __init__(self, state: State) -> None:
        super().__init__(
            "The project is already running.",
            why=f"Process {state.owner_pid} looks after it.",
            next="backstay status, or backstay stop.",
        )
        self.state = state


@dataclass(frozen=True, slots=True)
class Status:
    """``phase`` of the server as seen from here; ``pid`` 0 and ``port`` 0 while unknown."""

    phase: Phase
    version: str
    data: Path
    sockets: Path
    port: int
    pid: int


class Cluster:
    """A project's PostgreSQL. Make it with ``for_project``; ``start`` before anything else."""

    def __init__(self, folder: Path, settings: ClusterSettings, clock: Clock) -> None:
        self.folder = folder
        self.settings = settings
        self._clock = clock
        self._phase: Phase = "stopped"
        self._server: Postmaster | None = None
        self._launch: Launch | None = None
        self._places: Places | None = None
        self._user: ServerUser | None = None
        self._lock: FileLock | None = None
        self._turn = asyncio.Condition()
        self._cleaning: asyncio.Task[None] | None = None

    @classmethod
    def for_project(cls, folder: Path, settings: ClusterSettings, clock: Clock) -> Self:
        """The cluster of the project in ``folder``; touches nothing yet."""
        return cls(folder, settings, clock)

    async def start(self, progress: Progress = lambda _: None) -> None:
        """Make the cluster answer: create it, start it, or adopt a server that is running.

        Raises ``InUse`` when another backstay looks after the project, ``OperatorError`` when the
        server cannot run here.
        """
        async with self._moving("running") as was:
            if was == "stopped":
                try:
                    with _explained(self.folder):
                        await _in_thread(self._start, progress)
                except BaseException:
                    await _in_thread(self._let_go)
                    raise

    async def stop(self) -> None:
        """Shut the server down in order and let go of the project."""
        await self._cleaned()
        async with self._moving("stopped"):
            await _in_thread(self._let_go)

    async def sleep(self) -> None:
        """Shut the server down but keep the project; ``wake`` brings it back."""
        await self._cleaned()
        async with self._moving("asleep") as was:
            if was == "stopped":
                raise OperatorError("The database has not been started.", next="backstay start")
            await _in_thread(self._stop)

    async def wake(self) -> None:
        """Make a sleeping server answer again, on the same port and socket."""
        async with self._moving("running") as was:
            if was == "asleep":
                await _in_thread(self._respawn)

    async def recover(self) -> None:
        """Start the server again when it has ended by itself; for ``supervise``."""
        async with self._moving(None) as was:
            if was == "running" and not (self._server and self._server.alive()):
                await _in_thread(self._respawn)

    async def running(self) -> Postmaster:
        """The server's process, as soon as there is one that is meant to run."""
        async with self._turn:
            while self._phase != "running" or self._server is None:
                await self._turn.wait()
            return self._server

    async def recreate(self, progress: Progress = lambda _: None) -> None:
        """Throw the whole cluster away, roles included, and run on a fresh one.

        Every connection is closed, as by the two methods below, which leave roles alone.
        """
        async with self._moving("running"):
            await _in_thread(self._recreate, progress)

    async def save_template(self, key: str) -> None:
        """Keep the database as it is now as template ``key`` (letters, digits, ``_``, ``-``)."""
        async with self._moving(None):
            await _in_thread(self._save_template, key)

    async def reset_from_template(self, key: str) -> bool:
        """Replace the database by template ``key``; False, changing nothing, when there is none."""
        await self._cleaned()
        async with self._moving(None):
            restored = await _in_thread(self._restore, key)
        if restored:
            self._cleaning = asyncio.create_task(_in_thread(self._clean))
        return restored

    def dsn(self, role: str = "postgres", database: str = "postgres") -> str:
        """A libpq connection string for ``role`` over the private socket; needs no password."""
        return datadir.dsn(self.launch, role, database)

    @property
    def url(self) -> str:
        """The database's URL for other programs, by TCP, as the Supabase CLI prints it."""
        return f"postgresql://postgres:postgres@127.0.0.1:{self.launch.port}/postgres"

    @property
    def launch(self) -> Launch:
        """How the server runs. Raises ``OperatorError`` before the first start."""
        if self._launch is None:
            raise OperatorError("The database has not been started.", next="backstay start")
        return self._launch

    @property
    def installation(self) -> Installation:
        """The server's programs: ``psql``, ``pg_dump`` …"""
        return self.launch.installation

    @property
    def server(self) -> Postmaster | None:
        """The running server process."""
        return self._server

    @property
    def phase(self) -> Phase:
        return self._phase

    def status(self) -> Status:
        """What stands now, without asking the server."""
        launch, alive = self._launch, self._server is not None and self._server.alive()
        return Status(
            phase=self._phase if alive or self._phase != "running" else "stopped",
            version=launch.installation.number if launch else "",
            data=launch.data if launch else self.folder / ".backstay" / "data",
            sockets=launch.sockets if launch else Path(),
            port=launch.port if launch else 0,
            pid=self._server.pid if self._server and alive else 0,
        )

    async def _cleaned(self) -> None:
        cleaning, self._cleaning = self._cleaning, None
        if cleaning is not None:
            # What could not be dropped now is dropped before the next reset.
            await asyncio.gather(cleaning, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _moving(self, to: Phase | None) -> AsyncIterator[Phase]:
        """One change at a time; gives the phase before, and ends in ``to`` if all went well."""
        async with self._turn:
            yield self._phase
            self._phase = to or self._phase
            self._turn.notify_all()

    # Below runs in a thread, one call at a time.

    def _start(self, progress: Progress) -> None:
        settings = self.settings
        machine = machine_dir(settings.machine_dir)
        user = server_user(settings.user, owner_of=self.folder / ".backstay" / "data")
        where = places(self.folder, user, machine)
        self._take(where)
        source = from_bin_dir(Path(settings.bin_dir)) if settings.bin_dir else embedded()
        installation = materialise(source, machine)
        fresh = self._ensure_data(where, installation, user, machine, progress)
        state = read_state(where.state)
        self._user, self._places = user, where
        launch = self._plan(installation, user, where, state)
        datadir.ensure_vault_key(where.data, user)
        self._server = self._adopt(launch, state, progress)
        if self._server is None:
            progress("Starting PostgreSQL")
            launch, self._server = self._spawn(launch, user, where)
        self._launch = launch
        if not fresh and state.bootstrap != datadir.bootstrap_digest():
            asyncio.run(bootstrap.apply(self.dsn(SUPERUSER)))
        self._remember()

    def _take(self, where: Places) -> None:
        lock = FileLock(where.lock)
        while not lock.acquire(wait=False):
            state = read_state(where.state)
            if postmaster.exists(state.owner_pid):
                raise InUse(state)
            # Somebody only looked whether the lock is held, or is just starting.
            time.sleep(0.02)
        self._lock = lock

    def _ensure_data(
        self,
        where: Places,
        installation: Installation,
        user: ServerUser,
        machine: Path,
        progress: Progress,
    ) -> bool:
        """Make the data directory when there is no whole one; True when it was made."""
        datadir.finish_interrupted(where.data)
        if (where.data / "global" / "pg_control").exists():
            _check_major(where.data, installation)
            return False
        if where.data.exists():
            progress("Removing a data directory whose making was interrupted")
            datadir.discard(where.data)
        durable = self.settings.durable
        datadir.create(where.data, installation, user, machine, progress, durable=durable)
        return True

    def _plan(
        self, installation: Installation, user: ServerUser, where: Places, state: State
    ) -> Launch:
        wanted = self.settings.port
        known = state.ports.get("db", 0)
        port = known if known and state.ports.get("db_wanted") == wanted else wanted
        return Launch(
            installation,
            where.data,
            where.sockets,
            port,
            os_users=datadir.os_users(user),
            parameters=self.settings.parameters,
            name=_ascii(self.folder.resolve().name),
            durable=self.settings.durable,
        )

    def _adopt(self, launch: Launch, state: State, progress: Progress) -> Postmaster | None:
        """The server already running on our data, if it runs as we would start it."""
        found = postmaster.find(launch.data)
        if found is None:
            return None
        if state.launch == _digest(launch) and postmaster.answers(launch):
            progress("Found PostgreSQL running")
            return found
        progress("Stopping a PostgreSQL left from an earlier start")
        found.stop()
        return None

    def _spawn(self, launch: Launch, user: ServerUser, where: Places) -> tuple[Launch, Postmaster]:
        refusal: Refused | None = None
        for port in free_ports(launch.port):
            attempt = replace(launch, port=port)
            try:
                return attempt, postmaster.spawn(attempt, user, where.log)
            except Refused as refused:
                if not refused.port_taken:
                    raise
                refusal = refused
        raise refusal or OperatorError(
            f"No free port from {launch.port} on.", next="Set [db] port in config.toml."
        )

    def _respawn(self) -> None:
        if self._user is None or self._places is None:
            return
        self._launch, self._server = self._spawn(self.launch, self._user, self._places)
        self._remember()

    def _recreate(self, progress: Progress) -> None:
        data, user = self.launch.data, self._known_user()
        staged = data.with_name("data.next")
        machine = machine_dir(self.settings.machine_dir)
        datadir.discard(staged)
        durable = self.settings.durable
        datadir.create(staged, self.installation, user, machine, progress, durable=durable)
        self._stop()
        former = datadir.swap(staged, data)
        datadir.ensure_vault_key(data, user)
        self._respawn()
        datadir.discard(former)

    def _save_template(self, key: str) -> None:
        with self._maintenance() as connection:
            templates.save(connection, key)

    def _restore(self, key: str) -> bool:
        with self._maintenance() as connection:
            if not templates.has(connection, key):
                return False
            templates.restore(connection, key)
            return True

    def _clean(self) -> None:
        with self._maintenance() as connection:
            templates.clean(connection)

    def _maintenance(self) -> templates.Connection:
        return psycopg.connect(self.dsn(SUPERUSER, "template1"), autocommit=True)

    def _known_user(self) -> ServerUser:
        if self._user is None:
            raise OperatorError("The database has not been started.", next="backstay start")
        return self._user

    def _stop(self) -> None:
        # Forgotten before it ends: who looks after it sees that this end was wanted.
        server, self._server = self._server, None
        if server is not None:
            server.stop()
        if self._launch is not None:
            self._remember()

    def _let_go(self) -> None:
        try:
            self._stop()
        finally:
            if self._lock is not None:
                self._lock.release()

    def _remember(self) -> None:
        where, user, launch = self._places, self._user, self.launch
        if where is None or user is None or self._lock is None or not self._lock.held:
            return
        state = read_state(where.state)
        ports = {**state.ports, "db": launch.port, "db_wanted": self.settings.port}
        write_state(
            where.state,
            replace(
                state,
                version=launch.installation.number,
                major=launch.installation.major,
                ports=ports,
                server_pid=self._server.pid if self._server else 0,
                owner_pid=os.getpid(),
                user=user.name,
                sockets=str(launch.sockets),
                launch=_digest(launch),
                bootstrap=datadir.bootstrap_digest(),
            ),
        )


async def _in_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run ``work`` in a thread, and to its end even when the caller is cancelled meanwhile.

    A start that went on behind our back would leave a server nobody knows of.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments, **named))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise


def _check_major(data: Path, installation: Installation) -> None:
    made_by = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    if made_by != str(installation.major):
        raise OperatorError(
            f"The data directory was made by PostgreSQL {made_by}.",
            why=f"This is PostgreSQL {installation.number}, which cannot read it.",
            next=(
                f"Set [backstay.postgres] bin_dir to a PostgreSQL {made_by} to go on with it, or "
                f"move {data} away and start anew from the migrations."
            ),
        )


def _digest(launch: Launch) -> str:
    return hashlib.sha256(launch.fingerprint().encode()).hexdigest()[:16]


def _ascii(name: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name)[:60]


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise OperatorError(
            f"{error.filename or folder} is not ours to write.",
            why="The project was probably started by another user before (perhaps as root).",
            next=f"Start it as that user, or: chown -R $(id -u) {folder / '.backstay'}",
        ) from error
