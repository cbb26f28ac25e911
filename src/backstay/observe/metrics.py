"""Prometheus metrics, counted from events.

Counting is plain dictionaries: the client library's counters take a lock each, which a request
would pay for several times. The library is only asked to write them down, and only imported then.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from backstay.observe.bus import Bus
from backstay.observe.events import (
    CatalogLoaded,
    ClientLeft,
    DatabaseReady,
    PoolChanged,
    RequestFailed,
    RequestFinished,
)

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS: Final = (*(str(bound) for bound in _BUCKETS), "+Inf")

Labels = tuple[str, ...]


class _Said(NamedTuple):
    """What is said of a metric: its name, its help, the names of its labels."""

    name: str
    text: str
    labels: Labels


_REQUESTS: Final = _Said(
    "backstay_requests", "Requests answered.", ("project", "service", "status")
)
_SECONDS: Final = _Said(
    "backstay_request_seconds",
    "Seconds from a request's head to the head of its answer.",
    ("project", "service"),
)
_FAILURES: Final = _Said(
    "backstay_request_failures", "Requests a service failed on.", ("project", "service")
)
_LEFT: Final = _Said("backstay_clients_left", "Requests whose client went away.", ("project",))
_POOL: Final = _Said(
    "backstay_pool_connections",
    "Database connections by state, and requests waiting for one.",
    ("project", "state"),
)
_RESTARTS: Final = _Said(
    "backstay_database_restarts", "How often the database was started again.", ("project",)
)
_CATALOG: Final = _Said(
    "backstay_catalog_load_seconds", "Seconds the catalog's last reading took.", ("project",)
)


class Metrics:
    """Everything counted. Subscribe with ``listen``, read with ``render``."""

    def __init__(self) -> None:
        self._statuses: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[Labels, tuple[list[int], list[float]]] = {}
        self._failures: Counter[Labels] = Counter()
        self._left: Counter[Labels] = Counter()
        self._pool: dict[Labels, float] = {}
        self._restarts: dict[Labels, float] = {}
        self._catalog: dict[Labels, float] = {}

    def listen(self, bus: Bus) -> None:
        """Count what ``bus`` carries."""
        bus.subscribe(RequestFinished, self._finished)
        bus.subscribe(RequestFailed, self._failed)
        bus.subscribe(ClientLeft, lambda event: self._left.update([(event.project,)]))
        bus.subscribe(PoolChanged, self._pool_changed)
        bus.subscribe(DatabaseReady, self._database_ready)
        bus.subscribe(CatalogLoaded, self._catalog_loaded)

    def render(self) -> bytes:
        """The exposition text, for ``CONTENT_TYPE``."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Everything counted so far, as the client library's families: its collector protocol."""
        from prometheus_client import core  # noqa: PLC0415

        statuses = {(p, s, str(status)): n for (p, s, status), n in self._statuses.items()}
        for said, counted in (
            (_REQUESTS, statuses),
            (_FAILURES, self._failures),
            (_LEFT, self._left),
        ):
            counter = core.CounterMetricFamily(said.name, said.text, labels=said.labels)
            for labels, number in counted.items():
                counter.add_metric(labels, number)
            yield counter
        for said, measured in (
            (_POOL, self._pool),
            (_RESTARTS, self._restarts),
            (_CATALOG, self._catalog),
        ):
            gauge = core.GaugeMetricFamily(said.name, said.text, labels=said.labels)
            for labels, figure in measured.items():
                gauge.add_metric(labels, figure)
            yield gauge
        spent = core.HistogramMetricFamily(_SECONDS.name, _SECONDS.text, labels=_SECONDS.labels)
        for labels, (counts, total) in self._seconds.items():
            spent.add_metric(labels, _cumulative(counts), total[0])
        yield spent

    def _finished(self, event: RequestFinished) -> None:
        project, service = event.project, event.service
        status = (project, service, event.status)
        self._statuses[status] = self._statuses.get(status, 0) + 1
        seconds = self._seconds.get((project, service))
        if seconds is None:
            seconds = self._seconds[project, service] = ([0] * len(_BOUNDS), [0.0])
        seconds[0][bisect_left(_BUCKETS, event.seconds)] += 1
        seconds[1][0] += event.seconds

    def _failed(self, event: RequestFailed) -> None:
        self._failures[event.project, event.service] += 1

    def _pool_changed(self, event: PoolChanged) -> None:
        for state in ("size", "idle", "waiting"):
            self._pool[event.project, state] = getattr(event, state)

    def _database_ready(self, event: DatabaseReady) -> None:
        self._restarts[event.project,] = event.restarts

    def _catalog_loaded(self, event: CatalogLoaded) -> None:
        self._catalog[event.project,] = event.seconds


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    return [(bound, sum(counts[: at + 1])) for at, bound in enumerate(_BOUNDS)]
