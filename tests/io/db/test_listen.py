"""LISTEN: every notification once, and on after the connection was lost."""

from __future__ import annotations

import asyncio

from backstay.db.listen import Listener
from tests.support.cluster import Database


async def test_notifications_arrive_and_survive_a_lost_connection(database: Database) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    connected: asyncio.Queue[None] = asyncio.Queue()
    listener = Listener(
        database.dsn("authenticator"),
        ["pgrst", 'odd "name"'],
        lambda channel, payload: heard.put_nowait((channel, payload)),
        lambda: connected.put_nowait(None),
    )
    await listener.start()
    try:
        async with asyncio.timeout(10):
            await connected.get()
            database.execute("notify pgrst, 'reload schema'")
            assert await heard.get() == ("pgrst", "reload schema")
            database.execute('notify "odd ""name""", \'\'')
            assert await heard.get() == ('odd "name"', "")
            database.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'backstay listener' and datname = current_database()",
                role="supabase_admin",
            )
            await connected.get()
            database.execute("notify pgrst, 'again'")
            assert await heard.get() == ("pgrst", "again")
    finally:
        await listener.stop()
    assert heard.empty()


async def test_a_failing_hook_does_not_end_the_listening(database: Database) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    heard: asyncio.Queue[str] = asyncio.Queue()
    connected = asyncio.Event()

    def hear(_: str, payload: str) -> None:
        heard.put_nowait(payload)
        raise ValueError(payload)

    listener = Listener(database.dsn("authenticator"), ["x"], hear, connected.set)
    await listener.start()
    try:
        async with asyncio.timeout(10):
            await connected.wait()
            for payload in ("one", "two"):
                database.execute(f"notify x, '{payload}'")
                assert await heard.get() == payload
    finally:
        await listener.stop()
    assert len(faults) == 2
