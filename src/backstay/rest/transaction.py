"""One transaction for several requests: a database whose every call belongs to the same one.

    async with one_transaction(pool) as database:
        …each request, with its own session…

It begins with the first call and is committed when the block ends; an exception undoes all of it.
What a request sets for itself (role, claims, time zone, read only) ends with it, as it would with a
transaction of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol, runtime_checkable

from backstay.db.model import Isolation, Query, Result, Session, Transaction
from backstay.db.prelude import prelude
from backstay.db.quote import quote_ident
from backstay.rest import errors
from backstay.rest.execute import Database
from backstay.web import Response

_ORDER: tuple[Isolation, ...] = ("", "repeatable read", "serializable")
_LOGIN_ROLE = Query("select pg_catalog.set_config('role', 'none', true)")
"""The settings of the next request begin with the rights of the login role, as the first's did."""

_SAVEPOINT = Query("savepoint backstay_request")
_RELEASE = Query("release savepoint backstay_request")
_ANSWER_SETTINGS = frozenset({"response.headers", "response.status", "pgrst.inserted"})


Opening = Callable[[Transaction], Awaitable[None]]
"""What a transaction does first, with the rights of the login role."""


class Refused(Exception):
    """Undoes a transaction whose ``answer`` is an error that nobody raised."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


@runtime_checkable
class Pool(Protocol):
    """What is needed of the pool beside ``Database``: a transaction that stays open."""

    def transaction(
        self, session: Session, isolation: Isolation = ""
    ) -> AbstractAsyncContextManager[Transaction]: ...


class OneTransaction:
    """Implements ``Database`` within one transaction of ``pool``. Made by ``one_transaction``."""

    def __init__(self, pool: Pool, stack: AsyncExitStack, opening: Opening | None) -> None:
        self._pool = pool
        self._stack = stack
        self._opening = opening
        self._open: Transaction | None = None
        self._isolation: Isolation = ""
        self._session: Session | None = None
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
        transaction = self._open or await self._begin(isolation)
        goes_on = session is self._session and not session.read_only
        before = [] if goes_on else self._changes(session)
        if _ORDER.index(isolation) > _ORDER.index(self._isolation):
            raise errors.isolation_too_late(isolation)
        # Unnamed: a prepared statement's plan would be shared between roles.
        sent = [*before, *(query._replace(prepare=False) for query in queries)]
        if session.read_only:
            sent.append(_RELEASE)
        results = await transaction.run_all(sent)
        return results[len(before) : len(before) + len(queries)]

    async def _begin(self, isolation: Isolation) -> Transaction:
        self._isolation = isolation
        self._open = await self._stack.enter_async_context(
            self._pool.transaction(Session(), isolation)
        )
        if self._opening:
            await self._opening(self._open)
        return self._open

    def _changes(self, session: Session) -> list[Query]:
        """Become ``session``, and unset what the one before has set and this one does not."""
        queries: list[Query] = []
        names = {name for name, _ in session.settings}
        if self._session is not None:
            left = {name for name, _ in self._session.settings} | _ANSWER_SETTINGS
            queries = [_LOGIN_ROLE, *(_unset(name) for name in sorted(left - names))]
        self._session = session
        if session.read_only:
            # Only with a savepoint does "read only" end before the transaction does.
            queries.append(_SAVEPOINT)
        settings, values = prelude(session)
        return [*queries, Query(settings, values)] if settings else queries


class _Undo(Exception):
    """Leaves a transaction that is not to be committed."""


@asynccontextmanager
async def one_transaction(
    database: Database, opening: Opening | None = None
) -> AsyncIterator[OneTransaction]:
    """A transaction of the pool ``database``, or the one that ``database`` is already.

    ``opening`` comes before the first statement; a transaction that has none does not begin.
    """
    if isinstance(database, OneTransaction):
        yield database
        return
    assert isinstance(database, Pool), "extensions need a pool with transactions"
    try:
        async with AsyncExitStack() as stack:
            made = OneTransaction(database, stack, opening)
            yield made
            if made.rolls_back:
                raise _Undo
    except _Undo:
        pass


def _unset(name: str) -> Query:
    quoted = ".".join(quote_ident(part) for part in name.split("."))
    return Query(f"set local {quoted} to default", prepare=False)
