"""A transaction that stays open between statements, for flows that decide as they go."""

from __future__ import annotations

from collections.abc import Sequence

from backstay.db.connection import IMPLICIT, Connection
from backstay.db.model import DatabaseError, Query, Result, Session

_ABORTED = "25P02"


class PooledTransaction:
    """Implements ``model.Transaction`` on a connection of the pool, which begins and ends it."""

    def __init__(self, connection: Connection, session: Session, begin: str, epoch: int) -> None:
        self._connection = connection
        self._session = session
        self._begin = begin
        self._epoch = epoch
        self._begun = False
        self._failed = False

    async def run(self, query: Query) -> Result:
        """Run one statement. Raises ``DatabaseError``; the transaction is then aborted."""
        return (await self.run_all((query,)))[0]

    async def run_all(self, queries: Sequence[Query]) -> list[Result]:
        """Run several statements in one round trip. Raises like ``run``."""
        if self._failed:
            raise _aborted()
        begun, self._begun = self._begun, True
        try:
            return await self._connection.exchange(
                self._session,
                queries,
                IMPLICIT if begun else (self._begin, ()),
                configure=not begun,
                epoch=self._epoch,
            )
        except BaseException:
            self._failed = True
            raise

    async def commit(self) -> None:
        """Make it last. Raises ``DatabaseError`` if it cannot, having rolled back."""
        if self._failed:
            await self.rollback()
            raise _aborted()
        if self._begun:
            await self._connection.exchange(
                Session(), (), ("commit", ()), configure=False, epoch=self._epoch
            )

    async def rollback(self) -> None:
        """Undo it; a connection that broke has done so already."""
        if self._begun and self._connection.broken is None:
            await self._connection.rollback()


def _aborted() -> DatabaseError:
    return DatabaseError(
        _ABORTED,
        "current transaction is aborted, commands ignored until end of transaction block",
        step=-1,
    )
