"""``backstay rest``: the REST dialect alone, at ``/``, where a PostgREST would stand.

    PGRST_DB_URI=postgresql://authenticator@localhost/app PGRST_DB_ANON_ROLE=anon backstay rest

SIGUSR1 loads the schema cache again, SIGUSR2 the configuration too; SIGTERM and SIGINT answer what
is in flight and end.
https://docs.postgrest.org/en/stable/references/configuration.html
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backstay.catalog import database_settings, load
from backstay.catalog.cache import SchemaCache
from backstay.catalog.dump import dump as dump_catalog
from backstay.catalog.events import Loaded, LoadFailed
from backstay.clock import Clock, SystemClock, monotonic
from backstay.config.jspath import parse_role_path
from backstay.config.own import rest_extensions
from backstay.config.postgrest import dump as dump_settings
from backstay.config.postgrest import read_settings
from backstay.config.rest import RestSettings
from backstay.db.model import DatabaseError, DatabaseUnavailable, PoolTimeout, Session
from backstay.db.pool import Pool
from backstay.errors import OperatorError
from backstay.gateway.rsgi import rsgi_app
from backstay.gateway.server import BACKLOG, HttpServer, bind
from backstay.gateway.shutdown import shut_down
from backstay.observe.bus import Bus
from backstay.observe.events import Level, RequestFinished, Started, Warned
from backstay.observe.logs import Log
from backstay.rest.admin import Admin, Metrics
from backstay.rest.cors import with_cors
from backstay.rest.service import RestService
from backstay.tokens.verify import JwtVerifier
from backstay.web import Request, Response, Service

GRACE = 10.0
"""Seconds requests in flight are given to end."""

_LOG_LEVELS: Mapping[str, Level] = {
    "crit": "error",
    "error": "error",
    "warn": "warning",
    "info": "info",
    "debug": "debug",
}


@dataclass(frozen=True, slots=True)
class Launch:
    """What one process of ``backstay rest`` starts from.

    ``listener``: a socket bound by a parent process, shared between workers. ``admin``: whether
    this process answers the admin port.
    """

    environment: Mapping[str, str]
    path: Path | None = None
    listener: socket.socket | None = None
    admin: bool = True
    clock: Clock = field(default_factory=SystemClock)
    streams: dict[Path, bytes] = field(default_factory=dict)
    """What was read from ``@/dev/stdin`` and its like, which cannot be read twice."""

    def settings(
        self, database: Mapping[str, str] | None = None, *, db_uri: str | None = None
    ) -> RestSettings:
        """The settings now in environment and file. Raises ``OperatorError``."""
        return read_settings(
            self.environment, self.path, database, db_uri=db_uri, read_file=self._read_file
        )

    def _read_file(self, path: Path) -> bytes:
        if path.is_file():
            return path.read_bytes()
        if path not in self.streams:
            self.streams[path] = path.read_bytes()
        return self.streams[path]


async def serve(launch: Launch) -> None:
    """Serve until a signal ends it. Raises ``OperatorError`` when it cannot begin."""
    began = monotonic()
    settings = launch.settings()
    bus = Bus()
    Log(launch.clock, level=_LOG_LEVELS[settings.log_level]).listen(bus)
    listener = launch.listener or listen(settings)
    stopped = asyncio.Event()
    async with _service(launch, settings, bus) as (service, cache, pool):
        shared = with_cors(service, lambda: cache.settings.server_cors_allowed_origins)
        api = rsgi_app(_observed(shared, settings, bus), bus)
        servers = [(HttpServer(api, listener), api)]
        if launch.admin and (place := admin_listener(settings)) is not None:
            metrics = Metrics(bus, lambda: pool.stats, settings.db_pool)
            admin = rsgi_app(Admin(cache, metrics, lambda: not stopped.is_set()), bus)
            servers.append((HttpServer(admin, place), admin))
            servers[1][0].start()
        _on_signals(stopped, cache)
        lost = _watch(cache, bus, stopped, recover=settings.db_pool_automatic_recovery)
        await cache.start()
        servers[0][0].start()
        # What was made so far stays: the collector need not walk through it again and again.
        gc.collect()
        gc.freeze()
        addresses = tuple(_shown(server) for server, _ in servers)
        bus.emit(Started(addresses=addresses, seconds=monotonic() - began))
        await stopped.wait()
        await shut_down(servers, bus, grace=GRACE)
    if lost:
        raise OperatorError("The database was lost.", why=str(lost[0]))


@asynccontextmanager
async def _service(
    launch: Launch, settings: RestSettings, bus: Bus
) -> AsyncIterator[tuple[RestService, SchemaCache, Pool]]:
    """The pool, the schema cache (not yet started) and the service over both."""
    conninfo = connection_string(settings)
    pool = pool_for(settings)
    await pool.open()
    cache = SchemaCache(
        pool,
        lambda database: launch.settings(database, db_uri=settings.db_uri),
        lambda changed: JwtVerifier.from_rest_settings(changed, launch.clock),
        bus,
        conninfo=listener_string(conninfo),
        on_change=lambda _: pool.forget_statements(),
    )
    service = RestService(
        pool, cache, extensions=rest_extensions(launch.environment), clock=launch.clock
    )
    try:
        yield service, cache, pool
    finally:
        await cache.stop()
        await pool.close()


def pool_for(settings: RestSettings) -> Pool:
    """The pool the ``db-pool`` settings describe."""
    return Pool(
        connection_string(settings),
        size=settings.db_pool,
        acquisition_timeout=float(settings.db_pool_acquisition_timeout),
        prepared=settings.db_prepared_statements,
        max_lifetime=float(settings.db_pool_max_lifetime),
        max_idletime=float(settings.db_pool_max_idletime),
    )


def connection_string(settings: RestSettings) -> str:
    """``db-uri`` as libpq's key=value pairs, with a name to be known by in pg_stat_activity."""
    try:
        parts = {"fallback_application_name": "backstay", **conninfo_to_dict(settings.db_uri)}
        return make_conninfo(**{name: str(value) for name, value in parts.items()})
    except Exception as error:  # psycopg raises its ProgrammingError
        raise OperatorError(
            "PGRST_DB_URI is not a PostgreSQL connection string.",
            why=str(error).strip(),
            next="Write it as postgresql://user:password@host:port/database.",
        ) from error


