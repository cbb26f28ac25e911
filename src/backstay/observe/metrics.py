"""Prometheus metrics, counted from events. One registry per application, none global."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from backstay.observe.bus import Bus
from backstay.observe.events import (
    CatalogLoaded,
    ClientLeft,
    DatabaseReady,
    PoolChanged,
    RequestFailed,
    RequestFinished,
)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS: Final = (*(str(bound) for bound in _BUCKETS), "+Inf")


class _Requests(Collector):
    """Requests and their seconds, counted in plain lists and made into metrics when scraped.

    The client library's own counters take a lock each and cost several times as much, for every
    request.
    """

    def __init__(self) -> None:
        self._statuses: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[tuple[str, str], tuple[list[int], list[float]]] = {}

    def count(self, event: RequestFinished) -> None:
        project, service = event.project, event.service
        status = (project, service, event.status)
        self._statuses[status] = self._statuses.get(status, 0) + 1
        seconds = self._seconds.get((project, service))
        if seconds is None:
            seconds = self._seconds[project, service] = ([0] * len(_BOUNDS), [0.0])
        seconds[0][bisect_left(_BUCKETS, event.seconds)] += 1
        seconds[1][0] += event.seconds

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "backstay_requests", "Requests answered.", labels=("project", "service", "status")
        )
        for (project, service, status), count in self._statuses.items():
            requests.add_metric((project, service, str(status)), count)
        yield requests
        spent = HistogramMetricFamily(
            "backstay_request_seconds",
            "Seconds from a request's head to the head of its answer.",
            labels=("project", "service"),
        )
        for (project, service), (counts, total) in self._seconds.items():
            spent.add_metric((project, service), _cumulative(counts), total[0])
        yield spent


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    return [(bound, sum(counts[: at + 1])) for at, bound in enumerate(_BOUNDS)]


class Metrics:
    """Everything counted. Subscribe with ``listen``, read with ``render``."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._requests = _Requests()
        registry.register(self._requests)
        self._failures = Counter(
            "backstay_request_failures",
            "Requests a service failed on (answered 500).",
            ("project", "service"),
            registry=registry,
        )
        self._left = Counter(
            "backstay_clients_left",
            "Requests cancelled because the client went away.",
            ("project",),
            registry=registry,
        )
        self._pool = Gauge(
            "backstay_pool_connections",
            "Database connections by state, and requests waiting for one.",
            ("project", "state"),
            registry=registry,
        )
        self._restarts = Gauge(
            "backstay_database_restarts",
            "How often the database had to be started again.",
            ("project",),
            registry=registry,
        )
        self._catalog = Gauge(
            "backstay_catalog_load_seconds",
            "Seconds the last reading of the catalog took.",
            ("project",),
            registry=registry,
        )

    def listen(self, bus: Bus) -> None:
        """Count what ``bus`` carries."""
        bus.subscribe(RequestFinished, self._requests.count)
        bus.subscribe(
            RequestFailed, lambda event: self._failures.labels(event.project, event.service).inc()
        )
        bus.subscribe(ClientLeft, lambda event: self._left.labels(event.project).inc())
        bus.subscribe(PoolChanged, self._pool_changed)
        bus.subscribe(
            DatabaseReady, lambda event: self._restarts.labels(event.project).set(event.restarts)
        )
        bus.subscribe(
            CatalogLoaded, lambda event: self._catalog.labels(event.project).set(event.seconds)
        )

    def render(self) -> bytes:
        """The exposition text, for ``CONTENT_TYPE``."""
        return generate_latest(self._registry)

    def _pool_changed(self, event: PoolChanged) -> None:
        for state in ("size", "idle", "waiting"):
            self._pool.labels(event.project, state).set(getattr(event, state))
