"""The composition root: options and folders in, one listening server out.

    load ─▶ places, keys ─▶ databases ─▶ services ─▶ gateway ─▶ sockets        one process
                               └──────▶ sockets ─▶ N × (services ─▶ gateway)   --workers N

With several workers this process keeps PostgreSQL and the sockets; each worker is given the sockets
and the addresses of the databases, and holds nothing another one needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from backstay import __version__
from backstay.clock import Clock, SystemClock, monotonic
from backstay.cluster.conf import SUPERUSER
from backstay.config.instance import Instance, process_born, remove_instance, write_instance
from backstay.config.own import LOOPBACK, BackstaySettings
from backstay.config.ports import choose_port
from backstay.config.project import Loaded, ProjectConfig, load
from backstay.config.serve import ProjectReady, Screen, ServeOptions
from backstay.errors import OperatorError
from backstay.gateway.gateway import Gateway
from backstay.gateway.hosts import ProjectTable
from backstay.gateway.model import GatewaySettings
from backstay.gateway.rsgi import RsgiApp
from backstay.gateway.server import HttpServer, bind
from backstay.gateway.shutdown import shut_down
from backstay.observe.bus import Bus
from backstay.observe.events import Failed
from backstay.observe.logs import Log
from backstay.observe.metrics import Metrics
from backstay.project import (
    Database,
    Place,
    Prepared,
    Project,
    cluster_of,
    external_database,
    keys_of,
)
from backstay.tokens.api_keys import check_keys

GRACE: Final = 10.0
"""Seconds requests in flight are given to end."""

OWN_PORTS: Final = 54340
"""Where the ports begin that belong to one project of several: above the CLI's own."""

_LOGIN_ROLES: Final = ("authenticator", "supabase_auth_admin", SUPERUSER)
_WORKER: Final = "BACKSTAY_WORKER"
"""The environment variable through which a worker is told what to serve."""


def serve(options: ServeOptions, screen: Screen) -> None:
    """Serve ``options.folders`` until SIGTERM or SIGINT. Raises ``OperatorError``."""
    uvloop.run(Server(options, screen).run())


class Server:
    """One run of ``backstay start``."""

    def __init__(self, options: ServeOptions, screen: Screen) -> None:
        self._options = options
        self._screen = screen
        self._clock: Clock = SystemClock()
        self._bus = Bus()
        self._stopped = asyncio.Event()
        self._began = monotonic()

    async def run(self) -> None:
        """Start everything, serve, stop everything; what was started is stopped on a failure."""
        loaded = [load(folder, os.environ) for folder in self._options.folders]
        _refuse_twins([one.config for one in loaded])
        own = loaded[0].config.backstay
        Log(self._clock, level=self._options.log_level or own.log_level).listen(self._bus)
        _on_signals(self._stopped)
        host = self._options.host or own.host or LOOPBACK
        with contextlib.ExitStack() as sockets:
            listeners = self._bind(loaded, host, sockets)
            projects = [
                self._project(one.config, listeners, host, first=one is loaded[0]) for one in loaded
            ]
            try:
                await self._serve(projects, loaded, list(listeners.values()))
            finally:
                await asyncio.gather(*(project.stop() for project in projects))

    async def _serve(
        self, projects: list[Project], loaded: Sequence[Loaded], listeners: list[socket.socket]
    ) -> None:
        prepared = await asyncio.gather(*(self._prepare(project) for project in projects))
        workers = self._options.workers or projects[0].config.backstay.workers
        if workers > 1:
            serving: Serving = Workers(workers, projects, listeners, self._options, self._bus)
        else:
            serving = InProcess(projects, listeners, self._bus)
        try:
            await serving.start()
            self._announce(projects, loaded, prepared)
            await self._stopped.wait()
        finally:
            for project in projects:
                remove_instance(project.config.folders.state, os.getpid())
            await serving.stop()

    async def _prepare(self, project: Project) -> Prepared:
        return await project.prepare_database(
            lambda what: self._screen.step(project.config.project_id, what)
        )

    def _bind(
        self, loaded: Sequence[Loaded], host: str, sockets: contextlib.ExitStack
    ) -> dict[str, socket.socket]:
        """The shared socket under "", and each project's own by its name when there are several."""
        first = loaded[0].config
        asked = self._options.port
        if asked is None:
            asked = first.backstay.port
        if asked is None:
            asked = choose_port(first.folders.state, "api", first.api.port, host=host)
        listeners = {"": sockets.enter_context(bind(host, asked))}
        if len(loaded) > 1:
            for one in loaded:
                port = choose_port(one.config.folders.state, "own", OWN_PORTS, host=host)
                listeners[one.config.name] = sockets.enter_context(bind(host, port))
        return listeners

    def _project(
        self,
        config: ProjectConfig,
        listeners: Mapping[str, socket.socket],
        host: str,
        *,
        first: bool,
    ) -> Project:
        keys = keys_of(config, first=first, clock=self._clock)
        check_keys(host, keys)
        own = listeners.get(config.name)
        place = Place(
            host=host,
            port=_port(listeners[""]),
            own_port=None if own is None else _port(own),
            first=first,
        )
        url = self._options.db_url or config.backstay.postgres.db_url
        return Project(
            config,
            keys,
            place,
            cluster=None if url else cluster_of(config, self._clock),
            database=external_database(url) if url else None,
            clock=self._clock,
            bus=self._bus,
        )

    def _announce(
        self, projects: Sequence[Project], loaded: Sequence[Loaded], prepared: Sequence[Prepared]
    ) -> None:
        started_at = self._clock.now().isoformat(timespec="seconds")
        for project in projects:
            write_instance(project.config.folders.state, _instance(project, started_at))
        for one in loaded:
            for notice in one.notices:
                self._screen.note(notice.what, notice.next)
        shown = tuple(map(_shown, projects, prepared))
        self._screen.ready(shown, monotonic() - self._began)


