"""What an exchange in flight still expects, and what it has received: no I/O.

The results of a pipeline arrive in the order its parts were sent: a prepare, an execute, …, the
Sync. After an error PostgreSQL skips everything up to the Sync, and only the Sync says that the
transaction is committed: deferred constraints and serialisation failures speak there. So nothing
is known before it has come.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from backstay.db.model import DatabaseError, DatabaseUnavailable, Result, Row
from backstay.db.results import column_names, error_of, is_stale_plan, rows_of
from backstay.db.statements import Statement

SETTINGS: Final = -1
"""The step of what comes before the first query and after the last."""

Part = tuple[int, Statement | None, bool]
"""One expected result: the query's index or ``SETTINGS``, its statement, whether it prepares it."""

CLOSING: Final[Part] = (SETTINGS, None, False)

_TUPLES_OK: Final = int(ExecStatus.TUPLES_OK)
_TUPLES_CHUNK: Final = int(ExecStatus.TUPLES_CHUNK)
_SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
_ABORTED: Final = int(ExecStatus.PIPELINE_ABORTED)
_DONE: Final = frozenset((_TUPLES_OK, int(ExecStatus.COMMAND_OK), int(ExecStatus.EMPTY_QUERY)))
_FAILED: Final = frozenset((_ABORTED, int(ExecStatus.FATAL_ERROR)))


class Flight:
    """One exchange between its sending and its Sync. ``landed`` is done once the Sync came."""

    __slots__ = ("_next", "abandoned", "error", "landed", "parts", "results", "stale", "unmade")

    def __init__(self, landed: asyncio.Future[None], parts: Sequence[Part]) -> None:
        self.landed = landed
        self.parts = parts
        self.abandoned = False
        self.results: list[Result] = []
        self.error: DatabaseError | None = None
        self.stale = False
        """The error is that of a prepared statement that has to be prepared anew."""
        self.unmade: list[Statement] = []
        """Statements whose preparation failed or was skipped."""
        self._next = 0

    @property
    def full(self) -> bool:
        """Whether to stop reading until somebody takes what has come."""
        return False

    def between(self, connection: PGconn) -> None:
        """The previous part is complete; the results of the next have not been looked at yet."""

    def take(self, result: PGresult) -> bool:
        """Take the next result. True when it was the Sync."""
        status = result.status
        if status == _SYNC:
            return True
        if self._next == len(self.parts):  # the commit failed
            self._fail(result, SETTINGS)
            return False
        step, statement, preparing = self.parts[self._next]
        if status in _DONE:
            self._next += 1
            if step >= 0 and not preparing:
                self._done(result, statement)
        elif status == _TUPLES_CHUNK:
            self._chunk(result, statement)
        elif status in _FAILED:
            self._next += 1
            if preparing and statement is not None:
                self.unmade.append(statement)
            if status != _ABORTED:
                self._fail(result, step)
        else:
            raise DatabaseUnavailable("COPY has no place in a pipeline")
        return False

    def land(self) -> None:
        """The Sync has come: wake whoever waits."""
        if not self.landed.done():
            self.landed.set_result(None)

    def crash(self, error: DatabaseUnavailable) -> None:
        """The connection broke before the Sync came."""
        if not self.landed.done():
            error.__cause__ = self.error or error.__cause__
            self.landed.set_exception(error)

    def abandon(self, landed: asyncio.Future[None]) -> None:
        """Nobody waits for the rows any more; ``landed`` still learns of the Sync."""
        self.landed = landed
        self.abandoned = True

    def _fail(self, result: PGresult, step: int) -> None:
        if self.error is None:
            self.error = error_of(result, step)
            self.stale = is_stale_plan(result)

    def _done(self, result: PGresult, statement: Statement | None) -> None:
        if self.error is not None or self.abandoned:
            return
        command = (result.command_status or b"").decode()
        if result.status != _TUPLES_OK:
            self.results.append(Result([], (), command))
            return
        self.results.append(Result(rows_of(result), _columns(result, statement), command))

    def _chunk(self, result: PGresult, statement: Statement | None) -> None:
        raise AssertionError("only a stream asks for chunks")


class StreamFlight(Flight):
    """An exchange whose last query gives its rows a chunk at a time."""

    __slots__ = ("_rows_per_chunk", "chunks", "columns", "command", "news")

    def __init__(
        self,
        landed: asyncio.Future[None],
        parts: Sequence[Part],
        *,
        news: asyncio.Event,
        rows_per_chunk: int,
    ) -> None:
        super().__init__(landed, parts)
        self.news = news
        """Set when there is a chunk to take or the end is known."""
        self.chunks: deque[list[Row]] = deque()
        self.columns: tuple[str, ...] = ()
        self.command = ""
        self._rows_per_chunk = rows_per_chunk

    @property
    def full(self) -> bool:
        return bool(self.chunks) and not self.abandoned

    def between(self, connection: PGconn) -> None:
        if self._next == len(self.parts) - 1 and self.error is None:
            connection.set_chunked_rows_mode(self._rows_per_chunk)

    def land(self) -> None:
        super().land()
        self.news.set()

    def crash(self, error: DatabaseUnavailable) -> None:
        super().crash(error)
        self.news.set()

    def abandon(self, landed: asyncio.Future[None]) -> None:
        super().abandon(landed)
        self.chunks.clear()

    def _done(self, result: PGresult, statement: Statement | None) -> None:
        if self._next < len(self.parts):
            super()._done(result, statement)
            return
        self.columns = _columns(result, statement)
        self.command = (result.command_status or b"").decode()
        if result.ntuples:
            self._chunk(result, statement)

    def _chunk(self, result: PGresult, statement: Statement | None) -> None:
        if not self.abandoned:
            self.columns = _columns(result, statement)
            self.chunks.append(rows_of(result))
            self.news.set()


def _columns(result: PGresult, statement: Statement | None) -> tuple[str, ...]:
    if statement is None:
        return column_names(result)
    if statement.columns is None:
        statement.columns = column_names(result)
    return statement.columns
