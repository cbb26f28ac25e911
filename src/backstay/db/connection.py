"""One connection: a pipeline out, its results in, one write and one read when all goes well.

libpq does the protocol, the event loop does the waiting. A reader stays on the socket for the
connection's whole life, so that a server that goes away is noticed while the connection is idle
and not by the next request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from backstay.db import dial
from backstay.db.flight import FULL, LANDED, MORE, SETTINGS, Flight, Part, StreamFlight
from backstay.db.model import DatabaseError, DatabaseUnavailable, Param, Query, Result, Session
from backstay.db.prelude import prelude
from backstay.db.results import PROGRAM_LIMIT, UNTRANSLATABLE, Notice, notice_of
from backstay.db.statements import StatementCache

NoticeHook = Callable[[Notice], None]

Around = tuple[str, Sequence[str]]
"""The statement before an exchange's settings, none if empty, and those after its queries."""

IMPLICIT: Final[Around] = ("", ())
"""No BEGIN and no COMMIT: the Sync ends a transaction of its own."""

_CLOSING: Final[Part] = (SETTINGS, None, b"", ())
_MAX_PARAMETERS: Final = 65_535
_IDLE: Final = int(TransactionStatus.IDLE)
_FATAL: Final = frozenset(("FATAL", "PANIC"))
_FIRST_PATIENCE: Final = 0.25
"""Seconds until a cancel that seems to have been missed is sent again; doubles each time."""


