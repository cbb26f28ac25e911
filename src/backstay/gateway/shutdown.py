"""The ordinary end: accept no more, let what is in flight end, cut what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from backstay.observe.bus import Bus
from backstay.observe.events import Stopping


class Server(Protocol):
    async def stop(self) -> None:
        """Accept no more; returns when nothing is in flight."""
        ...


class Application(Protocol):
    @property
    def in_flight(self) -> int: ...

    async def drain(self, timeout: float) -> int:  # noqa: ASYNC109 - the remainder is the result
        """Let the requests in flight end; how many had to be cancelled after ``timeout``."""
        ...


async def shut_down(
    servers: Sequence[tuple[Server, Application]], bus: Bus, *, grace: float
) -> int:
    """Stop ``servers`` together, giving what they are answering ``grace`` seconds to end.

    How many requests had to be cut. A stream without end would otherwise keep its server for ever.
    """
    bus.emit(Stopping(in_flight=sum(application.in_flight for _, application in servers)))
    stopping = [asyncio.ensure_future(server.stop()) for server, _ in servers]
    cut = await asyncio.gather(*(application.drain(grace) for _, application in servers))
    await asyncio.gather(*stopping)
    return sum(cut)