def listener_string(conninfo: str) -> str:
    """Where to LISTEN: of several servers, one that can be written to."""
    several = "," in str(conninfo_to_dict(conninfo).get("host", ""))
    return make_conninfo(conninfo, target_session_attrs="read-write") if several else conninfo


def listen(settings: RestSettings) -> socket.socket:
    """The socket of the API. Raises ``OperatorError``."""
    if settings.server_unix_socket:
        return _unix_listener(settings.server_unix_socket, settings.server_unix_socket_mode)
    return _tcp_listener(settings.server_host, settings.server_port, settings.server_reuseport)


def admin_listener(settings: RestSettings) -> socket.socket | None:
    """The socket of the admin server, if one is asked for. Raises ``OperatorError``."""
    if settings.admin_server_unix_socket:
        mode = settings.admin_server_unix_socket_mode
        return _unix_listener(settings.admin_server_unix_socket, mode)
    if settings.admin_server_port is None:
        return None
    return _tcp_listener(settings.admin_server_host, settings.admin_server_port, False)


_ANY: Mapping[str, str] = {"*": "::", "*4": "0.0.0.0", "!4": "0.0.0.0", "*6": "::", "!6": "::"}  # noqa: S104


def _tcp_listener(host: str, port: int, shared: bool) -> socket.socket:
    address = _ANY.get(host, host)
    if address == "::" and not socket.has_ipv6:
        address = "0.0.0.0"  # noqa: S104
    if shared:
        return _shared_listener(address, port)
    return bind(address, port)


