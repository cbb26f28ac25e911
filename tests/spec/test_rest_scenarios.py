"""REST scenarios: as whom, the request, and the status, headers and body that must come.

Each runs against a real database, which it finds as the one before left it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from backstay import web
from backstay.catalog.cache import SchemaCache
from backstay.config.rest import RestSettings
from backstay.db.pool import Pool
from backstay.observe.bus import Bus
from backstay.rest.service import RestService
from backstay.tokens.model import Claims, TokenError
from tests.support.cluster import Database, Server

SCHEMA = """
create table clients (id int primary key, name text unique, owner text default 'ann');
create table projects (
  id int primary key, client_id int references clients deferrable initially deferred,
  name text not null default 'unnamed', price numeric(10, 2), made_at timestamptz,
  data jsonb, tags text[]
);
create table notes (a int, b int, text text, primary key (a, b));
alter table clients enable row level security;
create policy own on clients to authenticated
  using (owner = (select current_setting('request.jwt.claims', true)::json ->> 'sub'))
  with check (owner = (select current_setting('request.jwt.claims', true)::json ->> 'sub'));
create policy all_of_them on clients to service_role using (true) with check (true);
create view dear as select id, client_id, price from projects where price > 10;
create function add_them(a int, b int default 1) returns int language sql immutable
  as 'select a + b';
create function join_them(variadic words text[]) returns text language sql
  as $$ select array_to_string(words, '-') $$;
create function write_note(a int) returns void language sql
  as $$ insert into notes values (a, 1, 'called') $$;
create function full_name(clients) returns text language sql stable
  as $$ select $1.name || '!' $$;
create function cheap(most numeric) returns setof projects language sql stable
  as 'select * from projects where price <= most';
create function teapot() returns void language plpgsql as $$
begin
  perform set_config('response.status', '418', true);
  perform set_config('response.headers', '[{"X-Kind": "tea"}]', true);
end $$;
create function raise_payment() returns void language plpgsql as $$
begin raise sqlstate 'PT402' using message = 'Pay', hint = 'money', detail = 'now'; end $$;
create function whoami() returns json language sql stable as $$
  select json_build_object('role', current_user, 'method', current_setting('request.method'),
    'path', current_setting('request.path'),
    'agent', current_setting('request.headers')::json ->> 'user-agent') $$;
create function slow() returns text language sql set statement_timeout to '4321ms' as $$
  select current_setting('statement_timeout') $$;
insert into clients values (1, 'one', 'ann'), (2, 'two', 'bob'), (3, 'three', 'ann');
insert into projects values
  (1, 1, 'alpha', 9.50, '2020-01-01 00:00+00', '{"a": {"b": [1, 2]}}', '{x,y}'),
  (2, 1, 'beta', 20.00, '2021-01-01 00:00+00', null, '{}'),
  (3, 2, 'gamma', null, null, '{"a": 5}', null);
