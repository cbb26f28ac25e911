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
from backstay.db.results import column_names, error_of, is_farewell, is_stale_plan, rows_of
from backstay.db.statements import Statement

SETTINGS: Final = -1
"""The step of what comes before the first query and after the last."""

Part = tuple[int, Statement | None, bytes, Sequence[bytes | None]]
"""One message to send and one result to expect.

The query's index or ``SETTINGS``; the prepared statement, if it is one; the SQL text, if it is sent
(of a prepared statement: if this part prepares it); the parameters.
"""


# What a connection is to do after a result; plain numbers, since reading an Enum's member is slow.
MORE: Final = 0
LANDED: Final = 1
FULL: Final = 2
"""Read nothing until a chunk has been taken."""
REFUSED: Final = 3
"""The statement was a COPY, which no pipeline can carry."""

_TUPLES_OK: Final = int(ExecStatus.TUPLES_OK)
_TUPLES_CHUNK: Final = int(ExecStatus.TUPLES_CHUNK)
_SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
_ABORTED: Final = int(ExecStatus.PIPELINE_ABORTED)
_DONE: Final = frozenset((_TUPLES_OK, int(ExecStatus.COMMAND_OK), int(ExecStatus.EMPTY_QUERY)))
_FAILED: Final = frozenset((_ABORTED, int(ExecStatus.FATAL_ERROR)))


class Flight:
    """One exchange between its sending and its Sync. ``landed`` is done once the Sync came."""

    __slots__ = (
        "_next",
        "abandoned",
        "error",
        "landed",
        "plan",
        "results",
        "stale",
        "unmade",
        "untouched",
    )

    streams = False
    """Whether ``between`` wants to be called."""

    def __init__(self, landed: asyncio.Future[None], plan: list[Part]) -> None:
        self.landed = landed
        self.plan = plan
        self.abandoned = False
        self.results: list[Result] = []
        self.error: DatabaseError | None = None
        self.stale = False
        """The error is that of a prepared statement that has to be prepared anew."""
        self.unmade: Sequence[Statement] = ()
        """Statements whose preparation failed or was skipped."""
        self.untouched = False
        """The server said farewell instead of a first answer: it has run nothing of this."""
        self._next = 0

    def between(self, connection: PGconn) -> None:
        """The previous part is complete; the results of the next have not been looked at yet."""

    def take(self, result: PGresult) -> int:
        """Take the next result; answers what to do then."""
        status = result.status
        if status == _SYNC:
            return LANDED
        if self._next == len(self.plan):  # the commit failed
            self._fail(result, SETTINGS)
            return MORE
        step, statement, text, _ = self.plan[self._next]
        preparing = bool(text) and statement is not None
        if status in _DONE:
            self._next += 1
            if step >= 0 and not preparing:
                return self._done(result, status, statement)
        elif status == _TUPLES_CHUNK:
            return self._chunk(result, statement)
        elif status in _FAILED:
            self._next += 1
            if preparing and statement is not None:
                self.unmade = [*self.unmade, statement]
            if status != _ABORTED:
                self._fail(result, step)
        else:
            return REFUSED
        return MORE

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
            self.untouched = self._next == 1 and is_farewell(result)

    def _done(self, result: PGresult, status: int, statement: Statement | None) -> int:
        if self.error is None and not self.abandoned:
            command = (result.command_status or b"").decode()
            if status == _TUPLES_OK:
                self.results.append(Result(rows_of(result), _columns(result, statement), command))
            else:
                self.results.append(Result([], (), command))
        return MORE

    def _chunk(self, result: PGresult, statement: Statement | None) -> int:
        raise AssertionError("only a stream asks for chunks")


class StreamFlight(Flight):
    """An exchange whose last query gives its rows a chunk at a time."""

    __slots__ = ("_rows_per_chunk", "chunks", "columns", "command", "news")

    streams = True

    def __init__(
        self,
        landed: asyncio.Future[None],
        plan: list[Part],
        *,
        news: asyncio.Event,
        rows_per_chunk: int,
    ) -> None:
        super().__init__(landed, plan)
        self.news = news
        """Set when there is a chunk to take or the end is known."""
        self.chunks: deque[list[Row]] = deque()
        self.columns: tuple[str, ...] = ()
        self.command = ""
        self._rows_per_chunk = rows_per_chunk

    def between(self, connection: PGconn) -> None:
        if self._next == len(self.plan) - 1 and self.error is None:
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

    def _done(self, result: PGresult, status: int, statement: Statement | None) -> int:
        if self._next < len(self.plan):
            return super()._done(result, status, statement)
        self.columns = _columns(result, statement)
        self.command = (result.command_status or b"").decode()
        return self._chunk(result, statement) if result.ntuples else MORE

    def _chunk(self, result: PGresult, statement: Statement | None) -> int:
        if self.abandoned:
            return MORE
        self.columns = _columns(result, statement)
        self.chunks.append(rows_of(result))
        self.news.set()
        return FULL


def _columns(result: PGresult, statement: Statement | None) -> tuple[str, ...]:
    if statement is None:
        return column_names(result)
    if statement.columns is None:
        statement.columns = column_names(result)
    return statement.columns
