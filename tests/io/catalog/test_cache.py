"""The schema cache over a real database: notifications, misses, failures, configuration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from backstay.catalog.cache import SchemaCache
from backstay.catalog.events import ConfigFailed, Listening, Loaded, LoadFailed
from backstay.catalog.model import Name, Snapshot
from backstay.clock import SystemClock
from backstay.config.postgrest import overlay
from backstay.config.rest import RestSettings
from backstay.db.model import DatabaseUnavailable, Query, Result, Session
from backstay.db.pool import Pool
from backstay.observe.bus import Bus
from backstay.observe.events import Event
from backstay.tokens.verify import JwtVerifier
from tests.support.cluster import Database

SECRET = "a secret of at least thirty-two characters"
BASE = RestSettings(db_schemas=("public",), jwt_secret=SECRET, db_channel="test_reload")


class Line:
    """A pool whose line to the database can be cut."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.cut = False

    async def run(self, session: Session, query: Query) -> Result:
        return (await self.run_all(session, [query]))[0]

    async def run_all(self, session: Session, queries: Sequence[Query]) -> list[Result]:
        if self.cut:
            raise DatabaseUnavailable("cut")
        return await self.pool.run_all(session, queries)


class Heard:
    """Events of a bus, to be waited for."""

    def __init__(self, bus: Bus) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        bus.subscribe(Event, self.events.put_nowait)

    async def next(self, kind: type[Event]) -> Any:
        """The next event of this kind; others before it are dropped."""
        async with asyncio.timeout(10):
            while True:
                event = await self.events.get()
                if isinstance(event, kind):
                    return event


class Setup:
    def __init__(self, database: Database, pool: Pool) -> None:
        self.database = database
        self.line = Line(pool)
        bus = Bus()
        self.heard = Heard(bus)
        self.cache = SchemaCache(
            self.line,
            self.configure,
            lambda settings: JwtVerifier.from_rest_settings(settings, SystemClock()),
            bus,
            conninfo=database.dsn("authenticator"),
        )

    @staticmethod
    def configure(found: Mapping[str, str]) -> RestSettings:
        return overlay(BASE, found)

    def snapshot(self) -> Snapshot | None:
        return self.cache.current

    def tables(self) -> set[str]:
        snapshot = self.cache.current
        assert snapshot is not None
        return {name.name for name in snapshot.catalog.tables}


@pytest.fixture
async def setup(database: Database) -> AsyncIterator[Setup]:
    pool = Pool(database.dsn("authenticator"), size=2)
    await pool.open()
    made = Setup(database, pool)
    yield made
    await made.cache.stop()
    await pool.close()


async def test_it_loads_listens_and_follows_notifications(setup: Setup) -> None:
    assert setup.snapshot() is None
    await setup.cache.start()
    before = setup.snapshot()
    await setup.heard.next(Listening)
    setup.database.psql("create table public.made (id int); notify test_reload, 'reload schema'")
    while not (await setup.heard.next(Loaded)).changed:
        pass
    assert "made" in setup.tables()
    assert setup.cache.current is not before
    assert before is not None
    assert Name("public", "made") not in before.catalog.tables


async def test_a_load_that_finds_nothing_new_keeps_the_snapshot(setup: Setup) -> None:
    assert await setup.cache.reload()
    before = setup.cache.current
    assert not await setup.cache.reload()
    assert setup.cache.current is before


async def test_reloads_asked_for_together_share_one_load(setup: Setup) -> None:
    await setup.cache.reload()
    setup.database.psql("create table public.shared (id int)")
    versions = await asyncio.gather(*(setup.cache.reload() for _ in range(20)))
    assert all(versions)
    loads = [event for event in setup.heard.events._queue if isinstance(event, Loaded)]  # type: ignore[attr-defined]
    assert len(loads) <= 3


