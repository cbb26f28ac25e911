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
from backstay.db.flight import CLOSING, SETTINGS, Flight, Part, StreamFlight
from backstay.db.model import DatabaseError, DatabaseUnavailable, Param, Query, Result, Session
from backstay.db.prelude import prelude
from backstay.db.results import PROGRAM_LIMIT, UNTRANSLATABLE, Notice, notice_of
from backstay.db.statements import Statement, StatementCache

NoticeHook = Callable[[Notice], None]

_MAX_PARAMETERS: Final = 65_535
_IDLE: Final = int(TransactionStatus.IDLE)
_FATAL: Final = frozenset(("FATAL", "PANIC"))
_FIRST_PATIENCE: Final = 0.25
"""Seconds until a cancel that seems to have been missed is sent again; doubles each time."""

_Send = tuple[int, Statement | None, bytes, Sequence[bytes | None]]
"""One part to send: its step, its statement, the text if it has to be sent, its parameters."""


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
        self.expires = 0.0
        self.idle_since = 0.0
        self._loop.add_reader(self._fd, self._on_readable)

    # ── the exchange ──────────────────────────────────────────────────────────────────────────

    async def exchange(
        self,
        session: Session,
        queries: Sequence[Query],
        *,
        begin: str = "",
        end: Sequence[str] = (),
        configure: bool = True,
        epoch: int = 0,
    ) -> list[Result]:
        """Send settings and queries, wait for the Sync, give one result a query.

        ``begin`` and ``end`` are statements around them; without, the exchange is an implicit
        transaction. ``configure`` False continues a transaction whose settings are made. ``epoch``
        is the pool's: a new one closes every statement prepared in an earlier one.

        Raises ``DatabaseError`` or ``DatabaseUnavailable``. A cancelled caller leaves the exchange
        in flight: see ``mend``.
        """
        self._statements.enter(epoch)
        flight = await self._fly(session, queries, begin, end, configure)
        if flight.stale and configure:
            # The transaction was rolled back whole, so it can be run again whole.
            self._statements.doom_all()
            if self._pg.transaction_status != _IDLE:
                await self.rollback()
            flight = await self._fly(session, queries, begin, end, configure)
        if flight.error is not None:
            raise flight.error
        return flight.results

    async def rollback(self) -> None:
        """End the open transaction without keeping anything."""
        flight = await self._fly(Session(), (), "rollback", (), False)
        if flight.error is not None:
            raise flight.error

    async def start_stream(
        self, session: Session, queries: Sequence[Query], rows_per_chunk: int, epoch: int
    ) -> StreamFlight:
        """Send like ``exchange``; the last query's rows come in chunks. Does not wait."""
        self._statements.enter(epoch)
        plan = self._plan(session, queries, "", (), True)
        flight = StreamFlight(
            self._loop.create_future(),
            _parts(plan),
            news=asyncio.Event(),
            rows_per_chunk=rows_per_chunk,
        )
        self._send(plan, flight)
        return flight

    def resume(self) -> None:
        """Go on reading a stream that was full."""
        if self._paused and self.broken is None:
            self._paused = False
            self._loop.add_reader(self._fd, self._on_readable)
            self._advance()

    async def _fly(
        self,
        session: Session,
        queries: Sequence[Query],
        begin: str,
        end: Sequence[str],
        configure: bool,
    ) -> Flight:
        plan = self._plan(session, queries, begin, end, configure)
        flight = Flight(self._loop.create_future(), _parts(plan))
        self._send(plan, flight)
        await flight.landed
        return flight

    def _plan(
        self,
        session: Session,
        queries: Sequence[Query],
        begin: str,
        end: Sequence[str],
        configure: bool,
    ) -> list[_Send]:
        """Everything to send, encoded and checked, so that nothing is half sent for bad input."""
        plan: list[_Send] = []
        try:
            if begin:
                plan.append((SETTINGS, None, begin.encode(), ()))
            if configure:
                sql, values = prelude(session)
                if sql:
                    plan.append(self._part(SETTINGS, ("", "", sql), values, self._prepared))
            role, path = session.role, session.search_path
            for step, query in enumerate(queries):
                prepare = query.prepare and self._prepared
                plan.append(self._part(step, (role, path, query.sql), query.params, prepare))
            plan += [(SETTINGS, None, sql.encode(), ()) for sql in end]
        except BaseException:
            for _, statement, text, _ in plan:
                if statement is not None and text:
                    self._statements.forget(statement)
            raise
        return plan

    def _part(
        self, step: int, key: tuple[str, str, str], params: Sequence[Param], prepare: bool
    ) -> _Send:
        values = _encode(params, step)
        if not prepare:
            return step, None, _encode_one(key[2], step), values
        statement = self._statements.find(key)
        if statement is not None:
            return step, statement, b"", values
        text = _encode_one(key[2], step)
        return step, self._statements.add(key), text, values

    def _send(self, plan: Sequence[_Send], flight: Flight) -> None:
        if self.broken is not None:
            raise self.broken
        self._flight = flight
        pg = self._pg
        closing = self._statements.take_doomed()
        if closing:
            flight.parts = [*(CLOSING for _ in closing), *flight.parts]
        try:
            for name in closing:
                pg.send_close_prepared(name)
            for _, statement, text, values in plan:
                if statement is None:
                    pg.send_query_params(text, values)
                    continue
                if text:
                    pg.send_prepare(statement.name, text)
                pg.send_query_prepared(statement.name, values)
            pg.pipeline_sync()
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
        gaps = 0
        while not pg.is_busy():
            result = pg.get_result()
            if result is None:
                gaps += 1
                if gaps > 1:  # nothing more will come
                    self._break(psycopg.OperationalError(pg.get_error_message()))
                    return
                flight.between(pg)
                continue
            gaps = 0
            if self._deliver(flight, result):
                return

    def _deliver(self, flight: Flight, result: PGresult) -> bool:
        """Give ``result`` to the exchange. True when there is nothing to read for now."""
        try:
            if flight.take(result):
                self._flight = None
                for statement in flight.unmade:
                    self._statements.forget(statement)
                flight.land()
                return True
        except DatabaseUnavailable as error:
            self._break(error)
            return True
        if flight.full:
            self._paused = True
            self._loop.remove_reader(self._fd)
            return True
        return False

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
                    await self._fly(Session(), (), "", (), False)
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


def _parts(plan: Sequence[_Send]) -> list[Part]:
    parts: list[Part] = []
    for step, statement, text, _ in plan:
        if statement is not None and text:
            parts.append((step, statement, True))
        parts.append((step, statement, False))
    return parts


def _encode(params: Sequence[Param], step: int) -> Sequence[bytes | None]:
    if len(params) > _MAX_PARAMETERS:
        raise DatabaseError(
            PROGRAM_LIMIT, f"more than {_MAX_PARAMETERS} parameters in one statement", step=step
        )
    return [None if param is None else _encode_one(param, step) for param in params]


def _encode_one(text: str | bytes, step: int) -> bytes:
    """``text`` as UTF-8. What PostgreSQL could not store it refuses as PostgreSQL would.

    libpq would end it at the first NUL without a word.
    """
    try:
        encoded = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError as error:
        raise DatabaseError(
            UNTRANSLATABLE, 'invalid byte sequence for encoding "UTF8"', step=step
        ) from error
    if b"\0" in encoded:
        raise DatabaseError(
            UNTRANSLATABLE, 'invalid byte sequence for encoding "UTF8": 0x00', step=step
        )
    return encoded
