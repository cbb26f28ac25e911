"""Unit: what is counted."""

from __future__ import annotations

from backstay.observe.bus import Bus
from backstay.observe.events import PoolChanged, RequestFailed, RequestFinished
from backstay.observe.metrics import Metrics


def finished(status: int, seconds: float) -> RequestFinished:
    return RequestFinished("shop", "rest", "r", "GET", "/t", "127.0.0.1", status, seconds)


def scraped(*events: RequestFinished | RequestFailed | PoolChanged) -> set[str]:
    bus, metrics = Bus(), Metrics()
    metrics.listen(bus)
    for event in events:
        bus.emit(event)
    return set(metrics.render().decode().splitlines())


def test_requests_by_project_service_and_status() -> None:
    lines = scraped(finished(200, 0.1), finished(200, 0.1), finished(404, 0.1))
    labels = 'project="shop",service="rest"'
    assert f'backstay_requests_total{{{labels},status="200"}} 2.0' in lines
    assert f'backstay_requests_total{{{labels},status="404"}} 1.0' in lines


def test_seconds_fall_into_buckets_that_include_their_bound() -> None:
    lines = scraped(finished(200, 0.0004), finished(200, 0.005), finished(200, 99.0))
    prefix = 'backstay_request_seconds_bucket{le="%s",project="shop",service="rest"} %s'
    for bound, count in (("0.001", 1.0), ("0.0025", 1.0), ("0.005", 2.0), ("10.0", 2.0)):
        assert prefix % (bound, count) in lines
    assert prefix % ("+Inf", 3.0) in lines
    assert 'backstay_request_seconds_count{project="shop",service="rest"} 3.0' in lines
    total = 'backstay_request_seconds_sum{project="shop",service="rest"} 99.0054'
    assert total in lines


def test_failures_and_pools() -> None:
    lines = scraped(
        RequestFailed(project="shop", request_id="r", service="rest", error=ValueError()),
        PoolChanged(project="shop", size=8, idle=3, waiting=0),
    )
    assert 'backstay_request_failures_total{project="shop",service="rest"} 1.0' in lines
    assert 'backstay_pool_connections{project="shop",state="idle"} 3.0' in lines


def test_two_applications_share_nothing() -> None:
    assert scraped() == scraped()
    assert not any("shop" in line for line in scraped())
