"""A project: everything one project folder owns while it is served.

    prepare   keys and places: nothing is started
    start     PostgreSQL, migrations, seeds; then ``serve``
    serve     pools, catalog, services
    sleep     PostgreSQL stopped, everything else kept; the next request wakes it
    stop      the ordinary end

A project is a value that is passed around, never a global: one process serves many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import psycopg

from backstay.auth.mailer import CapturedMailer
from backstay.auth.service import AuthService
from backstay.catalog.cache import SchemaCache
from backstay.clock import Clock, monotonic
from backstay.cluster import bootstrap, migrate, seed
from backstay.cluster.cluster import Cluster
from backstay.cluster.conf import SUPERUSER
from backstay.cluster.folder import names
from backstay.cluster.plan import plan
from backstay.cluster.settings import cluster_settings
from backstay.cluster.supervise import supervise
from backstay.config.auth import AuthSettings
from backstay.config.postgrest import Sources, settings_from
from backstay.config.project import ProjectConfig, rest_settings
from backstay.config.rest import RestSettings
from backstay.config.status import status_values
from backstay.db.pool import Pool
from backstay.errors import HttpError, OperatorError
from backstay.observe.bus import Bus
from backstay.observe.events import DatabaseLost, RequestFailed
from backstay.rest.service import RestService
from backstay.tokens.api_keys import ProjectKeys
from backstay.tokens.key_store import load_keys, load_or_generate_keys
from backstay.tokens.keys import Jwk, parse_signing_keys
from backstay.tokens.verify import JwtVerifier
from backstay.web import Request, Service

AUTH_CONNECTIONS = 4
"""Connections of the auth service beside the API's: its flows are few and short."""

