"""The requests being answered: cancelled when their client goes away, waited for at shutdown.

Watching a connection for its end costs a task, and nearly every request is answered long before
that matters. So requests are only noted down, and a tick every ``PATIENCE`` seconds, which runs
while there are any, begins to watch those that have been here since the tick before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

PATIENCE: Final = 0.1

Gone = Callable[[], Awaitable[Any]]
"""Returns when the client of a request has gone away."""


class Flight:
    """One request being answered by the task ``task``."""

    __slots__ = ("abandoned", "gone", "task", "ticks", "watch")

    def __init__(self, task: asyncio.Task[Any], gone: Gone) -> None:
        self.task = task
        self.gone = gone
        self.ticks = 0
        self.watch: asyncio.Task[None] | None = None
        self.abandoned = False

    def abandon(self) -> None:
        """Cancel the task; its answer is not wanted any more."""
        self.abandoned = True
        self.task.cancel()


class InFlight:
    """The requests of one listening socket that are being answered."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._flights: set[Flight] = set()
        self._ticking = False
        self._empty = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._flights)

    def enter(self, gone: Gone) -> Flight:
        """Note down the request that the current task answers."""
        # To find the running loop costs a system call on Python 3.11, so it is remembered.
        task = asyncio.current_task(self._loop)
        if task is None or self._loop is None:
            task = asyncio.current_task()
            if task is None:
                raise RuntimeError("a request is answered by a task")
            self._loop = task.get_loop()
        flight = Flight(task, gone)
        self._flights.add(flight)
        if not self._ticking:
            self._ticking = True
            task.get_loop().call_later(self._patience, self._tick)
        return flight

    def leave(self, flight: Flight) -> None:
        """The request has been answered, or its client has gone."""
        self._flights.discard(flight)
        if flight.watch is not None:
            flight.watch.cancel()
        if not self._flights:
            self._empty.set()

    async def drain(self, timeout: float) -> int:  # noqa: ASYNC109 - the remainder is the result
        """Wait until nothing is in flight; after ``timeout`` seconds cancel what still is.

        How many had to be cancelled.
        """
        self._empty.clear()
        if not self._flights:
            return 0
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), timeout)
        remaining = tuple(self._flights)
        for flight in remaining:
            flight.abandon()
        return len(remaining)

    def _tick(self) -> None:
        self._ticking = bool(self._flights)
        if not self._ticking:
            return
        loop = asyncio.get_running_loop()
        for flight in self._flights:
            flight.ticks += 1
            if flight.ticks > 1 and flight.watch is None:
                flight.watch = loop.create_task(_cancel_when_gone(flight))
        loop.call_later(self._patience, self._tick)


async def _cancel_when_gone(flight: Flight) -> None:
    await flight.gone()
    flight.abandon()