"""


class Verifier:
    """A token is a role and a subject: ``role:sub``."""

    def verify(self, token: str) -> Claims:
        role, colon, sub = token.partition(":")
        if not colon:
            raise TokenError("malformed", "encoding")
        data = {"role": role, "sub": sub}
        return Claims(orjson.dumps(data).decode(), data)


@dataclass
class Served:
    """The service over a database, and a way to ask it."""

    ask: Callable[[str, str, Mapping[str, str], bytes], web.Response]


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[Database]:
    made = server.create_database()
    made.psql(SCHEMA)
    try:
        yield made
    finally:
        server.drop_database(made.name)


@pytest.fixture(scope="module")
def served(filled: Database) -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    settings = RestSettings(
        db_anon_role="anon", db_max_rows=100, db_aggregates_enabled=True, db_plan_enabled=True
    )
    pool = Pool(filled.dsn("authenticator"), size=2)
    cache = SchemaCache(pool, lambda _: settings, lambda _: Verifier(), Bus())
    service = RestService(pool, cache)

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return loop.run_until_complete(work)

    def ask(method: str, target: str, headers: Mapping[str, str], body: bytes) -> web.Response:
        path, _, query = target.partition("?")
        request = web.Request(method, path, query, headers, web.bytes_body(body))
        answer = run(service(request))
        assert isinstance(answer, web.Response)
        return answer

    run(pool.open())
    run(cache.start())
    try:
        yield Served(ask)
    finally:
        run(cache.stop())
        run(pool.close())
        loop.close()


@dataclass(frozen=True)
class Case:
    """One scenario. A body that is not bytes is JSON; ``code`` is that of an error."""

    request: str
    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    send: object = b""
    role: str = "service_role:x"
    answer: Mapping[str, str | None] = field(default_factory=dict)
    code: str = ""


REP = {"prefer": "return=representation"}
ONE = {"accept": "application/vnd.pgrst.object+json"}

CASES = [
    # reading
    Case("GET /clients?select=id,name&order=id.desc&limit=2", 200,
         [{"id": 3, "name": "three"}, {"id": 2, "name": "two"}]),
    Case("GET /clients?select=id&id=in.(1,3)&name=not.eq.one", 200, [{"id": 3}]),
    Case("GET /clients?select=id&or=(id.eq.1,and(id.gt.1,name.like.*o))&order=id", 200,
         [{"id": 1}, {"id": 2}]),
    Case("GET /clients?select=id,full_name&full_name=eq.two!", 200, [{"id": 2, "full_name": "two!"}]),
    Case("GET /projects?select=n:name,p:price::text,data->a->b->>0&data->a->>b=not.is.null", 200,
         [{"n": "alpha", "p": "9.50", "b": "1"}]),
    Case("GET /projects?select=price,made_at,tags&id=eq.1", 200,
         [{"price": 9.5, "made_at": "2020-01-01T00:00:00+00:00", "tags": ["x", "y"]}]),
    Case("GET /projects?select=id&tags=cs.{x}", 200, [{"id": 1}]),
    Case("GET /projects?select=client_id,price.sum()&order=client_id", 200,
         [{"client_id": 1, "sum": 29.5}, {"client_id": 2, "sum": None}]),
    Case("GET /projects?select=id", 206, [{"id": 1}], {"range": "0-0", "prefer": "count=exact"},
         answer={"content-range": "0-0/3"}),
    Case("GET /projects?select=id&offset=5", 416, None, {"prefer": "count=exact"}, code="PGRST103"),
    Case("HEAD /projects", 200, b"", {"prefer": "count=exact"}, answer={"content-range": "0-2/3"}),
    Case("GET /projects?id=eq.1&select=id", 200, {"id": 1}, ONE),
    Case("GET /projects?select=id", 406, None, ONE, code="PGRST116"),
    Case("GET /projects?select=id,name&order=id", 200, b"id,name\n1,alpha\n2,beta\n3,gamma",
         {"accept": "text/csv"}, answer={"content-type": "text/csv; charset=utf-8"}),
    Case("GET /projects?id=eq.x", 400, code="22P02"),
    Case("GET /projects?nope=eq.x", 400, code="42703"),
    Case("GET /projects?id=eq.1", 200, headers={"accept": "application/vnd.pgrst.plan+json"}),
    # embedding
    Case("GET /clients?select=name,projects(name)&order=id&projects.order=name.desc&id=lt.3", 200,
         [{"name": "one", "projects": [{"name": "beta"}, {"name": "alpha"}]},
          {"name": "two", "projects": [{"name": "gamma"}]}]),
    Case("GET /projects?select=id,clients(name)&order=clients(name).desc,id&limit=2", 200,
         [{"id": 3, "clients": {"name": "two"}}, {"id": 1, "clients": {"name": "one"}}]),
    Case("GET /clients?select=id,projects!inner()&projects.price=gt.10", 200, [{"id": 1}]),
    Case("GET /clients?select=id,projects()&projects=is.null", 200, [{"id": 3}]),
    Case("GET /projects?select=id,...clients(client:name)&id=eq.1", 200, [{"id": 1, "client": "one"}]),
    Case("GET /clients?select=id,...projects(names:name)&id=eq.1&projects.order=id", 200,
         [{"id": 1, "names": ["alpha", "beta"]}]),
    Case("GET /dear?select=id,clients(name)", 200, [{"id": 2, "clients": {"name": "one"}}]),
    Case("GET /rpc/cheap?most=10&select=name,clients(name)", 200,
         [{"name": "alpha", "clients": {"name": "one"}}]),
    # as whom
    Case("GET /clients?select=id&order=id", 200, [{"id": 1}, {"id": 3}], role="authenticated:ann"),
    Case("GET /clients?select=id", 200, [], role=""),
    Case("GET /projects?select=id,clients(name)&id=eq.3", 200, [{"id": 3, "clients": None}],
         role="authenticated:ann"),
    Case("POST /clients", 403, None, {}, {"id": 9, "owner": "bob"}, "authenticated:ann", code="42501"),
    Case("POST /clients", 401, None, {}, {"id": 9}, "", answer={"www-authenticate": "Bearer"},
         code="42501"),
    Case("PATCH /clients?id=eq.2", 200, [], REP, {"name": "stolen"}, "authenticated:ann"),
    Case("DELETE /clients?id=eq.2", 204, b"", {}, b"", "authenticated:ann",
         answer={"content-type": None}),
    Case("GET /clients?select=name&id=eq.2", 200, [{"name": "two"}]),
    Case("GET /clients", 401, role="broken", code="PGRST301"),
    Case("GET /clients", 401, role="nobody_there:x", code="22023"),
    # writing
    Case("POST /notes", 201, b"", {}, {"a": 1, "b": 1, "text": "x"},
         answer={"content-range": "*/*", "location": None}),
    Case("POST /notes", 201, b"", {"prefer": "return=headers-only"}, {"a": 1, "b": 2},
         answer={"location": "/notes?a=eq.1&b=eq.2"}),
    Case("POST /notes?select=b", 201, [{"b": 3}, {"b": 4}], REP, [{"a": 1, "b": 3}, {"a": 1, "b": 4}]),
    Case("POST /notes", 409, None, {}, {"a": 1, "b": 1}, code="23505"),
    Case("POST /notes", 200, [{"a": 1, "b": 1, "text": "y"}],
         {"prefer": "return=representation,resolution=merge-duplicates"},
         {"a": 1, "b": 1, "text": "y"}),
    Case("POST /notes", 201, [], {"prefer": "return=representation,resolution=ignore-duplicates"},
         {"a": 1, "b": 1, "text": "z"}),
    Case("POST /notes?columns=a,b", 201, b"", {}, [{"a": 2, "b": 1, "other": 1}]),
    Case("POST /notes", 201, b"", {"content-type": "text/csv"}, b"a,b,text\n3,1,NULL\n3,2,\n"),
    Case("GET /notes?a=eq.3&order=b", 200,
         [{"a": 3, "b": 1, "text": None}, {"a": 3, "b": 2, "text": ""}]),
    Case("PUT /notes?a=eq.4&b=eq.1", 201, [{"a": 4, "b": 1, "text": "p"}], REP,
         {"a": 4, "b": 1, "text": "p"}),
    Case("PUT /notes?a=eq.4&b=eq.1", 400, None, {}, {"a": 4, "b": 2}, code="PGRST115"),
    Case("PATCH /notes?a=eq.3&select=text", 200, [{"text": "n"}, {"text": "n"}],
         {"prefer": "return=representation,count=exact"}, {"text": "n"},
         answer={"content-range": "0-1/2"}),
    Case("DELETE /notes?a=eq.3", 400, None, {"prefer": "handling=strict,max-affected=1"},
         code="PGRST124"),
    Case("DELETE /notes?a=eq.3", 406, None, {**ONE, **REP}, code="PGRST116"),
    Case("DELETE /notes?a=eq.3&select=b", 200, [{"b": 1}, {"b": 2}], REP),
    Case("POST /projects?select=name,clients(name)", 201, [{"name": "unnamed", "clients": {"name": "one"}}],
         {"prefer": "return=representation,missing=default"}, [{"id": 9, "client_id": 1}]),
    Case("POST /projects", 409, None, {}, {"id": 10, "client_id": 77}, code="23503"),
    Case("GET /projects?id=eq.10", 200, []),
    # functions
    Case("GET /rpc/add_them?a=1&b=2", 200, 3),
    Case("POST /rpc/add_them", 200, 2, {}, {"a": 1}),
    Case("GET /rpc/join_them?words=a&words=b", 200, "a-b"),
    Case("POST /rpc/join_them", 200, "c-d", {}, {"words": ["c", "d"]}),
    Case("GET /rpc/write_note?a=7", 405, code="25006"),
    Case("POST /rpc/write_note", 204, b"", {}, {"a": 7}),
    Case("GET /notes?a=eq.7&select=text", 200, [{"text": "called"}]),
    Case("POST /rpc/cheap?select=id&order=id", 200, [{"id": 1}], {}, {"most": 10}),
    Case("POST /rpc/teapot", 418, b"", answer={"x-kind": "tea"}),
    Case("POST /rpc/raise_payment", 402, {"code": "PT402", "message": "Pay", "details": "now",
         "hint": "money"}),
    Case("GET /rpc/whoami", 200, {"role": "authenticated", "method": "GET", "path": "/rpc/whoami",
         "agent": "test"}, {"user-agent": "test"}, role="authenticated:ann"),
    Case("GET /rpc/slow", 200, "4321ms"),
    Case("GET /", 200, answer={"content-type": "application/openapi+json; charset=utf-8"}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.request} {case.role}"[:90])
def test_scenario(served: Served, case: Case) -> None:
    method, _, target = case.request.partition(" ")
    headers = {"authorization": f"Bearer {case.role}"} if case.role else {}
    body = case.send if isinstance(case.send, bytes) else orjson.dumps(case.send)
    response = served.ask(method, target, {**headers, **case.headers}, body)
    assert isinstance(response.body, bytes)
    assert response.status == case.status, response.body
    answered = {name.lower(): value for name, value in response.headers}
    for name, value in case.answer.items():
        assert answered.get(name) == value
    if case.code:
        assert orjson.loads(response.body)["code"] == case.code
    elif isinstance(case.body, bytes):
        assert response.body == case.body
    elif case.body is not None:
        assert orjson.loads(response.body) == case.body