class Connection:
    """A PostgreSQL connection in pipeline mode. One exchange at a time; the pool sees to that."""

    __slots__ = (
        "_fd",
        "_flight",
        "_loop",
        "_on_broken",
        "_on_notice",
        "_paused",
        "_pg",
        "_prepared",
        "_statements",
        "broken",
        "expires",
        "idle_since",
        "untouched",
    )

    def __init__(
        self,
        pg: PGconn,
        *,
        prepared: bool,
        statement_cache: int,
        on_broken: Callable[[Connection], None],
        on_notice: NoticeHook | None = None,
    ) -> None:
        pg.enter_pipeline_mode()
        pg.notice_handler = self._notice
        self._pg = pg
        self._fd = pg.socket
        self._loop = asyncio.get_running_loop()
        self._prepared = prepared
        self._statements = StatementCache(statement_cache)
        self._flight: Flight | None = None
        self._paused = False
        self._on_broken = on_broken
        self._on_notice = on_notice
        self.broken: DatabaseUnavailable | None = None
        self.untouched = True
        """If it is broken: it broke before the server ran anything of the last exchange."""
        self.expires = 0.0
        self.idle_since = 0.0
        self._loop.add_reader(self._fd, self._on_readable)

    # ── the exchange ──────────────────────────────────────────────────────────────────────────

    async def exchange(
        self,
        session: Session,
        queries: Sequence[Query],
        around: Around = IMPLICIT,
        *,
        configure: bool = True,
        epoch: int = 0,
    ) -> list[Result]:
        """Send settings and queries, wait for the Sync, give one result a query.

        ``around`` them go what begins and what ends a transaction; without, the exchange is an
        implicit one. ``configure`` False continues a transaction whose settings are made. ``epoch``
        is the pool's: a new one closes every statement prepared in an earlier one.

        Raises ``DatabaseError`` or ``DatabaseUnavailable``. A cancelled caller leaves the exchange
        in flight: see ``mend``.
        """
        self._statements.enter(epoch)
        flight = self._launch(session, queries, around, configure)
        await flight.landed
        if flight.stale and configure:
            # The transaction was rolled back whole, so it can be run again whole.
            self._statements.doom_all()
            if self._pg.transaction_status != _IDLE:
                await self.rollback()
            flight = self._launch(session, queries, around, configure)
            await flight.landed
        if flight.error is not None:
            raise flight.error
        return flight.results

    async def rollback(self) -> None:
        """End the open transaction without keeping anything."""
        await self.exchange(Session(), (), ("rollback", ()), configure=False)

    def start_stream(
        self, session: Session, queries: Sequence[Query], rows_per_chunk: int, epoch: int
    ) -> StreamFlight:
        """Send like ``exchange``; the last query's rows come in chunks. Does not wait."""
        self._statements.enter(epoch)
        plan = self._plan(session, queries, IMPLICIT, True)
        flight = StreamFlight(
            self._loop.create_future(), plan, news=asyncio.Event(), rows_per_chunk=rows_per_chunk
        )
        self._send(flight)
        return flight

    def resume(self) -> None:
        """Go on reading a stream that was full."""
        if self._paused and self.broken is None:
            self._paused = False
            self._loop.add_reader(self._fd, self._on_readable)
            self._advance()

    def _launch(
        self,
        session: Session,
        queries: Sequence[Query],
        around: Around,
        configure: bool,
    ) -> Flight:
        flight = Flight(self._loop.create_future(), self._plan(session, queries, around, configure))
        self._send(flight)
        return flight

    def _plan(
        self,
        session: Session,
        queries: Sequence[Query],
        around: Around,
        configure: bool,
    ) -> list[Part]:
        """Everything to send, encoded and checked, so that nothing is half sent for bad input."""
        plan: list[Part] = []
        begin, end = around
        try:
            if begin:
                plan.append((SETTINGS, None, begin.encode(), ()))
            if configure:
                sql, values = prelude(session)
                if sql:
                    self._add(plan, SETTINGS, ("", "", sql), values, self._prepared)
            role, path, prepared = session.role, session.search_path, self._prepared
            for step, query in enumerate(queries):
                sql = query.sql
                self._add(plan, step, (role, path, sql), query.params, prepared and query.prepare)
            if end:
                plan += [(SETTINGS, None, sql.encode(), ()) for sql in end]
        except BaseException:
            for _, statement, text, _ in plan:
                if statement is not None and text:
                    self._statements.forget(statement)
            raise
        return plan

    def _add(
        self,
        plan: list[Part],
        step: int,
        key: tuple[str, str, str],
        params: Sequence[Param],
        prepare: bool,
    ) -> None:
        values = encode(params, step)
        if not prepare:
            plan.append((step, None, encode((key[2],), step)[0] or b"", values))
            return
        statement = self._statements.find(key)
        if statement is None:
            text = encode((key[2],), step)[0] or b""
            statement = self._statements.add(key)
            plan.append((step, statement, text, ()))
        plan.append((step, statement, b"", values))

    def _send(self, flight: Flight) -> None:
        self.untouched = self.broken is not None
        if self.broken is not None:
            raise self.broken
        pg = self._pg
        plan, self._flight = flight.plan, flight
        try:
            if self._statements.doomed:
                closing = self._statements.take_doomed()
                for name in closing:
                    pg.send_close_prepared(name)
                flight.plan = [*[_CLOSING] * len(closing), *plan]
            for _, statement, text, values in plan:
                if statement is None:
                    pg.send_query_params(text, values)
                elif text:
                    pg.send_prepare(statement.name, text)
                else:
                    pg.send_query_prepared(statement.name, values)
            pg.pipeline_sync()
            if flight.streams:
                flight.between(pg)
            if pg.flush():
                self._loop.add_writer(self._fd, self._on_writable)
        except psycopg.Error as error:
            self._flight = None
            raise self._break(error) from error

    # ── the socket ────────────────────────────────────────────────────────────────────────────

    def _on_writable(self) -> None:
        try:
            if self._pg.flush() == 0:
                self._loop.remove_writer(self._fd)
        except psycopg.Error as error:
            self._break(error)

    def _on_readable(self) -> None:
        try:
            self._pg.consume_input()
        except psycopg.Error as error:
            self._break(error)
        else:
            self._advance()

    def _advance(self) -> None:
        """Hand on every result that has arrived."""
        pg, flight = self._pg, self._flight
        if flight is None:
            pg.is_busy()  # parses what came unasked: notices, the server's farewell
            return
        gap = False
        while not pg.is_busy():
            result = pg.get_result()
            if result is not None:
                gap = False
                verdict = flight.take(result)
                if verdict != MORE:
                    self._heed(verdict, flight)
                    return
            elif gap:  # two in a row: nothing more will come
                self._break(psycopg.OperationalError(pg.get_error_message()))
                return
            else:
                gap = True
                if flight.streams:
                    flight.between(pg)

    def _heed(self, verdict: int, flight: Flight) -> None:
        if verdict == LANDED:
            self._flight = None
            for statement in flight.unmade:
                self._statements.forget(statement)
            flight.land()
        elif verdict == FULL:
            self._paused = True
            self._loop.remove_reader(self._fd)
        else:
            self._break(psycopg.NotSupportedError("COPY has no place in a pipeline"))

    def _notice(self, result: PGresult) -> None:
        notice = notice_of(result)
        if notice.severity in _FATAL:
            if self.broken is None:
                self.broken = DatabaseUnavailable(notice.message)
        elif self._on_notice is not None:
            self._on_notice(notice)

    def _break(self, error: Exception) -> DatabaseUnavailable:
        unavailable = self.broken
        if unavailable is None:
            unavailable = self.broken = DatabaseUnavailable(str(error).strip())
        flight, self._flight = self._flight, None
        self.close()
        if flight is not None:
            self.untouched = flight.untouched
            flight.crash(unavailable)
        self._on_broken(self)
        return unavailable

    # ── its condition ─────────────────────────────────────────────────────────────────────────

    @property
    def clean(self) -> bool:
        """Whether the next request may have it: unbroken, idle, outside any transaction."""
        return self.broken is None and self._flight is None and self._pg.transaction_status == _IDLE

    def still_there(self) -> bool:
        """Look once, without waiting, whether the server closed an idle connection."""
        if self.broken is None:
            self._on_readable()
        return self.broken is None

    async def mend(self, patience: float) -> bool:
        """Cancel what is in flight, roll back what is open. False if it is not ``clean`` then.

        Takes at most ``patience`` seconds. Its caller alone uses the connection meanwhile.
        """
        try:
            async with asyncio.timeout(patience):
                if self._flight is not None:
                    await self._cancel_until_landed(self._flight)
                    # A cancel that came too late must find nothing to hit.
                    await self.exchange(Session(), (), configure=False)
                if self.broken is None and self._pg.transaction_status != _IDLE:
                    await self.rollback()
        except (TimeoutError, DatabaseUnavailable, DatabaseError):
            return False
        return self.clean

    async def _cancel_until_landed(self, flight: Flight) -> None:
        landed = self._loop.create_future()
        flight.abandon(landed)
        self.resume()
        patience = _FIRST_PATIENCE
        while not landed.done():
            # A cancel that arrives between two statements of the pipeline hits neither.
            await dial.cancel(self._pg)
            await asyncio.wait((landed,), timeout=patience)
            patience *= 2
        landed.result()

    def close(self) -> None:
        """Leave the server. Safe to call twice."""
        if self.broken is None:
            self.broken = DatabaseUnavailable("the connection is closed")
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._fd = -1
            self._pg.finish()


def encode(params: Sequence[Param], step: int) -> Sequence[bytes | None]:
    """``params`` as UTF-8. What PostgreSQL could not store is refused as PostgreSQL would.

    libpq would end a value at its first NUL without a word.
    """
    count = len(params)
    if count > _MAX_PARAMETERS:
        raise DatabaseError(
            PROGRAM_LIMIT, f"more than {_MAX_PARAMETERS} parameters in one statement", step=step
        )
    try:
        values = [param.encode() if isinstance(param, str) else param for param in params]
    except UnicodeEncodeError as error:
        raise _untranslatable("", step) from error
    for value in values:
        if value is not None and 0 in value:
            raise _untranslatable(": 0x00", step)
    return values


def _untranslatable(what: str, step: int) -> DatabaseError:
    return DatabaseError(
        UNTRANSLATABLE, f'invalid byte sequence for encoding "UTF8"{what}', step=step
    )
