"""What is asked of every contestant: five requests, in PostgREST's dialect and as plain routes."""

from __future__ import annotations

from dataclasses import dataclass

OWNER = "11111111-1111-1111-1111-111111111111"
SECRET = "a-secret-that-is-used-by-nothing-but-this-benchmark"
GREATEST_ID = 9_000

_COLUMNS = "id,customer_id,status,total,note,created_at"
_EVENT = '{"kind": "seen", "payload": {"page": "/shop", "seconds": 12, "tags": ["a", "b"]}}'


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request. ``{id}`` in a path becomes a random number up to ``GREATEST_ID``."""

    name: str
    method: str
    rest: str
    """Path and query in PostgREST's dialect."""
    plain: str
    """The same as a hand-written service would offer it."""
    body: str = ""
    plain_body: str = ""
    prefer: str = ""


SCENARIOS = (
    Scenario("point", "GET", f"/orders?select={_COLUMNS}&id=eq.{{id}}", "/orders/{id}"),
    Scenario(
        "page",
        "GET",
        f"/orders?select={_COLUMNS}&id=gt.{{id}}&order=id&limit=100",
        "/orders?after={id}",
    ),
    Scenario(
        "embed",
        "GET",
        "/orders?select=id,status,total,customers(name,city)"
        "&status=eq.open&id=gt.{id}&order=id&limit=20",
        "/open-orders?after={id}",
    ),
    Scenario("insert", "POST", "/events", "/events", _EVENT, _EVENT, "return=representation"),
    Scenario(
        "rpc",
        "POST",
        "/rpc/order_summary",
        "/rpc/order_summary",
        '{"wanted": "open", "rows_read": 50}',
        '{"wanted": "open", "rows_read": 50}',
    ),
)
