"""The schema cache: the present catalog, and everything that makes it be loaded again.

A load reads the in-database configuration and then the catalog, builds a new ``Snapshot`` beside
the old one and swaps it in by one assignment. Requests read ``current`` once and never wait; while
a load fails, the old snapshot goes on serving.

    NOTIFY pgrst, 'reload schema'   ─┐
    NOTIFY pgrst, 'reload config'   ─┼─▶ reload ──▶ swap, if anything differs
    a new LISTEN connection         ─┤
    a miss, when the fingerprint    ─┘
    of the system catalogs changed

https://docs.postgrest.org/en/stable/references/schema_cache.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

from backstay.catalog import database_settings, load
from backstay.catalog.events import ConfigFailed, Listening, Loaded, LoadFailed, Notified
from backstay.catalog.model import Catalog, Snapshot
from backstay.clock import monotonic
from backstay.config.rest import RestSettings
from backstay.db.listen import Listener
from backstay.db.model import DatabaseError, Session
from backstay.errors import BackstayError, OperatorError
from backstay.observe.bus import Bus
from backstay.tokens.model import Verifier

LOOK_INTERVAL = 1.0
"""Seconds between two looks for changes after a miss: a flood of misses costs one look a second."""

LONGEST_DELAY = 32.0
"""Seconds between two attempts to load, at most; they begin at one and double."""


Configure = Callable[[Mapping[str, str]], RestSettings]
"""From ``pgrst.*`` settings found in the database to the whole; raises ``OperatorError``."""


def _nothing(_snapshot: Snapshot) -> None:
    pass


class SchemaCache:
    """``Source`` of snapshots for one database.

    ``configure`` reads the settings anew, with what the database says on top. ``verifier`` makes a
    token verifier, and is asked only when a setting about tokens changed, so that verified tokens
    stay remembered. ``bus`` hears of every load (``catalog.events``). ``conninfo`` says where to
    LISTEN; empty: do not. ``on_change`` is called after a swap (the pool forgets its statements,
    whose parameter types may be outdated).
    """

    def __init__(
        self,
        pool: load.Runner,
        configure: Configure,
        verifier: Callable[[RestSettings], Verifier],
        bus: Bus,
        *,
        conninfo: str = "",
        on_change: Callable[[Snapshot], None] = _nothing,
        project: str = "",
    ) -> None:
        self._pool = pool
        self._configure = configure
        self._make_verifier = verifier
        self._conninfo = conninfo
        self._on_change = on_change
        self._bus = bus
        self._project = project
        self._snapshot: Snapshot | None = None
        self._settings = configure({})
        self._digest = b""
        self._fingerprint: bytes | None = None
        self._looked = -LOOK_INTERVAL
        self._look: asyncio.Task[bool] | None = None
        self._loading = asyncio.Lock()
        self._asked = 0
        self._answered = 0
        self._pending = False
        self._config_asked = False
        self._listener: Listener | None = None
        self._listens_to = ""
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def current(self) -> Snapshot | None:
        """The newest snapshot; None before the first load."""
        return self._snapshot

    @property
    def settings(self) -> RestSettings:
        """The settings in force; before the first load those known without the database."""
        return self._settings

    @property
    def pending(self) -> bool:
        """A load is being tried, after a failure or for the first time."""
        return self._pending

    async def start(self) -> None:
        """Load for the first time and go on in the background if that fails; then listen."""
        self._pending = True
        await self.reload_soon()
        await self._listen()

    async def stop(self) -> None:
        """Stop listening and loading."""
        if self._listener is not None:
            await self._listener.stop()
            self._listener = None
        for task in list(self._tasks):
            task.cancel()
        for task in list(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def reload(self) -> bool:
        """Load the catalog now; True if anything differs from before.

        The configuration is read again with it where some of it comes from the database. Calls that
        come while a load is under way share the next one. Raises what the database raises; the
        snapshot then stays as it was.
        """
        self._asked += 1
        asked = self._asked
        before = self._snapshot
        async with self._loading:
            if self._answered < asked:
                answering = self._asked
                await self._load()
                self._answered = answering
        return self._snapshot is not before

    async def reload_config(self) -> bool:
        """Read the configuration again; the catalog too, since what it exposes may have changed."""
        self._config_asked = True
        return await self.reload()

    async def reload_soon(self, *, config: bool = False) -> None:
        """Load, and try again later in the background if that fails; raises nothing."""
        self._config_asked = self._config_asked or config
        if not await self._try_to_load(first_delay=1.0):
            self._in_background(self._load_until_done(delay=1.0))

    async def look_again(self) -> bool:
        """After a miss: load if the database changed since; True if the snapshot changed.

        Callers share one look; at most one begins per ``LOOK_INTERVAL``.
        """
        if self._snapshot is None:
            return False
        if self._look is None or self._look.done():
            if monotonic() - self._looked < LOOK_INTERVAL:
                return False
            self._looked = monotonic()
            self._look = asyncio.create_task(self._reload_if_changed())
        return await asyncio.shield(self._look)

    async def _reload_if_changed(self) -> bool:
        try:
            result = await self._pool.run(load.QUALIFIED, load.fingerprint())
            if result.rows[0][0] == self._fingerprint:
                return False
            return await self.reload()
        except BackstayError as error:
            self._failed(error, None)
            return False

    async def _load(self) -> None:
        settings = await self._read_settings()
        began = monotonic()
        fingerprint, *results = await load.fetch(self._pool, settings)
        fetched = monotonic()
        self._fingerprint = fingerprint.rows[0][0]
        digest = load.digest(results)
        old = self._snapshot
        if old is not None and digest == self._digest and settings == old.settings:
            self._pending = False
            self._loaded(old.catalog, False, fetched - began, 0.0)
            return
        version = 1 if old is None else old.catalog.version + 1
        # In a thread: thousands of tables take long enough to be felt by requests.
        catalog = await asyncio.to_thread(load.build, results, settings, version)
        verifier = self._verifier(old, settings)
        self._digest, self._settings = digest, settings
        self._snapshot = Snapshot(catalog, settings, verifier)
        self._pending = False
        self._loaded(catalog, True, fetched - began, monotonic() - fetched)
        self._on_change(self._snapshot)
        if self._listener is not None and self._wanted_channel() != self._listens_to:
            # Not awaited: the listener may be what asked for this load.
            self._in_background(self._listen())

    async def _read_settings(self) -> RestSettings:
        """The settings with the database's on top; what is wrong there leaves the old ones."""
        asked, self._config_asked = self._config_asked, False
        if not self._settings.db_config:
            return self._configured({}) if asked else self._settings
        try:
            found: Mapping[str, str] = database_settings.build(
                await self._pool.run_all(
                    Session(), database_settings.queries(self._settings.db_pre_config)
                )
            )
        except DatabaseError as error:
            self._config_failed(error)
            if self._snapshot is not None:
                return self._settings
            found = {}
        return self._configured(found)

    def _configured(self, found: Mapping[str, str]) -> RestSettings:
        try:
            return self._configure(found)
        except OperatorError as error:
            if self._snapshot is None:
                # What was to be restricted is not known: better to serve nothing.
                raise
            self._config_failed(error)
            return self._settings

    def _verifier(self, old: Snapshot | None, settings: RestSettings) -> Verifier:
        if old is not None and _about_tokens(old.settings) == _about_tokens(settings):
            return old.verifier
        return self._make_verifier(settings)

    async def _try_to_load(self, first_delay: float | None) -> bool:
        try:
            await self.reload()
        except Exception as error:  # whatever it is, the old snapshot serves and it is tried again
            self._failed(error, first_delay)
            return False
        return True

    async def _load_until_done(self, delay: float) -> None:
        self._pending = True
        while True:
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)
            if await self._try_to_load(delay):
                return

    def _in_background(self, work: Awaitable[object]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _wanted_channel(self) -> str:
        settings = self._settings
        return settings.db_channel if settings.db_channel_enabled and self._conninfo else ""

    async def _listen(self) -> None:
        """Listen on the channel the settings name, instead of the one listened to so far."""
        wanted = self._wanted_channel()
        if wanted == self._listens_to:
            return
        if self._listener is not None:
            await self._listener.stop()
            self._listener = None
        self._listens_to = wanted
        if wanted:
            self._connections = 0
            self._listener = Listener(self._conninfo, [wanted], self._notified, self._connected)
            await self._listener.start()

    def _notified(self, channel: str, payload: str) -> None:
        if payload in ("", "reload schema", "reload config"):
            self._bus.emit(Notified(project=self._project, channel=channel, payload=payload))
            self._in_background(self.reload_soon(config=payload == "reload config"))

    def _connected(self) -> None:
        """Notifications may have been missed while there was no connection."""
        self._bus.emit(Listening(project=self._project, channel=self._listens_to))
        self._connections += 1
        if self._connections > 1:
            self._in_background(self.reload_soon())
        elif self._snapshot is not None:
            # Between the first load and now only a change of tables is likely.
            self._in_background(self._reload_if_changed())

    def _loaded(self, catalog: Catalog, changed: bool, query: float, build: float) -> None:
        event = Loaded(
            project=self._project,
            seconds=query,
            tables=len(catalog.tables),
            functions=len(catalog.routines),
            version=catalog.version,
            changed=changed,
            build_seconds=build,
        )
        self._bus.emit(event)

    def _failed(self, error: BaseException, retry_in: float | None) -> None:
        what = "The schema cache could not be loaded."
        self._bus.emit(LoadFailed(project=self._project, what=what, error=error, retry_in=retry_in))

    def _config_failed(self, error: BaseException) -> None:
        what = "The in-database configuration was not applied."
        self._bus.emit(ConfigFailed(project=self._project, what=what, error=error))


def _about_tokens(settings: RestSettings) -> Sequence[object]:
    return (
        settings.jwt_secret,
        settings.jwt_secret_is_base64,
        settings.jwt_aud,
        settings.jwt_cache_max_entries,
    )
