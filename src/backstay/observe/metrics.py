"""Prometheus metrics, counted from events. One registry per application, none global."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

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


class Metrics:
    """Everything counted. Subscribe with ``listen``, read with ``render``."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._requests = Counter(
            "backstay_requests",
            "Requests answered.",
            ("project", "service", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "backstay_request_seconds",
            "Seconds from a request's head to the head of its answer.",
            ("project", "service"),
            buckets=_BUCKETS,
            registry=registry,
        )
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
        # Looking a child up by its labels costs more than counting, so the children are kept.
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def listen(self, bus: Bus) -> None:
        """Count what ``bus`` carries."""
        bus.subscribe(RequestFinished, self._finished)
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

    def _finished(self, event: RequestFinished) -> None:
        key = (event.project, event.service, event.status)
        counted = self._counted.get(key)
        if counted is None:
            counted = self._counted[key] = (
                self._requests.labels(event.project, event.service, str(event.status)),
                self._seconds.labels(event.project, event.service),
            )
        counted[0].inc()
        counted[1].observe(event.seconds)

    def _pool_changed(self, event: PoolChanged) -> None:
        for state in ("size", "idle", "waiting"):
            self._pool.labels(event.project, state).set(getattr(event, state))
