"""One transaction for several requests: a database whose every call belongs to the same one.

    async with one_transaction(pool) as database:
        …each request, with its own session…

It begins with the first call and is committed when the block ends; an exception undoes all of it.
What a request sets for itself (role, claims, time zone, read only) ends with it, as it would with a
transaction of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Protocol, runtime_checkable

from backstay.db.model import Isolation, Query, Result, Session, Transaction
from backstay.db.prelude import prelude
from backstay.db.quote import quote_ident
from backstay.rest import errors
from backstay.rest.execute import Database

_ORDER: tuple[Isolation, ...] = ("", "repeatable read", "serializable")
_LOGIN_ROLE = Query("select pg_catalog.set_config('role', 'none', true)")
"""The settings of the next request begin with the rights of the login role, as the first's did."""

_SAVEPOINT = Query("savepoint backstay_request")
_RELEASE = Query("release savepoint backstay_request")
_ANSWER_SETTINGS = frozenset({"response.headers", "response.status", "pgrst.inserted"})


@runtime_checkable
class Pool(Protocol):
    """What is needed of the pool beside ``Database``: a transaction that stays open."""

    def transaction(
        self, session: Session, isolation: Isolation = ""
    ) -> AbstractAsyncContextManager[Transaction]: ...


class OneTransaction:
    """Implements ``Database`` within one transaction of ``pool``. Made by ``one_transaction``."""

    def __init__(self, pool: Pool, stack: AsyncExitStack) -> None:
        self._pool = pool
        self._stack = stack
        self._open: Transaction | None = None
        self._isolation: Isolation = ""
        self._named: set[str] = set()
        self.rolls_back = False
        """A request asked for everything to be undone in the end."""

    async def run(self, session: Session, query: Query) -> Result:
        return (await self.run_all(session, (query,)))[0]

    async def run_all(
        self,
        session: Session,
        queries: Sequence[Query],
        *,
        isolation: Isolation = "",
        rollback: bool = False,
    ) -> list[Result]:
        """Run ``queries`` as ``session``. Raises as the pool does, and ``RestError`` BSTAY103."""
        self.rolls_back = self.rolls_back or rollback
        before = self._leave(session) if self._open else []
        transaction = self._open or await self._begin(isolation)
        if _ORDER.index(isolation) > _ORDER.index(self._isolation):
            raise errors.isolation_too_late(isolation)
        settings, values = prelude(session)
        if session.read_only:
            # Only with a savepoint does "read only" end before the transaction does.
            before.append(_SAVEPOINT)
        if settings:
            before.append(Query(settings, values))
        # Unnamed: a prepared statement's plan would be shared between roles.
        sent = [*before, *(replace(query, prepare=False) for query in queries)]
        if session.read_only:
            sent.append(_RELEASE)
        results = await transaction.run_all(sent)
        return results[len(before) : len(before) + len(queries)]

    async def _begin(self, isolation: Isolation) -> Transaction:
        self._isolation = isolation
        self._open = await self._stack.enter_async_context(
            self._pool.transaction(Session(), isolation)
        )
        return self._open

    def _leave(self, session: Session) -> list[Query]:
        """Unset what the request before has set and ``session`` does not."""
        names = {name for name, _ in session.settings}
        left = sorted((self._named | _ANSWER_SETTINGS) - names)
        self._named = names
        return [
            _LOGIN_ROLE,
            *(Query(f"set local {_setting(name)} to default", prepare=False) for name in left),
        ]


class _Undo(Exception):
    """Leaves a transaction that is not to be committed."""


@asynccontextmanager
async def one_transaction(database: Database) -> AsyncIterator[OneTransaction]:
    """A transaction of the pool ``database``, or the one that ``database`` is already."""
    if isinstance(database, OneTransaction):
        yield database
        return
    assert isinstance(database, Pool), "extensions need a pool with transactions"
    try:
        async with AsyncExitStack() as stack:
            made = OneTransaction(database, stack)
            yield made
            if made.rolls_back:
                raise _Undo
    except _Undo:
        pass


def _setting(name: str) -> str:
    return ".".join(quote_ident(part) for part in name.split("."))