async def test_a_miss_looks_once_a_second(setup: Setup) -> None:
    await setup.cache.reload()
    assert not await setup.cache.look_again()
    setup.database.psql("create table public.missed (id int)")
    # Within the second the last look still counts.
    assert not await setup.cache.look_again()
    await asyncio.sleep(1.0)
    assert await asyncio.gather(*(setup.cache.look_again() for _ in range(5))) == [True] * 5
    assert "missed" in setup.tables()


async def test_while_the_database_is_away_the_old_snapshot_serves(setup: Setup) -> None:
    await setup.cache.reload()
    before = setup.cache.current
    setup.line.cut = True
    with pytest.raises(DatabaseUnavailable):
        await setup.cache.reload()
    assert setup.cache.current is before
    assert not await setup.cache.look_again()
    assert setup.cache.current is before


async def test_the_first_load_is_tried_until_it_succeeds(setup: Setup) -> None:
    setup.line.cut = True
    await setup.cache.start()
    assert setup.snapshot() is None
    assert setup.cache.pending
    failed = await setup.heard.next(LoadFailed)
    assert failed.retry_in == 1.0
    setup.line.cut = False
    await setup.heard.next(Loaded)
    assert setup.snapshot() is not None


def set_login(database: Database, name: str, value: str) -> None:
    database.execute(
        f"alter role authenticator in database {database.name} set {name} = '{value}'",
        role="supabase_admin",
    )


async def test_settings_in_the_database_win(setup: Setup) -> None:
    await setup.cache.reload()
    assert setup.cache.settings.db_max_rows is None
    set_login(setup.database, "pgrst.db_max_rows", "12")
    assert await setup.cache.reload_config()
    snapshot = setup.cache.current
    assert snapshot is not None
    assert snapshot.settings.db_max_rows == 12


async def test_the_verifier_is_kept_unless_tokens_changed(setup: Setup) -> None:
    await setup.cache.reload()
    first = setup.cache.current
    set_login(setup.database, "pgrst.db_max_rows", "13")
    await setup.cache.reload_config()
    second = setup.cache.current
    set_login(setup.database, "pgrst.jwt_aud", "someone")
    await setup.cache.reload_config()
    third = setup.cache.current
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.verifier is second.verifier
    assert second.verifier is not third.verifier


async def test_what_is_wrong_in_the_database_changes_nothing(setup: Setup) -> None:
    await setup.cache.reload()
    before = setup.cache.current
    set_login(setup.database, "pgrst.log_level", "unheard of")  # not for the database to say
    set_login(setup.database, "pgrst.openapi_mode", "loud")
    assert not await setup.cache.reload_config()
    assert setup.cache.current is before
    failed = await setup.heard.next(ConfigFailed)
    assert "Invalid openapi-mode" in str(failed.error)


async def test_nothing_is_served_under_settings_that_are_wrong_from_the_start(setup: Setup) -> None:
    set_login(setup.database, "pgrst.db_schemas", "private")
    set_login(setup.database, "pgrst.openapi_mode", "loud")
    await setup.cache.start()
    assert setup.snapshot() is None
    assert "Invalid openapi-mode" in str((await setup.heard.next(LoadFailed)).error)
    set_login(setup.database, "pgrst.openapi_mode", "disabled")
    await setup.heard.next(Loaded)
    assert setup.cache.settings.db_schemas == ("private",)


async def test_the_pre_config_function_is_asked_and_the_role_wins(setup: Setup) -> None:
    setup.database.psql(
        """
        create function public.conf() returns void language sql as $$
          select set_config('pgrst.db_max_rows', '21', true),
                 set_config('pgrst.db_plan_enabled', 'true', true)
        $$
        """
    )
    set_login(setup.database, "pgrst.db_pre_config", "public.conf")
    await setup.cache.reload()  # learns of the function
    await setup.cache.reload()
    assert setup.cache.settings.db_max_rows == 21
    assert setup.cache.settings.db_plan_enabled
    set_login(setup.database, "pgrst.db_max_rows", "22")
    await setup.cache.reload()
    assert setup.cache.settings.db_max_rows == 22