DATABASE_PASSWORD = "postgres"  # noqa: S105 - the CLI's, reachable from this machine only
IDLE_CONNECTION = 60.0
"""Seconds a connection may idle: each costs PostgreSQL some megabytes."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a project is reached. ``own_port`` is None when the shared port is its alone."""

    host: str
    port: int
    first: bool
    own_port: int | None = None

    def urls(self, name: str) -> tuple[str, ...]:
        """Every URL that reaches the project, the one for clients first."""
        shown = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104
        address = f"[{shown}]" if ":" in shown else shown
        plain = (f"http://{address}:{self.port}",) if self.first else ()
        own = (f"http://{address}:{self.own_port}",) if self.own_port else ()
        return (*plain, *own, f"http://{name}.localhost:{self.port}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """How the services reach the database: a connection string for a login role."""

    conninfo: Callable[[str], str]
    url: str
    """For people and other programs: with the password of ``postgres``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a start did to the database: for the start screen."""

    postgres_version: str
    postgres_seconds: float
    applied: tuple[str, ...]
    pending: tuple[str, ...]


class Project:
    """One project, from its folder to its services; what the gateway knows a project by.

    ``cluster`` is None when the database is somebody else's (``db_url``), or kept by the parent
    process of this worker.
    """

    def __init__(
        self,
        config: ProjectConfig,
        keys: ProjectKeys,
        place: Place,
        *,
        cluster: Cluster | None,
        database: Database | None,
        clock: Clock,
        bus: Bus,
    ) -> None:
        self.config = config
        self.keys = keys
        self.place = place
        self.cluster = cluster
        self.asleep = False
        self.services: Mapping[str, Service] = {}
        self._database = database
        self._clock = clock
        self._bus = bus
        self._pool: Pool | None = None
        self._auth_pool: Pool | None = None
        self._cache: SchemaCache | None = None
        self._auth: AuthService | None = None
        self._turn = asyncio.Lock()
        self._watching: list[asyncio.Task[None]] = []

    # ── what the gateway reads ────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def hosts(self) -> tuple[str, ...]:
        return self.config.backstay.hosts

    @property
    def port(self) -> int | None:
        return self.place.own_port

    async def awake(self) -> None:
        """Wake the project's PostgreSQL; raises ``HttpError`` 503 when it does not come."""
        async with self._turn:
            if not self.asleep or self.cluster is None:
                return
            try:
                await self.cluster.wake()
                await self._connect()
            except (OperatorError, OSError) as error:
                raise HttpError(
                    503, "database_unavailable", "The database is waking up; try again.",
                    headers=(("Retry-After", "1"),),
                ) from error  # fmt: skip
            self.asleep = False

    async def ready(self) -> bool:
        """Whether requests can be answered, after waking if need be."""
        return self.asleep or (self._cache is not None and self._cache.current is not None)

    # ── what the server and the command line read ─────────────────────────────────────────────

    @property
    def database(self) -> Database:
        """Where the database is. Raises ``OperatorError`` before the cluster has started."""
        if self._database is not None:
            return self._database
        if self.cluster is None:
            raise OperatorError("The project has no database.")
        return Database(conninfo=self.cluster.dsn, url=self.cluster.url)

    @property
    def urls(self) -> tuple[str, ...]:
        """Every URL of the API, the one for clients first."""
        return self.place.urls(self.name)

    @property
    def public_url(self) -> str:
        """The URL clients see."""
        return self.config.backstay.public_url.rstrip("/") or self.urls[0]

    def status(self) -> dict[str, str]:
        """What ``backstay status`` prints, by the Supabase CLI's names."""
        return status_values(
            api_url=self.public_url,
            db_url=self.database.url,
            keys={one.name: str(getattr(self.keys, one.name)) for one in fields(self.keys)},
            offered={"rest", "graphql"},
        )

    # ── life ──────────────────────────────────────────────────────────────────────────────────

    async def prepare_database(self, progress: Progress) -> Prepared:
        """Start PostgreSQL and bring the database to what the project's files say.

        Raises ``OperatorError``, ``MigrationError`` for a file that fails.
        """
        began = monotonic()
        if self.cluster is not None:
            await self.cluster.start(progress)
        seconds = monotonic() - began
        owner = self._operator_conninfo()
        if self.cluster is None:
            await _bootstrapped(owner)
        await bootstrap.settle(owner, self._settlement())
        applied = await self._migrate(owner, progress)
        async with await psycopg.AsyncConnection.connect(owner) as connection:
            version = connection.info.parameter_status("server_version") or ""
        return Prepared(
            postgres_version=version.partition(" ")[0],
            postgres_seconds=seconds,
            applied=applied,
            pending=await self._pending(owner),
        )

    async def serve(self) -> None:
        """Open the pools, read the catalog, make the services; then watch over PostgreSQL."""
        database, rest = self.database, self._rest_settings()
        pool = Pool(
            database.conninfo("authenticator"),
            size=rest.db_pool,
            acquisition_timeout=float(rest.db_pool_acquisition_timeout),
            max_idletime=IDLE_CONNECTION,
        )
        auth_pool = Pool(
            database.conninfo("supabase_auth_admin"),
            size=AUTH_CONNECTIONS,
            max_idletime=IDLE_CONNECTION,
        )
        cache = SchemaCache(
            pool,
            lambda found: _with_database_settings(rest, found),
            lambda settings: JwtVerifier.from_rest_settings(settings, self._clock),
            self._bus,
            conninfo=database.conninfo("authenticator"),
            on_change=lambda _: pool.forget_statements(),
            project=self.name,
        )
        self._pool, self._auth_pool, self._cache = pool, auth_pool, cache
        extensions = self.config.backstay.rest
        api = RestService(
            pool, cache, extensions=extensions, clock=self._clock, observer=self._rest_failed
        )
        self._auth = self._auth_service(auth_pool)
        self.services = {"rest": api, "auth": self._auth}
        await self._connect()
        self._watch()

    async def stop(self) -> None:
        """Let go of the database, and stop it if it is ours."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await self._disconnect()
        if self._auth is not None:
            self._auth.close()
        if self.cluster is not None:
            await self.cluster.stop()

    # ── parts ─────────────────────────────────────────────────────────────────────────────────

    async def _connect(self) -> None:
        pool, auth_pool, cache = self._parts()
        await pool.open()
        await auth_pool.open()
        await cache.start()

    async def _disconnect(self) -> None:
        if self._cache is None:
            return
        pool, auth_pool, cache = self._parts()
        await cache.stop()
        await asyncio.gather(pool.close(), auth_pool.close())

    def _parts(self) -> tuple[Pool, Pool, SchemaCache]:
        if self._pool is None or self._auth_pool is None or self._cache is None:
            raise OperatorError("The project is not being served.")
        return self._pool, self._auth_pool, self._cache

    def _watch(self) -> None:
        if self.cluster is None:
            return
        loop = asyncio.get_running_loop()
        self._watching = [loop.create_task(supervise(self.cluster, self._restarted))]
        if self.config.backstay.sleep_after > 0:
            self._watching.append(loop.create_task(self._doze(self.config.backstay.sleep_after)))

    def _rest_failed(self, request: Request, error: Exception) -> None:
        failed = RequestFailed(
            project=self.name, request_id=request.id, service="rest", error=error
        )
        self._bus.emit(failed)

    def _restarted(self, what: str) -> None:
        self._bus.emit(DatabaseLost(project=self.name, reason=what))

    async def _doze(self, after: float) -> None:
        """Put the project to sleep once ``after`` seconds pass without an exchange."""
        pool, auth_pool, _ = self._parts()
        seen, since = -1, monotonic()
        while True:
            await asyncio.sleep(after / 4)
            count = pool.exchanges + auth_pool.exchanges
            if count != seen or self.asleep:
                seen, since = count, monotonic()
            elif monotonic() - since >= after:
                await self._sleep()

    async def _sleep(self) -> None:
        async with self._turn:
            if self.cluster is None or self.asleep:
                return
            # From here on a request waits for its turn in ``awake``.
            self.asleep = True
            await self._disconnect()
            await self.cluster.sleep()

    async def _migrate(self, owner: str, progress: Progress) -> tuple[str, ...]:
        """Apply what is pending, then the seed files that never ran.

        Somebody else's database is seeded with its first migrations only: it may be in production.
        """
        config, folder = self.config, self.config.folders.supabase
        fresh = not await migrate.applied(owner)
        done = []
        if config.db.migrations.enabled:
            done = await migrate.migrate(owner, folder, progress=progress)
        if config.db.seed.enabled and (fresh or self.cluster is not None):
            await seed.seed(owner, folder, config.db.seed.sql_paths, progress=progress)
        return tuple(one.migration.file for one in done)

    async def _pending(self, owner: str) -> tuple[str, ...]:
        """The files still to be applied: some only where [db.migrations] is switched off."""
        files = names(self.config.folders.migrations)
        todo = plan(files, await migrate.applied(owner))
        return tuple(migration.file for migration in todo.pending)

    def _operator_conninfo(self) -> str:
        return self.database.conninfo(SUPERUSER)

    def _settlement(self) -> bootstrap.Settlement:
        """Only a database of ours is given passwords; somebody else's has its own."""
        own = self.cluster is not None
        return bootstrap.Settlement(
            passwords=bootstrap.passwords(DATABASE_PASSWORD) if own else {},
            jwt_secret=self.keys.jwt_secret,
            jwt_expiry=self.config.auth.jwt_expiry,
            auto_expose_new_tables=self.config.api.auto_expose_new_tables is not False,
        )

    def _rest_settings(self) -> RestSettings:
        return replace(
            rest_settings(self.config),
            jwt_secret=self.keys.verification_jwks(),
            openapi_server_proxy_uri=f"{self.public_url}/rest/v1",
        )

    def _auth_service(self, pool: Pool) -> AuthService:
        settings = self._auth_settings()
        return AuthService(
            pool,
            settings,
            profile=self.config.backstay.auth,
            signer=self.keys.signer(),
            verifier=JwtVerifier.for_auth(self.keys.auth_keys(), self._clock),
            clock=self._clock,
            mailer=CapturedMailer(),
            observer=self._bus,
            jwks=self.keys.public_jwks(),
        )

    def _auth_settings(self) -> AuthSettings:
        settings = self.config.auth
        external = settings.external_url or f"{self.public_url}/auth/v1"
        return replace(settings, external_url=external, jwt_issuer=settings.jwt_issuer or external)


def cluster_of(config: ProjectConfig, clock: Clock) -> Cluster:
    """The embedded cluster of a project, by its configuration; nothing is touched yet."""
    return Cluster.for_project(config.folders.root, cluster_settings(config), clock)


def external_database(url: str) -> Database:
    """A database that is kept by somebody else; every service logs in by the same URL."""
    return Database(conninfo=lambda _: url, url=url)


def keys_of(config: ProjectConfig, *, first: bool, clock: Clock) -> ProjectKeys:
    """A project's keys, by the rules of ``tokens.key_store``."""
    state, auth = config.folders.state, config.auth
    kept = load_keys(state)
    if kept is not None:
        base = kept
    elif first:
        base = ProjectKeys.development()
    else:
        base = load_or_generate_keys(state, clock)
    return base.configured(
        clock,
        jwt_secret=auth.jwt_secret,
        anon_key=auth.anon_key,
        service_role_key=auth.service_role_key,
        publishable_key=auth.publishable_key,
        secret_key=auth.secret_key,
        signing_keys=_signing_keys(config),
    )


def _signing_keys(config: ProjectConfig) -> Sequence[Jwk]:
    if not config.auth.signing_keys_path:
        return ()
    path = config.folders.supabase / config.auth.signing_keys_path
    try:
        return parse_signing_keys(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise OperatorError(
            f"The signing keys in {path} cannot be read.",
            why=str(error),
            next="Make one with: backstay keys signing-key, or leave auth.signing_keys_path out.",
        ) from error


def _with_database_settings(base: RestSettings, found: Mapping[str, str]) -> RestSettings:
    try:
        return settings_from(Sources(database=found), base)
    except (OSError, ValueError) as error:
        raise OperatorError(f"Error in config {error}") from error


async def _bootstrapped(conninfo: str) -> None:
    try:
        await bootstrap.apply(conninfo)
    except psycopg.Error as error:
        raise OperatorError(
            "The database could not be prepared.",
            why=str(error).strip(),
            next="Give --db-url a role that may create roles and schemas.",
        ) from error
