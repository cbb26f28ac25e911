"""Which statements one connection has prepared, and which it should close.

A statement is known by (role, search path, SQL): a plan shared between roles is planned anew each
time the role changes. Names are never reused, so a statement closed late can never be mistaken for
its successor.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

Key = tuple[str, str, str]


@dataclass(slots=True)
class Statement:
    """A prepared statement of one connection."""

    key: Key
    name: bytes
    columns: tuple[str, ...] | None = None
    """Names of its result's columns, once seen: a prepared statement never changes them."""


class StatementCache:
    """The prepared statements of one connection, least recently used first, at most ``bound``."""

    __slots__ = ("_bound", "_by_key", "_epoch", "_number", "doomed")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._by_key: OrderedDict[Key, Statement] = OrderedDict()
        self.doomed: list[bytes] = []
        """Names to close with the next exchange."""
        self._number = 0
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, key: Key) -> Statement | None:
        """The statement prepared for ``key``, now the most recently used."""
        statement = self._by_key.get(key)
        if statement is not None:
            self._by_key.move_to_end(key)
        return statement

    def add(self, key: Key) -> Statement:
        """A new statement for ``key``; the caller prepares it, or calls ``forget``."""
        self._number += 1
        statement = self._by_key[key] = Statement(key, b"b%d" % self._number)
        return statement

    def forget(self, statement: Statement) -> None:
        """``statement`` was never made on the server."""
        if self._by_key.get(statement.key) is statement:
            del self._by_key[statement.key]

    def enter(self, epoch: int) -> None:
        """An exchange begins: doom what is beyond the bound, or older than ``epoch``.

        Here and not in ``add``, so that an exchange never closes what it uses itself.
        """
        if epoch != self._epoch:
            self._epoch = epoch
            self.doom_all()
        while len(self._by_key) > self._bound:
            _, evicted = self._by_key.popitem(last=False)
            self.doomed.append(evicted.name)

    def doom_all(self) -> None:
        """Forget every statement, and close them with the next exchange."""
        self.doomed += [statement.name for statement in self._by_key.values()]
        self._by_key.clear()

    def take_doomed(self) -> list[bytes]:
        """Names to close on the server before the next exchange; each is handed out once."""
        doomed, self.doomed = self.doomed, []
        return doomed
