"""The admin server of ``backstay rest``: is it alive, is it ready, what does it know.

https://docs.postgrest.org/en/stable/references/admin_server.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backstay.catalog.cache import SchemaCache
from backstay.catalog.dump import dump as dump_catalog
from backstay.catalog.events import Loaded, LoadFailed
from backstay.config.postgrest import dump as dump_settings
from backstay.config.rest import RestSettings
from backstay.observe.bus import Bus
from backstay.web import Request, Response

TEXT = ("content-type", "text/plain; charset=utf-8")
JSON = ("content-type", "application/json; charset=utf-8")


class PoolFigures(Protocol):
    """How a pool stands: connections open and idle, requests waiting, waits given up."""

    @property
    def size(self) -> int: ...
    @property
    def idle(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def timeouts(self) -> int: ...


class Metrics:
    """PostgREST's metrics, under its names."""

    def __init__(self, bus: Bus, figures: Callable[[], PoolFigures], pool_size: int) -> None:
        self._registry = CollectorRegistry()
        self._loads = Counter(
            "pgrst_schema_cache_loads",
            "The total number of times the schema cache was loaded",
            ["status"],
            registry=self._registry,
        )
        self._query_time = Gauge(
            "pgrst_schema_cache_query_time_seconds",
            "The query time in seconds of the last schema cache load",
            registry=self._registry,
        )
        self._registry.register(_PoolCollector(figures, pool_size))
        bus.subscribe(Loaded, self._loaded)
        bus.subscribe(LoadFailed, self._failed)

    def _loaded(self, event: Loaded) -> None:
        self._loads.labels("SUCCESS").inc()
        self._query_time.set(event.seconds)

    def _failed(self, _event: LoadFailed) -> None:
        self._loads.labels("FAIL").inc()

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _PoolCollector(Collector):
    """Reads the pool when it is asked, so that the hot path keeps no books."""

    def __init__(self, figures: Callable[[], PoolFigures], size: int) -> None:
        self._figures = figures
        self._size = size

    def collect(self) -> Iterator[Metric]:
        now = self._figures()
        yield GaugeMetricFamily(
            "pgrst_db_pool_available", "Available connections in the pool", value=now.idle
        )
        yield GaugeMetricFamily(
            "pgrst_db_pool_waiting",
            "Requests waiting to acquire a pool connection",
            value=now.waiting,
        )
        yield GaugeMetricFamily("pgrst_db_pool_max", "Max pool connections", value=self._size)
        yield CounterMetricFamily(
            "pgrst_db_pool_timeouts",
            "The total number of pool connection timeouts",
            value=now.timeouts,
        )


class Admin:
    """The service behind the admin port. ``is_serving``: whether the API itself accepts."""

    def __init__(
        self, cache: SchemaCache, metrics: Metrics, is_serving: Callable[[], bool]
    ) -> None:
        self._cache = cache
        self._metrics = metrics
        self._is_serving = is_serving
        self._pages: Mapping[str, Callable[[], Response]] = {
            "/live": self._live,
            "/ready": self._ready,
            "/metrics": lambda: Response(200, [TEXT], self._metrics.render()),
            "/config": self._config,
            "/schema_cache": self._schema_cache,
        }

    async def __call__(self, request: Request) -> Response:
        page = self._pages.get(request.path)
        if page is None:
            return Response(404)
        response = page()
        return replace(response, body=b"") if request.method == "HEAD" else response

    def _live(self) -> Response:
        return Response(200 if self._is_serving() else 500)

    def _ready(self) -> Response:
        if self._cache.pending:
            return Response(503)
        return Response(200 if self._is_serving() and self._cache.current else 500)

    def _config(self) -> Response:
        shown = dump_settings(without_secrets(self._cache.settings))
        return Response(200, [TEXT], shown.encode())

    def _schema_cache(self) -> Response:
        snapshot = self._cache.current
        return Response(200, [JSON], dump_catalog(snapshot.catalog) if snapshot else b"")


def without_secrets(settings: RestSettings) -> RestSettings:
    """``settings`` fit to be shown over HTTP."""
    uri = re.sub(r"(://[^/@:]*):[^@/]*@", r"\1:***@", settings.db_uri)
    uri = re.sub(r"(?i)(password=)('[^']*'|[^\s&]*)", r"\1***", uri)
    return replace(settings, db_uri=uri, jwt_secret="***" if settings.jwt_secret else "")
