"""A project, a gateway over it and requests to it, without a socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from backstay.clock import ManualClock
from backstay.gateway.gateway import Gateway
from backstay.gateway.hosts import ProjectTable
from backstay.gateway.model import GatewaySettings
from backstay.observe.bus import Bus
from backstay.observe.events import Event
from backstay.observe.metrics import Metrics
from backstay.tokens.api_keys import ProjectKeys
from backstay.web import Request, Response, Service, bytes_body

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
DEVELOPMENT = ProjectKeys.development()
OTHER = ProjectKeys.generate(CLOCK)
PORT = 54321


async def echo(request: Request) -> Response:
    """What a service sees of a request, as JSON."""
    body = await request.read(1 << 20)
    seen = {
        "method": request.method,
        "prefix": request.prefix,
        "path": request.path,
        "query": request.query,
        "headers": dict(request.headers),
        "client": request.client,
        "scheme": request.scheme,
        "host": request.host,
        "id": request.id,
        "body": body.decode("latin-1"),
    }
    return Response(200, [("content-type", "application/json")], orjson.dumps(seen))


@dataclass
class FakeProject:
    name: str = "shop"
    keys: ProjectKeys = DEVELOPMENT
    hosts: Sequence[str] = ()
    port: int | None = None
    services: Mapping[str, Service] = field(
        default_factory=lambda: dict.fromkeys(
            ("rest", "auth", "storage", "realtime", "functions", "rest-admin", "pg-meta"), echo
        )
    )
    asleep: bool = False
    answers: bool = True

    async def awake(self) -> None:
        self.asleep = False

    async def ready(self) -> bool:
        return self.answers


class World:
    """A gateway, and every event it emitted."""

    def __init__(self, *projects: FakeProject, **settings: Any) -> None:
        self.events: list[Event] = []
        bus = Bus()
        bus.subscribe(Event, self.events.append)
        metrics = Metrics()
        metrics.listen(bus)
        table = ProjectTable(projects or (FakeProject(),))
        self.gateway = Gateway(table, GatewaySettings(**settings), bus, metrics)

    async def send(
        self,
        path: str,
        *,
        method: str = "GET",
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        client: str = "127.0.0.1",
        host: str = "127.0.0.1:54321",
        port: int = PORT,
    ) -> Response:
        request = Request(
            method,
            path,
            query,
            {"host": host, **(headers or {})},
            body=bytes_body(body),
            client=client,
            host=host,
        )
        return await self.gateway.handle(request, port)

    async def seen(self, path: str, **sent: Any) -> dict[str, Any]:
        """What the service saw."""
        response = await self.send(path, **sent)
        assert response.status == 200, response.body
        seen = decoded(response)
        assert isinstance(seen, dict)
        return seen


def decoded(response: Response) -> Any:
    assert isinstance(response.body, bytes)
    return orjson.loads(response.body)


def header(response: Response, name: str) -> str | None:
    values = [value for key, value in response.headers if key == name]
    assert len(values) <= 1, f"{name} is sent {len(values)} times"
    return values[0] if values else None
