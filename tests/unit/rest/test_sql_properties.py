"""No value a request brings but a limit, a number, is ever part of a statement's text.
Every other one is a parameter.

BACKSTAY_EXAMPLES multiplies the number of examples.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from backstay.config.rest import RestSettings
from backstay.db.model import Query, Result
from backstay.rest.filters import FULL_TEXT, QUANTIFIED, SIMPLE
from tests.support import rest_intents as written
from tests.support import small_rest

MORE = int(os.environ.get("BACKSTAY_EXAMPLES", "1"))
EVERYTHING = RestSettings(db_anon_role="anon", db_aggregates_enabled=True, db_plan_enabled=True)
ODD = ("", "'", '"', "';--", "\\", "$1", "*/", "%", "\n", "::int", "}", "é")


@dataclass
class Markers:
    """Values that can be found again. Each has a core that nothing else could hold."""

    draw: st.DrawFn
    made: list[str] = field(default_factory=list)

    def word(self) -> str:
        """A marker of letters and digits."""
        self.made.append(f"mk{self.draw(st.integers(10**9, 10**10))}z{len(self.made)}")
        return self.made[-1]

    def text(self) -> str:
        """A marker among characters that mean something to somebody."""
        before, after = self.draw(st.sampled_from(ODD)), self.draw(st.sampled_from(ODD))
        return f"{before}{self.word()}{after}"

    def number(self) -> str:
        self.made.append(str(self.draw(st.integers(10**12, 10**13))))
        return self.made[-1]


COLUMNS = {
    "projects": ("name", "client_id"),
    "clients": ("name", "data", "doc"),
    "tags": ("colour",),
}


@dataclass(frozen=True)
class Sent:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    markers: tuple[str, ...]


def _condition(markers: Markers) -> str:
    kind = markers.draw(st.sampled_from(["plain", "quantified", "text", "in", "distinct"]))
    negation = markers.draw(st.sampled_from(["", "not."]))
    if kind == "plain":
        return f"{negation}{markers.draw(st.sampled_from(SIMPLE))}.{markers.text()}"
    if kind == "quantified":
        quantifier = markers.draw(st.sampled_from(["", "(any)", "(all)"]))
        return f"{negation}{markers.draw(st.sampled_from(QUANTIFIED))}{quantifier}.{markers.text()}"
    if kind == "text":
        language = f"({markers.word()})" if markers.draw(st.booleans()) else ""
        return f"{negation}{markers.draw(st.sampled_from(FULL_TEXT))}{language}.{markers.text()}"
    if kind == "in":
        elements = [written.quoted(markers.text()) for _ in range(markers.draw(st.integers(1, 3)))]
        return f"{negation}in.({','.join(elements)})"
    return f"{negation}isdistinct.{markers.text()}"


def _field(markers: Markers, table: str) -> str:
    column = markers.draw(st.sampled_from(COLUMNS[table]))
    if column == "data" and markers.draw(st.booleans()):
        return f"data->{written.quoted(markers.text())}->>{written.quoted(markers.text())}"
    return column


def _tree(markers: Markers, table: str, depth: int = 0) -> str:
    parts = []
    for _ in range(markers.draw(st.integers(1, 3))):
        if depth < 2 and markers.draw(st.integers(0, 3)) == 0:
            operator = markers.draw(st.sampled_from(["and", "or", "not.and", "not.or"]))
            parts.append(f"{operator}{_tree(markers, table, depth + 1)}")
        else:
            value = written.quoted(markers.text())
            parts.append(f"{_field(markers, table)}.eq.{value}")
    return f"({','.join(parts)})"


def _query(markers: Markers, table: str, *, reads: bool) -> list[tuple[str, str]]:
    draw = markers.draw
    pairs = [(_field(markers, table), _condition(markers)) for _ in range(draw(st.integers(0, 3)))]
    if draw(st.booleans()):
        pairs.append((draw(st.sampled_from(["or", "and", "not.or"])), _tree(markers, table)))
    if table == "clients" and draw(st.booleans()):
        key = written.quoted(markers.text())
        # Without an alias the key would be one, and so a name.
        pairs.append(("select", f"id,found:data->{key},projects(name)"))
        pairs.append(("projects.name", _condition(markers)))
        pairs.append(("projects.or", _tree(markers, "projects")))
        if reads:
            pairs += [("projects.offset", markers.number()), ("order", f"data->{key}.desc")]
    if reads and draw(st.booleans()):
        pairs += [("limit", markers.number()), ("offset", markers.number())]
    return pairs


def _body(markers: Markers, table: str) -> object:
    keys = markers.draw(st.sets(st.sampled_from(COLUMNS[table]), min_size=1))
    rows = [{key: markers.text() for key in sorted(keys)}]
    if markers.draw(st.booleans()):
        rows.append({key: markers.text() for key in sorted(keys)})
        return rows
    return rows[0]


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """Any request for a table of the small catalog, or a call of one of its functions."""
    markers = Markers(draw)
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PATCH", "DELETE", "call", "get"]))
    headers = {"authorization": "Bearer good", "x-own": markers.word()}
    body: object = None
    if method in ("call", "get"):
        name, argument = draw(st.sampled_from([("add_them", "a"), ("all_of", "v")]))
        path, pairs = f"/rpc/{name}", []
        if method == "call":
            body = {argument: markers.text()}
        else:
            pairs = [(argument, f"[{markers.text()}")]
        method = {"call": "POST", "get": "GET"}[method]
    else:
        table = draw(st.sampled_from(sorted(COLUMNS)))
        path = f"/{table}"
        pairs = _query(markers, table, reads=method in ("GET", "HEAD"))
        if method in ("POST", "PATCH"):
            body = _body(markers, table)
        preference = draw(
            st.sampled_from(["return=representation", "count=exact", "count=planned"])
        )
        headers["prefer"] = f"{preference}, timezone={markers.word()}"
    if draw(st.booleans()):
        headers["accept"] = draw(
            st.sampled_from(
                ["text/csv", "application/vnd.pgrst.object+json", "application/geo+json"]
            )
        )
    query = "&".join(f"{quote(key)}={quote(value)}" for key, value in pairs)
    sent = b"" if body is None else orjson.dumps(body)
    return Sent(method, f"{path}?{query}", headers, sent, tuple(markers.made))


class Estimating(small_rest.Scripted):
    """The scripted database, which can also be asked what a query would cost."""

    def _result(self, query: Query) -> Result:
        if query.sql.startswith("EXPLAIN"):
            return Result([(b'[{"Plan": {"Plan Rows": 7}}]',)])
        return super()._result(query)


def _asked(sent: Sent) -> tuple[int, small_rest.Scripted]:
    database = Estimating()
    service = small_rest.service(database, EVERYTHING)
    request = small_rest.request(sent.method, sent.target, sent.headers, sent.body)
    response = asyncio.run(service(request))
    return response.status, database


@settings(
    max_examples=150 * MORE,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(requests())
def test_values_are_parameters(sent: Sent) -> None:
    status, database = _asked(sent)
    event(f"{sent.method} {status}")
    assert status < 500
    told: list[Any] = []
    for session, queries in database.asked:
        told += [value for _, value in session.settings]
        for query in queries:
            told += query.params
            for marker in sent.markers:
                assert marker not in query.sql
        assert not any(marker in session.search_path for marker in sent.markers)
    if not database.asked or (sent.method != "GET" and not sent.target.startswith("/rpc/")):
        return  # What is not to be shown needs no condition of what it embeds.
    everything = "\n".join(
        value.decode() if isinstance(value, bytes) else str(value) for value in told
    )
    for marker in sent.markers:
        if not marker.isdecimal():
            assert marker in everything, "a value was lost on the way"


def test_most_requests_reach_the_database() -> None:
    """The property would hold of requests that are all refused."""
    reached: list[bool] = []

    @settings(max_examples=60, deadline=None, database=None)
    @given(requests())
    def ask(sent: Sent) -> None:
        reached.append(bool(_asked(sent)[1].asked))

    ask()
    assert sum(reached) > len(reached) * 0.8
