"""Rows of a large result, a chunk at a time, no faster than they are taken."""

from __future__ import annotations

from collections.abc import AsyncIterator

from backstay.db.connection import Connection
from backstay.db.flight import StreamFlight
from backstay.db.model import Result, Row


class RowStream:
    """What ``Pool.stream`` gives: iterate over it for lists of rows.

    While a chunk waits to be taken nothing is read, so that no more than about two chunks are in
    memory, however many rows there are. The transaction is committed when the iteration ended.
    """

    def __init__(self, connection: Connection, flight: StreamFlight) -> None:
        self._connection = connection
        self._flight = flight

    @property
    def results(self) -> list[Result]:
        """Results of the queries before the last."""
        return self._flight.results

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names of the streamed rows."""
        return self._flight.columns

    async def begin(self) -> None:
        """Wait for the first chunk or the end. Raises the error that came instead."""
        await self._news()
        if not self._flight.chunks:
            self._check()

    async def __aiter__(self) -> AsyncIterator[list[Row]]:
        flight = self._flight
        while True:
            await self._news()
            while flight.chunks:
                yield flight.chunks.popleft()
            if flight.landed.done():
                self._check()
                return
            self._connection.resume()

    async def _news(self) -> None:
        flight = self._flight
        while not flight.chunks and not flight.landed.done():
            flight.news.clear()
            self._connection.resume()
            if not flight.chunks and not flight.landed.done():
                await flight.news.wait()

    def _check(self) -> None:
        if self._flight.landed.done() and not self._flight.landed.cancelled():
            self._flight.landed.result()
        if self._flight.error is not None:
            raise self._flight.error
