"""What the rest of backstay says to the database, and what comes back.

A request is one ``Exchange``: the session settings of the caller (role, search path, claims …),
then statements, sent as one pipeline that ends in one Sync and so is one implicit transaction
(docs/architecture.md, "The database layer"). Values travel as parameters in text format; results
stay bytes.

``Session`` and ``Query`` are made for every request: as named tuples they cost half of what a
frozen dataclass does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from backstay.errors import BackstayError

Param = bytes | str | None
"""A parameter in PostgreSQL's text format, or NULL."""

Row = Sequence[bytes | None]


class Session(NamedTuple):
    """Who a transaction runs as.

    ``role`` and ``search_path`` (already quoted) are part of every prepared statement's key: a plan
    shared between roles is re-planned on every alternation. ``settings`` are further
    (name, value) pairs for ``set_config(name, value, true)``; their names should come in a stable
    order, since the names (not the values) decide which prepared statement sets them.
    ``role`` empty means: stay the role the pool logged in as.
    """

    role: str = ""
    search_path: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    read_only: bool = False
    role_settings: tuple[tuple[str, str], ...] = ()
    """Settings of the role itself. They are set before switching to it, with the rights of the
    login role, which may have been granted what the role may not set."""


class Query(NamedTuple):
    """One statement with its parameters.

    ``prepare`` False sends it unnamed: for text that will not be seen again.
    """

    sql: str
    params: tuple[Param, ...] = ()
    prepare: bool = True


@dataclass(slots=True)
class Result:
    """What one statement gave: rows of text-format bytes, column names, and the command tag."""

    rows: list[Row] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    command: str = ""

    @property
    def affected(self) -> int:
        """Rows inserted, updated, deleted or selected, from the command tag; 0 when it has none."""
        tail = self.command.rpartition(" ")[2]
        return int(tail) if tail.isdecimal() else 0


Isolation = Literal["", "repeatable read", "serializable"]


class DatabaseError(BackstayError):
    """An error PostgreSQL reported; the whole transaction was rolled back."""

    def __init__(
        self,
        sqlstate: str,
        message: str,
        detail: str | None = None,
        hint: str | None = None,
        *,
        position: int | None = None,
        schema: str | None = None,
        table: str | None = None,
        column: str | None = None,
        constraint: str | None = None,
        context: str | None = None,
        step: int = 0,
    ) -> None:
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint
        self.position = position
        self.schema = schema
        self.table = table
        self.column = column
        self.constraint = constraint
        self.context = context
        self.step = step
        """Index of the failing query in the exchange; -1 for the session settings or the commit."""


class DatabaseUnavailable(BackstayError):
    """No connection could be made, or it broke; nothing is known to have been committed."""


class PoolTimeout(BackstayError):
    """No connection became free within the acquisition timeout."""


class Transaction(Protocol):
    """An open transaction on one connection, for flows that decide between statements."""

    async def run(self, query: Query) -> Result:
        """Run one statement. Raises ``DatabaseError``; the transaction is then aborted."""
        ...

    async def run_all(self, queries: Sequence[Query]) -> list[Result]:
        """Run several statements in one round trip."""
        ...
