"""What a request makes of the database, and what is answered; the database is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import orjson
import pytest

from backstay import web
from backstay.catalog.model import Catalog
from backstay.config.rest import RestExtensions, RestSettings
from backstay.db.model import DatabaseError, DatabaseUnavailable, PoolTimeout, Session
from backstay.errors import BackstayError
from backstay.rest.service import RestService
from tests.support.small_rest import (
    CATALOG,
    FixedSource,
    Scripted,
    header,
    request,
    service,
    snapshot,
    written,
)

GOOD = {"authorization": "Bearer good"}


def ask(
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    database: Scripted | None = None,
    settings: RestSettings | None = None,
    extensions: RestExtensions | None = None,
) -> web.Response:
    one = service(
        database or Scripted(),
        settings or RestSettings(db_anon_role="anon"),
        extensions=extensions,
    )
    return asyncio.run(one(request(method, target, headers, body)))


def error_of(response: web.Response) -> dict[str, object]:
    assert isinstance(response.body, bytes)
    found = orjson.loads(response.body)
    assert list(found) == sorted(found)
    assert header(response, "proxy-status") == f"PostgREST; error={found['code']}"
    assert isinstance(found, dict)
    return found


# -- the session --------------------------------------------------------------------------------


def test_a_read_runs_read_only_as_the_caller() -> None:
    database = Scripted()
    sent = {**GOOD, "cookie": "a=1; b=2; a=3", "x-one": "é"}
    ask("GET", "/clients?id=eq.1", sent, database=database)
    session = database.session
    assert (session.role, session.search_path, session.read_only) == (
        "authenticated",
        '"public", "public"',
        True,
    )
    assert session.role_settings == (("statement_timeout", "8s"),)
    assert dict(session.settings) == {
        "request.jwt.claims": '{"role":"authenticated","sub":"1"}',
        "request.method": "GET",
        "request.path": "/clients",
        "request.headers": '{"authorization":"Bearer good","x-one":"é"}',
        "request.cookies": '{"a":"1","b":"2"}',
    }


def test_a_header_that_is_not_utf_8() -> None:
    database = Scripted()
    assert ask("GET", "/clients", {"x-one": "a\udcffb"}, database=database).status == 200
    assert orjson.loads(dict(database.session.settings)["request.headers"]) == {"x-one": "a?b"}


def test_without_a_token_it_is_the_anonymous_role() -> None:
    database = Scripted()
    ask("POST", "/clients", {}, b"{}", database=database)
    settings = dict(database.session.settings)
    assert settings["request.jwt.claims"] == '{"role":"anon"}'
    assert not database.session.read_only


def test_a_token_without_a_role_gets_one_in_its_claims() -> None:
    database = Scripted()
    ask("GET", "/clients", {"authorization": "Bearer no-role"}, database=database)
    claims = dict(database.session.settings)["request.jwt.claims"]
    assert orjson.loads(claims) == {"sub": "1", "role": "anon"}


@pytest.mark.parametrize(
    ("headers", "anon", "code", "challenge"),
    [
        ({}, "", "PGRST302", "Bearer"),
        (
            {"authorization": "Bearer old"},
            "anon",
            "PGRST303",
            'Bearer error="invalid_token", error_description="JWT expired"',
        ),
        (
            {"authorization": "bearer "},
            "anon",
            "PGRST301",
            'Bearer error="invalid_token",'
            ' error_description="Empty JWT is sent in Authorization header"',
        ),
    ],
)
def test_refused_tokens(headers: dict[str, str], anon: str, code: str, challenge: str) -> None:
    response = ask("GET", "/clients", headers, settings=RestSettings(db_anon_role=anon))
    assert response.status == 401
    assert error_of(response)["code"] == code
    assert header(response, "www-authenticate") == challenge


def test_another_scheme_is_no_token() -> None:
    assert ask("GET", "/clients", {"authorization": "Basic abc"}).status == 200


# -- statements ---------------------------------------------------------------------------------


def test_values_are_parameters() -> None:
    database = Scripted()
    target = "/clients?id=eq.7654&name=like.a*&data->>k=in.(x,%22y,z%22)&or=(id.eq.secret)&limit=3"
    ask("GET", target, database=database)
    query = database.last
    assert query.params == ("7654", "a%", "k", '{"x","y,z"}', "secret")
    for value in ("7654", "a%", "y,z", "secret"):
        assert value not in query.sql


def test_a_write_passes_its_body_on() -> None:
    database = Scripted(written(b"[]"))
    body = b'{"name": "n", "id": 1.0}'
    ask("POST", "/clients", {"prefer": "return=representation"}, body, database=database)
    assert database.last.params == (body,)
    assert 'INSERT INTO "public"."clients"("id", "name")' in database.last.sql
    assert "$1::json" in database.last.sql


def test_defaults_for_missing_names() -> None:
    database = Scripted()
    ask(
        "POST",
        "/clients?columns=id,made_at",
        {"prefer": "missing=default"},
        b"[{}]",
        database=database,
    )
    assert "jsonb_build_object('made_at', now())" in database.last.sql
    assert "$1::jsonb" in database.last.sql


def test_representations_are_applied_to_reads_filters_and_writes() -> None:
    database = Scripted()
    ask("GET", "/tags?colour=eq.red", database=database)
    assert 'public.to_json("public"."tags"."colour") AS "colour"' in database.last.sql
    assert "= public.from_text($1)" in database.last.sql
    ask("POST", "/tags", {}, b'{"colour":"red"}', database=database)
    assert 'public.from_json("colour") AS "colour"' in database.last.sql
    assert '"colour" json' in database.last.sql


def test_embedding_through_a_junction() -> None:
    database = Scripted()
    ask("GET", "/projects?select=name,tags(label),clients!inner(name)", database=database)
    sql = database.last.sql
    assert '"public"."project_tags"."tag_id" = "public"."tags"."id"' in sql
    assert '"public"."project_tags"."project_id" = "public"."projects"."id"' in sql
    assert 'INNER JOIN LATERAL ( SELECT "clients_1"."name"' in sql


def test_limits_are_raised_within_a_write() -> None:
    database = Scripted()
    prefer = {"prefer": "handling=strict,max-affected=2"}
    ask("DELETE", "/clients?id=eq.1", prefer, database=database)
    assert "CASE WHEN pg_catalog.count(*) > 2 THEN ('backstay:limit:PGRST124:'" in database.last.sql


@pytest.mark.parametrize(
    ("code", "status"), [("PGRST124", 400), ("PGRST116", 406), ("PGRST115", 400)]
)
def test_raised_limits_are_recognised(code: str, status: int) -> None:
    message = f'invalid input syntax for type bigint: "backstay:limit:{code}:12"'
    database = Scripted(error=DatabaseError("22P02", message))
    response = ask("DELETE", "/clients", database=database)
    assert (response.status, error_of(response)["code"]) == (status, code)


# -- transactions -------------------------------------------------------------------------------


def test_rollback_checks_what_a_commit_would() -> None:
    database = Scripted()
    settings = RestSettings(db_anon_role="anon", db_tx_end="rollback-allow-override")
    ask("DELETE", "/clients", database=database, settings=settings)
    assert database.rolled_back
    assert [query.sql for query in database.asked[-1][1]][1:] == ["SET CONSTRAINTS ALL IMMEDIATE"]
    ask("DELETE", "/clients", {"prefer": "tx=commit"}, database=database, settings=settings)
    assert len(database.asked[-1][1]) == 1


def test_the_pre_request_comes_first() -> None:
    database = Scripted()
    settings = RestSettings(db_anon_role="anon", db_pre_request="private.check")
    ask("GET", "/clients", database=database, settings=settings)
    assert database.last.sql == 'select "private"."check"()'


def test_isolation_of_the_role() -> None:
    database = Scripted()
    catalog = Catalog(2, CATALOG.tables, role_isolation={"anon": "serializable"})
    asyncio.run(service(database, catalog=catalog)(request("GET", "/clients")))
    assert database.isolation == "serializable"


# -- answers ------------------------------------------------------------------------------------


def test_a_read() -> None:
    response = ask("GET", "/clients?name=eq.b&id=gt.1", {"prefer": "count=exact"})
    assert (response.status, response.body) == (200, b'[{"id":1}]')
    assert dict(response.headers) == {
        "Content-Range": "0-0/*",
        "Content-Location": "/clients?id=gt.1&name=eq.b",
        "Preference-Applied": "count=exact",
        "Content-Type": "application/json; charset=utf-8",
        "Vary": "Accept, Prefer, Range",
    }


def test_part_of_the_rows() -> None:
    database = Scripted((b"15", b"5", b"[]", None, None))
    response = ask("GET", "/clients", {"range": "0-4", "prefer": "count=exact"}, database=database)
    assert (response.status, header(response, "content-range")) == (206, "0-4/15")


def test_beyond_the_last_row() -> None:
    database = Scripted((b"15", b"0", b"[]", None, None))
    response = ask("GET", "/clients?offset=20", {"prefer": "count=exact"}, database=database)
    assert (response.status, header(response, "content-range")) == (416, "*/15")
    assert orjson.loads(bytes(response.body))["code"] == "PGRST103"  # type: ignore[arg-type]


def test_the_estimate_is_the_planners() -> None:
    response = ask("HEAD", "/clients", {"prefer": "count=planned"}, database=_Estimating())
    assert (response.status, header(response, "content-range")) == (206, "0-0/700")
    assert response.body == b""


class _Estimating(Scripted):
    async def run_all(self, session: Session, queries, **more):  # type: ignore[no-untyped-def]
        results = await super().run_all(session, queries, **more)
        results[-1].rows = [(b'[{"Plan":{"Plan Rows":700}}]',)]
        return results


def test_singular_reads_are_checked() -> None:
    singular = {"accept": "application/vnd.pgrst.object+json"}
    assert ask("GET", "/clients", singular).status == 200
    none = ask("GET", "/clients", singular, database=Scripted((None, b"0", b"null", None, None)))
    assert none.status == 406
    assert error_of(none)["details"] == "The result contains 0 rows"


@pytest.mark.parametrize(
    ("method", "prefer", "inserted", "status"),
    [
        ("POST", "", None, 201),
        ("POST", "return=representation", None, 201),
        ("POST", "resolution=merge-duplicates", b"0", 200),
        ("POST", "resolution=merge-duplicates", b"2", 201),
        ("POST", "resolution=ignore-duplicates", None, 201),
        ("PATCH", "", None, 204),
        ("PATCH", "return=representation", None, 200),
        ("PUT", "", b"1", 204),
        ("PUT", "return=representation", b"1", 201),
        ("PUT", "return=representation", b"0", 200),
        ("DELETE", "return=headers-only", None, 204),
        ("DELETE", "return=representation", None, 200),
    ],
)
def test_status_of_writes(method: str, prefer: str, inserted: bytes | None, status: int) -> None:
    database = Scripted(written(b"[1]", inserted=inserted))
    target = "/clients?id=eq.1" if method != "POST" else "/clients"
    response = ask(method, target, {"prefer": prefer}, b'{"id":1}', database=database)
    assert response.status == status
    shown = "representation" in prefer
    assert response.body == (b"[1]" if shown else b"")
    assert (header(response, "content-type") is not None) == shown


def test_location_of_one_row() -> None:
    database = Scripted(written(location=b'[["id","eq.a/b \xc3\xa9"]]'))
    response = ask("POST", "/clients", {"prefer": "return=headers-only"}, b"{}", database=database)
    assert header(response, "location") == "/clients?id=eq.a%2Fb%20%C3%A9"


def test_representation_where_a_project_makes_it_the_default() -> None:
    database = Scripted(written(b"[1]"))
    wanted = RestExtensions(representation_by_default=("POST",))
    response = ask("POST", "/clients", {}, b"{}", database=database, extensions=wanted)
    assert (response.status, response.body) == (201, b"[1]")
    minimal = {"prefer": "return=minimal"}
    response = ask("POST", "/clients", minimal, b"{}", database=database, extensions=wanted)
    assert response.body == b""


def test_a_void_function() -> None:
    database = Scripted((None, b"1", b"null", None, None))
    response = ask("POST", "/rpc/reset", {}, b"{}", database=database)
    assert (response.status, response.body, header(response, "content-type")) == (204, b"", None)


def test_settings_override_the_answer() -> None:
    row = (None, b"1", b"[]", b'[{"X-A":"1"},{"content-type":"text/x"}]', b"418")
    response = ask("GET", "/clients", database=Scripted(row))
    assert response.status == 418
    assert header(response, "x-a") == "1"
    assert header(response, "content-type") == "text/x"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        (b"{}", None, "PGRST111"),
        (b'[{"a":1}]', None, "PGRST111"),
        (b'[{"a":"1","b":"2"}]', None, "PGRST111"),
        (b'[{"a":"1\\r\\nx: y"}]', None, "PGRST111"),
        (b"not json", None, "PGRST111"),
        (None, b"okay", "PGRST112"),
        (None, b"99", "PGRST112"),
        (None, b"99999", "PGRST112"),
    ],
)
def test_bad_settings(headers: bytes | None, status: bytes | None, code: str) -> None:
    response = ask("GET", "/clients", database=Scripted((None, b"1", b"[]", headers, status)))
    assert (response.status, error_of(response)["code"]) == (500, code)


# -- what is refused ----------------------------------------------------------------------------

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "status", "code"),
    [
        ("GET", "/clients?x=1", {}, b"", 400, "PGRST100"),
        ("PUT", "/rpc/reset", {}, b"", 405, "PGRST101"),
        ("POST", "/clients", {}, b"{", 400, "PGRST102"),
        ("GET", "/clients?limit=-1", {}, b"", 416, "PGRST103"),
        ("GET", "/clients", {"range": "5-2"}, b"", 416, "PGRST103"),
        ("PUT", "/clients?name=eq.1", {}, b'{"id":1}', 405, "PGRST105"),
        ("GET", "/clients", {"accept-profile": "secret"}, b"", 406, "PGRST106"),
        ("GET", "/clients", {"accept": "text/x"}, b"", 406, "PGRST107"),
        ("GET", "/clients?projects.id=eq.1", {}, b"", 400, "PGRST108"),
        ("PUT", "/clients?id=eq.1&limit=1", {}, b'{"id":1}', 400, "PGRST114"),
        ("FOO", "/clients", {}, b"", 405, "PGRST117"),
        ("GET", "/clients?select=projects(id)&order=projects(id)", {}, b"", 400, "PGRST118"),
        ("GET", "/clients", {"prefer": "handling=strict,no"}, b"", 400, "PGRST122"),
        ("GET", "/clients?select=id.sum()", {}, b"", 400, "PGRST123"),
        ("GET", "/a/b", {}, b"", 404, "PGRST125"),
        ("POST", "/rpc/reset", {"prefer": "handling=strict,max-affected=1"}, b"", 400, "PGRST128"),
        ("GET", "/clients?select=tags(id)", {}, b"", 400, "PGRST200"),
        ("GET", "/rpc/reset?a=1", {}, b"", 404, "PGRST202"),
        ("POST", "/clients", {}, b'{"nope":1}', 400, "PGRST204"),
        ("GET", "/client", {}, b"", 404, "PGRST205"),
        ("GET", "/clients?id=eq.%00", {}, b"", 400, "22021"),
    ],
)
def test_documented_refusals(
    method: str, target: str, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    response = ask(method, target, headers, body)
    assert (response.status, error_of(response)["code"]) == (status, code)


def test_hints() -> None:
    assert error_of(ask("GET", "/client"))["hint"] == "Perhaps you meant the table 'public.clients'"
    assert error_of(ask("GET", "/quite_else"))["hint"] is None
    assert error_of(ask("GET", "/rpc/add_them?a=1&c=2"))["hint"] == (
        "Perhaps you meant to call the function public.add_them(a, b)"
    )
    assert error_of(ask("GET", "/clients?select=project(id)"))["hint"] == (
        "Perhaps you meant 'projects' instead of 'project'."
    )


def test_the_hint_of_a_misspelt_function_is_not_an_oracle() -> None:
    assert error_of(ask("GET", "/rpc/add_them_x"))["hint"] == (
        "Perhaps you meant to call the function public.add_them"
    )
    assert error_of(ask("GET", "/rpc/xyz"))["hint"] is None


@pytest.mark.parametrize(
    ("sqlstate", "anonymous", "known"),
    [
        ("42501", 401, 403),
        ("23505", 409, 409),
        ("23503", 409, 409),
        ("22P02", 400, 400),
        ("42703", 400, 400),
        ("42P01", 404, 404),
        ("42883", 404, 404),
        ("25006", 405, 405),
        ("21000", 500, 500),
        ("40001", 500, 500),
        ("53300", 503, 503),
        ("57014", 500, 500),
        ("08006", 503, 503),
        ("P0001", 400, 400),
        ("P0002", 500, 500),
        ("PT402", 402, 402),
        ("PTabc", 500, 500),
        ("XX000", 500, 500),
    ],
)
def test_sqlstates(sqlstate: str, anonymous: int, known: int) -> None:
    error = DatabaseError(sqlstate, "message", "detail", "hint")
    response = ask("GET", "/clients", database=Scripted(error=error))
    assert response.status == anonymous
    assert error_of(response) == {
        "code": sqlstate,
        "message": "message",
        "details": "detail",
        "hint": "hint",
    }
    assert ask("GET", "/clients", GOOD, database=Scripted(error=error)).status == known


def test_a_raise_may_say_everything() -> None:
    error = DatabaseError(
        "PGRST",
        '{"code":"1","message":"m","hint":"h"}',
        '{"status":332,"headers":{"X-A":"b"},"status_text":"t"}',
    )
    response = ask("GET", "/clients", database=Scripted(error=error))
    assert response.status == 332
    assert header(response, "x-a") == "b"
    assert error_of(response) == {"code": "1", "message": "m", "details": None, "hint": "h"}


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("text", None),
        ('{"code":"1"}', None),
        ('{"code":"1","message":"m"}', None),
        ('{"code":"1","message":"m"}', "{}"),
        ('{"code":"1","message":"m"}', '{"status":99999,"headers":{}}'),
        ('{"code":"1","message":"m"}', '{"status":200,"headers":{"a":"b\\nc"}}'),
    ],
)
def test_a_raise_in_another_form(message: str, detail: str | None) -> None:
    error = DatabaseError("PGRST", message, detail)
    response = ask("GET", "/clients", database=Scripted(error=error))
    assert (response.status, error_of(response)["code"]) == (500, "PGRST121")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DatabaseUnavailable("gone"), 503, "PGRST000"),
        (PoolTimeout("full"), 504, "PGRST003"),
        (BackstayError("odd"), 500, "PGRSTX00"),
        (RuntimeError("odd"), 500, "PGRSTX00"),
    ],
)
def test_trouble_with_the_database(error: Exception, status: int, code: str) -> None:
    response = ask("GET", "/clients", database=Scripted(error=error))
    assert (response.status, error_of(response)["code"]) == (status, code)
    assert (header(response, "retry-after") is not None) == (status == 503)


def test_errors_can_be_brief() -> None:
    settings = RestSettings(db_anon_role="anon", client_error_verbosity="minimal")
    assert set(error_of(ask("GET", "/client", settings=settings))) == {"code", "message"}


# -- the catalog --------------------------------------------------------------------------------


def test_before_the_first_catalog() -> None:
    one = RestService(Scripted(), FixedSource(None))
    response = asyncio.run(one(request("GET", "/clients")))
    assert (response.status, error_of(response)["code"]) == (503, "PGRST002")
    assert header(response, "retry-after") is not None


def test_a_miss_looks_again_once() -> None:
    source = FixedSource(snapshot(catalog=Catalog(1)), later=snapshot())
    one = RestService(Scripted(), source)
    assert asyncio.run(one(request("GET", "/clients"))).status == 200
    assert asyncio.run(one(request("GET", "/nothing"))).status == 404
    assert source.looks == 2


# -- OPTIONS and extras -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "allow"),
    [
        ("/", "OPTIONS,GET,HEAD"),
        ("/clients", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        ("/rpc/reset", "OPTIONS,POST"),
        ("/rpc/add_them?a=1", "OPTIONS,GET,HEAD,POST"),
    ],
)
def test_options(target: str, allow: str) -> None:
    response = ask("OPTIONS", target)
    assert (response.status, header(response, "allow")) == (200, allow)


def test_options_of_what_is_not_there() -> None:
    assert ask("OPTIONS", "/nothing").status == 404


def test_timing_and_tracing() -> None:
    settings = RestSettings(
        db_anon_role="anon", server_timing_enabled=True, server_trace_header="X-Request-Id"
    )
    response = ask("GET", "/clients", {"x-request-id": "7"}, settings=settings)
    timing = header(response, "server-timing") or ""
    assert [part.partition(";")[0] for part in timing.split(", ")] == [
        "jwt",
        "parse",
        "plan",
        "transaction",
        "response",
    ]
    assert header(response, "x-request-id") == "7"
    assert header(ask("GET", "/no", settings=settings), "x-request-id") == ""


def test_a_legacy_name_is_warned_of_or_refused() -> None:
    target = "/clients?select=all:projects(id)&projects.id=eq.1"
    assert "Update `projects` to `all`" in (header(ask("GET", target), "warning") or "")
    strict = RestSettings(db_anon_role="anon", url_use_legacy_target_names=False)
    refused = error_of(ask("GET", target, settings=strict))
    assert refused["hint"] == "Change 'projects' to 'all' in filters, orders or limits."


# -- functions ----------------------------------------------------------------------------------


def test_arguments_of_a_get() -> None:
    database = Scripted()
    ask("GET", "/rpc/add_them?a=1&b=2", database=database)
    assert database.last.params == ("1", "2")
    assert '"a" := $1::integer, "b" := $2::integer' in database.last.sql
    assert database.session.read_only


def test_variadic_arguments() -> None:
    database = Scripted()
    ask("GET", "/rpc/all_of?v=1&v=x%22y", database=database)
    assert database.last.params == ('{"1","x\\"y"}',)
    assert 'VARIADIC "v" := $1::text[]' in database.last.sql


def test_a_whole_body_as_one_argument() -> None:
    database = Scripted()
    ask("POST", "/rpc/take_json", JSON, b'{"any": [1]}', database=database)
    assert (database.last.params, "($1::json)" in database.last.sql) == ((b'{"any": [1]}',), True)
    binary = {"content-type": "application/octet-stream"}
    ask("POST", "/rpc/take_bytes", binary, b"\0\xff", database=database)
    assert database.last.params == (b"\\x00ff",)


def test_volatility_decides_whether_a_post_may_write() -> None:
    database = Scripted()
    ask("POST", "/rpc/some_clients", JSON, b"{}", database=database)
    assert database.session.read_only
    ask("POST", "/rpc/reset", JSON, b"{}", database=database)
    assert not database.session.read_only


def test_a_large_body_does_not_keep_others_waiting() -> None:
    one = service(Scripted())
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    async def run() -> int:
        ticking = asyncio.create_task(tick())
        body = b"no\n" + b"x\n" * 400_000
        response = await one(
            request("POST", "/clients", body=body, headers={"content-type": "text/csv"})
        )
        ticking.cancel()
        return response.status

    assert (asyncio.run(run()), ticks > 3) == (400, True)
