"""What a role may do is what PostgreSQL says it may do: every cell of table x verb x role, asked over
HTTP and asked in SQL with the same role and claims, and random filters that must not leak a row.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any, cast

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.support.running import Running

ROLES = ("anon", "operator", "manager", "admin", "service")
TABLES = ("machines", "services", "payments", "users")
VERBS = ("select", "insert", "update", "delete")
ALLOWED_COLUMN = {"machines": "location", "services": "name", "payments": "method", "users": "role"}
ALLOWED_VALUE = {"machines": "Yard", "services": "Tea", "payments": "UPI", "users": "manager"}


class Api:
    """The running application, its database, and a bearer token per role."""

    def __init__(self, running: Running) -> None:
        status = running.status()
        self.http = httpx.Client(base_url=running.url, timeout=30)
        self.database = status["DB_URL"]
        self.tokens = {"anon": status["ANON_KEY"], "service": status["SERVICE_ROLE_KEY"]}
        for name in ("operator", "manager", "admin"):
            reply = self.http.post(
                "/auth/v1/token?grant_type=password",
                json={"username": name, "password": f"{name}123"},
            )
            self.tokens[name] = reply.json()["access_token"]

    def claims(self, role: str) -> dict[str, Any]:
        import base64

        payload = self.tokens[role].split(".")[1]
        decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return cast("dict[str, Any]", json.loads(decoded))

    def call(self, method: str, path: str, role: str, body: Any = None) -> httpx.Response:
        return self.http.request(
            method,
            f"/rest/v1{path}",
            json=body,
            headers={
                "Authorization": f"Bearer {self.tokens[role]}",
                "Prefer": "return=minimal, count=exact",
            },
        )

    def sql(
        self, role: str, query: sql.SQL | sql.Composed, parameters: tuple[Any, ...] = ()
    ) -> tuple[str, list[tuple[Any, ...]], int]:
        """(SQLSTATE or "", rows, affected) of a query run as the role and rolled back."""
        claims = self.claims(role)
        with psycopg.connect(self.database) as connection:
            connection.execute("select set_config('role', %s, true)", (claims["role"],))
            connection.execute(
                "select set_config('request.jwt.claims', %s, true)", (json.dumps(claims),)
            )
            try:
                done = connection.execute(query, parameters)
                rows = done.fetchall() if done.description else []
                outcome = ("", rows, done.rowcount)
            except psycopg.Error as error:
                outcome = (error.sqlstate or "?", [], 0)
            connection.rollback()
        return outcome


@pytest.fixture(scope="session")
def api(billkaro: Running) -> Iterator[Api]:
    made = Api(billkaro)
    yield made
    made.http.close()


@pytest.fixture
def target(api: Api) -> Iterator[dict[str, str]]:
    """A row of each table that a cell may change or delete, by table name."""
    tag = uuid.uuid4().hex[:10]
    made: dict[str, str] = {}
    with psycopg.connect(api.database, autocommit=True) as connection:

        def add(query: str, *values: Any) -> str:
            row = connection.execute(query, values).fetchone()
            assert row is not None
            return str(row[0])

        made["machines"] = add(
            "insert into machines (name, location) values (%s, 'Cell') returning id", tag
        )
        made["services"] = add(
            "insert into services (machine_id, name, price) values (%s, %s, 1) returning id",
            made["machines"],
            tag,
        )
        made["payments"] = add(
            "insert into payments (machine_id, bill_number, amount, method)"
            " values (%s, %s, 1, 'Cash') returning id",
            made["machines"],
            tag,
        )
        made["users"] = add(
            "insert into auth.users (id, email, aud, role, raw_user_meta_data)"
            " values (gen_random_uuid(), %s, 'authenticated', 'authenticated', %s) returning id",
            f"{tag}@cell.example",
            json.dumps({"username": tag}),
        )
        yield made
        connection.execute("delete from machines where location = 'Cell' or name = %s", (tag,))
        connection.execute("delete from services where name = %s", (tag,))
        connection.execute("delete from payments where bill_number like %s", (f"{tag}%",))
        connection.execute("delete from auth.users where email like %s", (f"{tag}%",))


def new_row(table: str, target: dict[str, str]) -> dict[str, Any]:
    tag = uuid.uuid4().hex[:8]
    rows: dict[str, dict[str, Any]] = {
        "machines": {"name": tag, "location": "Cell"},
        "services": {"machine_id": target["machines"], "name": tag, "price": 2},
        "payments": {
            "machine_id": target["machines"],
            "bill_number": tag,
            "amount": 2,
            "method": "Card",
        },
        "users": {"id": str(uuid.uuid4()), "username": tag, "email": f"{tag}@x.example"},
    }
    return rows[table]


def in_sql(
    api: Api, role: str, verb: str, table: str, target: dict[str, str], row: dict[str, Any]
) -> Any:
    name = sql.Identifier("public", table)
    if verb == "select":
        state, rows, _ = api.sql(role, sql.SQL("select id::text from {}").format(name))
        return state, sorted(str(found[0]) for found in rows)
    if verb == "insert":
        query = sql.SQL("insert into {} ({}) values ({})").format(
            name,
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        state, _, affected = api.sql(role, query, tuple(row.values()))
        return state, affected
    if verb == "update":
        query = sql.SQL("update {} set {} = {} where id = {}").format(
            name, sql.Identifier(ALLOWED_COLUMN[table]), ALLOWED_VALUE[table], target[table]
        )
    else:
        query = sql.SQL("delete from {} where id = {}").format(name, target[table])
    state, _, affected = api.sql(role, query)
    return state, affected


def over_http(
    api: Api, role: str, verb: str, table: str, target: dict[str, str], row: dict[str, Any]
) -> Any:
    if verb == "select":
        reply = api.call("GET", f"/{table}?select=id", role)
        state = "" if reply.is_success else reply.json()["code"]
        return state, sorted(found["id"] for found in reply.json()) if not state else []
    if verb == "insert":
        reply = api.call("POST", f"/{table}", role, row)
    elif verb == "update":
        values = {ALLOWED_COLUMN[table]: ALLOWED_VALUE[table]}
        reply = api.call("PATCH", f"/{table}?id=eq.{target[table]}", role, values)
    else:
        reply = api.call("DELETE", f"/{table}?id=eq.{target[table]}", role)
    if not reply.is_success:
        return reply.json()["code"], 0
    counted = reply.headers["content-range"].rpartition("/")[2]
    return "", int(counted)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("table", TABLES)
def test_cell(api: Api, target: dict[str, str], table: str, verb: str, role: str) -> None:
    row = new_row(table, target)
    expected = in_sql(api, role, verb, table, target, row)
    assert over_http(api, role, verb, table, target, row) == expected


COLUMNS = {
    "users": ("id", "username", "email", "role", "is_active", "created_at"),
    "payments": ("id", "machine_id", "bill_number", "amount", "method", "status", "created_at"),
}
OPERATORS = (
    "eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch", "is", "in",
    "not.eq", "not.is", "not.in", "isdistinct", "cs", "fts", "like(any)", "eq(any)",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["null", "true", "admin", "operator", "*", "%", "Cash", "(a,b)", "{a,b}", "'; --", "0"]
    ),
    st.text(max_size=12),
)


@st.composite
def conditions(draw: st.DrawFn, table: str, depth: int = 2) -> str:
    """One `column.operator.value`, or a tree of them, as it stands inside `or=(…)`."""
    if depth and draw(st.booleans()):
        inner = draw(st.lists(conditions(table, depth - 1), min_size=1, max_size=3))
        return f"{draw(st.sampled_from(['and', 'or', 'not.and', 'not.or']))}({','.join(inner)})"
    column = draw(st.sampled_from(COLUMNS[table]))
    return f"{column}.{draw(st.sampled_from(OPERATORS))}.{draw(VALUES)}"


@pytest.mark.parametrize("role", ["anon", "operator", "manager"])
@pytest.mark.parametrize("table", ["users", "payments"])
def test_random_filters_leak_nothing(api: Api, table: str, role: str) -> None:
    _, rows, _ = api.sql(role, sql.SQL("select id::text from {}").format(sql.Identifier(table)))
    visible = {found[0] for found in rows}

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(conditions(table), min_size=1, max_size=3), st.booleans())
    def ask(trees: list[str], embed: bool) -> None:
        select = "id,machines(*,services(*))" if embed and table == "payments" else "id"
        reply = api.http.get(
            f"/rest/v1/{table}",
            params=[("select", select), *(("or", f"({tree})") for tree in trees)],
            headers={"Authorization": f"Bearer {api.tokens[role]}"},
        )
        assert reply.status_code < 500, reply.text
        if reply.is_success:
            assert {found["id"] for found in reply.json()} <= visible

    ask()