def _shared_listener(address: str, port: int) -> socket.socket:
    """A socket that other processes may bind as well; the kernel spreads connections over them."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server(
        (address, port), family=family, backlog=BACKLOG, reuse_port=True
    )
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


def _unix_listener(path: str, mode: str) -> socket.socket:
    place = Path(path)
    if place.exists() and stat.S_ISSOCK(place.stat().st_mode):
        place.unlink()  # left by a process that was killed
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        place.chmod(int(mode, 8))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OperatorError(f"Cannot listen on {path}.", why=str(error)) from error
    listener.setblocking(False)
    return listener


def _observed(service: Service, settings: RestSettings, bus: Bus) -> Service:
    """Tell of each request where the log wants to know; else nothing is added to its way."""
    if settings.log_level not in ("info", "debug"):
        return service

    async def observed(request: Request) -> Response:
        began = monotonic()
        response = await service(request)
        bus.emit(
            RequestFinished(
                project="",
                service="rest",
                request_id=request.id,
                method=request.method,
                path=request.path,
                status=response.status,
                seconds=monotonic() - began,
                client=request.client,
            )
        )
        return response

    return observed


def _watch(
    cache: SchemaCache, bus: Bus, stopped: asyncio.Event, *, recover: bool
) -> list[BaseException]:
    """End when the database is lost, if ``recover`` says so; warn of what will not work for ever.

    Gives a list that will hold why it ended.
    """
    lost: list[BaseException] = []

    def failed(event: LoadFailed) -> None:
        lost.append(event.error)
        stopped.set()

    def loaded(event: Loaded) -> None:
        path = cache.settings.jwt_role_claim_key
        if event.changed and parse_role_path(path).old:
            bus.emit(
                Warned(
                    what=f"jwt-role-claim-key={path} is written in the older syntax.",
                    next="Write it as JSONPath: $.role instead of .role.",
                )
            )

    if not recover:
        bus.subscribe(LoadFailed, failed)
    bus.subscribe(Loaded, loaded)
    return lost


def _on_signals(stopped: asyncio.Event, cache: SchemaCache) -> None:
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def reload(config: bool) -> None:
        task = loop.create_task(cache.reload_soon(config=config))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def stop() -> None:
        if stopped.is_set():  # asked twice: the user does not want to wait
            os._exit(1)
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGUSR1, reload, False)
    loop.add_signal_handler(signal.SIGUSR2, reload, True)


def _shown(server: HttpServer) -> str:
    host, port = server.address
    if not port:
        return f"unix:{host}"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def dump_config(launch: Launch) -> str:
    """``--dump-config``: the settings in force, the database's included if it can be asked."""
    settings = launch.settings()
    if settings.db_config:
        found = await _database_settings(settings)
        settings = launch.settings(found, db_uri=settings.db_uri)
    return dump_settings(settings)


async def _database_settings(settings: RestSettings) -> Mapping[str, str]:
    try:
        pool = pool_for(settings)
        await pool.open()
        try:
            queries = database_settings.queries(settings.db_pre_config)
            return database_settings.build(await pool.run_all(Session(), queries))
        finally:
            await pool.close()
    except (DatabaseError, DatabaseUnavailable, PoolTimeout, OperatorError) as error:
        print(f"The in-database configuration was not read: {error}", file=sys.stderr)
        return {}


async def dump_schema(launch: Launch) -> bytes:
    """``--dump-schema``: the schema cache as JSON. Raises ``OperatorError``."""
    settings = launch.settings()
    pool = pool_for(settings)
    await pool.open()
    try:
        return dump_catalog(await load.load(pool, settings, 1))
    except (DatabaseError, DatabaseUnavailable, PoolTimeout) as error:
        raise OperatorError("The schema could not be read.", why=str(error)) from error
    finally:
        await pool.close()
