"""A small catalog, a database that answers without one, and requests to a service over both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backstay import web
from backstay.catalog.model import (
    Catalog,
    Column,
    ForeignKey,
    Junction,
    Name,
    Parameter,
    Representation,
    Routine,
    Snapshot,
    Table,
)
from backstay.config.rest import RestExtensions, RestSettings
from backstay.db.model import Isolation, Query, Result, Row, Session
from backstay.rest.service import RestService
from backstay.tokens.model import Claims, TokenError


def table(
    name: str, *columns: str, key: tuple[str, ...] = ("id",), types: Mapping[str, str] | None = None
) -> Table:
    kinds = types or {}
    made = {
        column: Column(
            column,
            kinds.get(column, "text"),
            kinds.get(column, "text"),
            default="now()" if column == "made_at" else None,
        )
        for column in columns
    }
    return Table(Name("public", name), False, True, True, True, key, made)


def foreign_keys(
    child: str, column: str, parent: str
) -> dict[tuple[Name, str], tuple[ForeignKey, ...]]:
    """A foreign key as both sides see it."""
    one, other = Name("public", child), Name("public", parent)
    constraint = f"{child}_{column}_fkey"
    return {
        (one, "public"): (ForeignKey(one, other, "many-to-one", constraint, ((column, "id"),)),),
        (other, "public"): (ForeignKey(other, one, "one-to-many", constraint, (("id", column),)),),
    }


CLIENTS, PROJECTS, TAGS = (Name("public", n) for n in ("clients", "projects", "tags"))

_TO_TAGS = ForeignKey(
    PROJECTS,
    TAGS,
    "many-to-many",
    "",
    (),
    junction=Junction(
        Name("public", "project_tags"),
        "project_tags_project_id_fkey",
        "project_tags_tag_id_fkey",
        (("id", "project_id"),),
        (("id", "tag_id"),),
    ),
)


def _relationships() -> dict[tuple[Name, str], tuple[ForeignKey, ...]]:
    found = foreign_keys("projects", "client_id", "clients")
    found[PROJECTS, "public"] += (_TO_TAGS,)
    return found


INTEGER = Name("pg_catalog", "int4")


def routine(name: str, *parameters: Parameter, returns: Name = INTEGER, **more: object) -> Routine:
    values: dict[str, object] = {
        "returns_set": False,
        "returns_composite": False,
        "returns_composite_alias": False,
        "volatility": "volatile",
        "has_variadic": any(parameter.variadic for parameter in parameters),
        **more,
    }
    return Routine(Name("public", name), parameters, returns, **values)  # type: ignore[arg-type]


def parameter(
    name: str, kind: str = "integer", *, required: bool = True, variadic: bool = False
) -> Parameter:
    return Parameter(name, kind, kind, required, variadic)


ROUTINES = (
    routine("add_them", parameter("a"), parameter("b", required=False), volatility="immutable"),
    routine("all_of", parameter("v", "text[]", variadic=True)),
    routine("reset", returns=Name("pg_catalog", "void")),
    routine("take_json", parameter("", "json"), returns=Name("pg_catalog", "json")),
    routine("take_bytes", parameter("", "bytea"), returns=Name("pg_catalog", "bytea")),
    routine(
        "some_clients",
        returns=CLIENTS,
        returns_set=True,
        returns_composite=True,
        volatility="stable",
    ),
)

CATALOG = Catalog(
    version=1,
    tables={
        CLIENTS: table(
            "clients",
            "id",
            "name",
            "data",
            "doc",
            "made_at",
            types={"data": "jsonb", "doc": "tsvector"},
        ),
        PROJECTS: table("projects", "id", "name", "client_id"),
        TAGS: table("tags", "id", "label", "colour", types={"colour": "public.colour"}),
    },
    relationships=_relationships(),
    routines={one.id: (one,) for one in ROUTINES},
    representations={
        ("public.colour", "json"): Representation("public.colour", "json", "public.to_json"),
        ("json", "public.colour"): Representation("json", "public.colour", "public.from_json"),
        ("text", "public.colour"): Representation("text", "public.colour", "public.from_text"),
    },
    role_settings={"authenticated": (("statement_timeout", "8s"),)},
)


class Verifier:
    """Accepts one token, and refuses another as expired."""

    def verify(self, token: str) -> Claims:
        if token == "good":
            return Claims('{"role":"authenticated","sub":"1"}', {"role": "authenticated"})
        if token == "no-role":
            return Claims('{"sub":"1"}', {"sub": "1"})
        raise TokenError("expired")


@dataclass
class FixedSource:
    """A source whose snapshot changes when it is looked at again, if there is another."""

    snapshot: Snapshot | None
    later: Snapshot | None = None
    looks: int = 0

    @property
    def current(self) -> Snapshot | None:
        return self.snapshot

    async def look_again(self) -> bool:
        self.looks += 1
        if self.later is None:
            return False
        self.snapshot, self.later = self.later, None
        return True


READ: Row = (None, b"1", b'[{"id":1}]', None, None)


def written(
    body: bytes = b"", *, inserted: bytes | None = None, location: bytes | None = None
) -> Row:
    """What a write of one row answers."""
    return (b"", b"1", location, body, None, None, inserted)


@dataclass
class Scripted:
    """A database that answers every statement with the same row, and remembers what it was asked."""

    row: Row | None = None
    error: Exception | None = None
    asked: list[tuple[Session, tuple[Query, ...]]] = field(default_factory=list)
    isolation: Isolation = ""
    rolled_back: bool = False

    async def run(self, session: Session, query: Query) -> Result:
        self.asked.append((session, (query,)))
        return self._result(query)

    async def run_all(
        self,
        session: Session,
        queries: Sequence[Query],
        *,
        isolation: Isolation = "",
        rollback: bool = False,
    ) -> list[Result]:
        self.asked.append((session, tuple(queries)))
        self.isolation, self.rolled_back = isolation, rollback
        return [self._result(query) for query in queries]

    def _result(self, query: Query) -> Result:
        if self.error is not None:
            raise self.error
        return Result([self.row or (written() if "AS location" in query.sql else READ)])

    @property
    def last(self) -> Query:
        return self.asked[-1][1][0]

    @property
    def session(self) -> Session:
        return self.asked[-1][0]


SETTINGS = RestSettings(db_anon_role="anon")


def snapshot(settings: RestSettings = SETTINGS, catalog: Catalog = CATALOG) -> Snapshot:
    return Snapshot(catalog, settings, Verifier())


def service(
    database: Scripted,
    settings: RestSettings = SETTINGS,
    *,
    catalog: Catalog = CATALOG,
    extensions: RestExtensions | None = None,
) -> RestService:
    return RestService(database, FixedSource(snapshot(settings, catalog)), extensions=extensions)


def request(
    method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> web.Request:
    path, _, query = target.partition("?")
    return web.Request(method, path, query, dict(headers or {}), web.bytes_body(body))


def header(response: web.Response, name: str) -> str | None:
    """A header's value; None when it is not there. It must not be there twice."""
    found = [value for key, value in response.headers if key.lower() == name.lower()]
    assert len(found) <= 1, found
    return found[0] if found else None