class InProcess:
    """Serves in this process: the gateway, and a server on each socket."""

    def __init__(
        self, projects: Sequence[Project], listeners: Sequence[socket.socket], bus: Bus
    ) -> None:
        self._projects = projects
        self._listeners = listeners
        self._bus = bus
        self._servers: list[tuple[HttpServer, RsgiApp]] = []

    async def start(self) -> None:
        await asyncio.gather(*(project.serve() for project in self._projects))
        metrics = Metrics()
        metrics.listen(self._bus)
        own = self._projects[0].config.backstay
        gateway = Gateway(ProjectTable(self._projects), _gateway_settings(own), self._bus, metrics)
        for listener in self._listeners:
            application = RsgiApp(gateway.on_port(_port(listener)), self._bus)
            server = HttpServer(application, listener)
            server.start()
            self._servers.append((server, application))
        # What was made so far stays: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()

    async def stop(self) -> None:
        """Accept no more, and let what is in flight end."""
        if self._servers:
            await shut_down(self._servers, self._bus, grace=GRACE)


class Workers:
    """Serves in ``count`` processes on the same sockets; one that ends is replaced."""

    def __init__(
        self,
        count: int,
        projects: Sequence[Project],
        listeners: Sequence[socket.socket],
        options: ServeOptions,
        bus: Bus,
    ) -> None:
        self._count = count
        self._fds = [listener.fileno() for listener in listeners]
        self._order = _Order(
            folders=[str(project.config.folders.root) for project in projects],
            places=[asdict(project.place) for project in projects],
            databases=[_addresses(project) for project in projects],
            listeners=self._fds,
            log_level=options.log_level or projects[0].config.backstay.log_level,
        )
        self._bus = bus
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        answering = [asyncio.Event() for _ in range(self._count)]
        self._keepers = [asyncio.create_task(self._keep(event)) for event in answering]
        waiting = asyncio.create_task(_all_set(answering))
        done, _ = await asyncio.wait([waiting, *self._keepers], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for ended in done:
            ended.result()

    async def stop(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep(self, answers: asyncio.Event) -> None:
        """Run one worker, and another when it ends, until cancelled."""
        while True:
            process = await self._spawn()
            try:
                line = await process.stdout.readline() if process.stdout else b""
                if not line and not answers.is_set():
                    raise OperatorError("A worker process ended before it could serve.")
                answers.set()
                await process.wait()
            except asyncio.CancelledError:
                await _end(process)
                raise
            error = ChildProcessError(f"exit status {process.returncode}")
            self._bus.emit(Failed(what="A worker process ended; another takes over.", error=error))
            await asyncio.sleep(0.1)

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "backstay.app",
            stdout=asyncio.subprocess.PIPE,
            pass_fds=self._fds,
            env={**os.environ, _WORKER: self._order.to_json()},
        )


Serving = InProcess | Workers


@dataclass(frozen=True, slots=True)
class _Order:
    """What a worker is told: lists run parallel, one entry a project."""

    folders: list[str]
    places: list[dict[str, Any]]
    databases: list[dict[str, str]]
    listeners: list[int]
    log_level: Any

    def to_json(self) -> str:
        return json.dumps(asdict(self))


async def work(order: _Order) -> None:
    """Serve as one worker of several until told to stop."""
    clock, bus, stopped = SystemClock(), Bus(), asyncio.Event()
    Log(clock, level=order.log_level).listen(bus)
    _on_signals(stopped)
    projects = []
    for folder, place, database in zip(order.folders, order.places, order.databases, strict=True):
        config = load(Path(folder), os.environ).config
        where = Place(**place)
        keys = keys_of(config, first=where.first, clock=clock)
        reached = Database(conninfo=database.__getitem__, url=database["url"])
        projects.append(
            Project(config, keys, where, cluster=None, database=reached, clock=clock, bus=bus)
        )
    listeners = [socket.socket(fileno=fd) for fd in order.listeners]
    serving = InProcess(projects, listeners, bus)
    await serving.start()
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    await stopped.wait()
    await serving.stop()
    await asyncio.gather(*(project.stop() for project in projects))


def _addresses(project: Project) -> dict[str, str]:
    database = project.database
    return {"url": database.url, **{role: database.conninfo(role) for role in _LOGIN_ROLES}}


async def _all_set(events: Sequence[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), GRACE + 2)
    except TimeoutError:
        process.kill()


def _on_signals(stopped: asyncio.Event) -> None:
    def stop() -> None:
        if stopped.is_set():  # asked twice: whoever asks does not want to wait
            os._exit(1)
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def _refuse_twins(configs: Sequence[ProjectConfig]) -> None:
    seen: dict[str, ProjectConfig] = {}
    for config in configs:
        twin = seen.setdefault(config.name, config)
        if twin is not config:
            raise OperatorError(
                f"Two projects are called {config.name}.",
                why=f"{twin.folders.root} and {config.folders.root} share a host name.",
                next="Give one another project_id in its config.toml.",
            )


def _gateway_settings(own: BackstaySettings) -> GatewaySettings:
    return GatewaySettings(
        require_api_key=own.require_api_key,
        max_body=own.body_limit,
        trusted_proxies=own.trusted_proxies,
    )


def _instance(project: Project, started_at: str) -> Instance:
    pid, place = os.getpid(), project.place
    ports = {"api": place.port} | ({"own": place.own_port} if place.own_port else {})
    return Instance(
        pid=pid,
        born=process_born(pid),
        started_at=started_at,
        version=__version__,
        project_id=project.config.project_id,
        root=str(project.config.folders.root),
        host=place.host,
        port=place.own_port or place.port,
        urls=project.urls,
        ports=ports,
        status=project.status(),
    )


def _shown(project: Project, prepared: Prepared) -> ProjectReady:
    return ProjectReady(
        project_id=project.config.project_id,
        root=project.config.folders.root,
        data=_data(project),
        postgres_version=prepared.postgres_version,
        postgres_seconds=prepared.postgres_seconds,
        applied=prepared.applied,
        pending=prepared.pending,
        status=tuple(project.status().items()),
        urls=project.urls,
    )


def _data(project: Project) -> str:
    return str(project.cluster.status().data) if project.cluster else project.database.url


if __name__ == "__main__":
    uvloop.run(work(_Order(**json.loads(os.environ.pop(_WORKER)))))
