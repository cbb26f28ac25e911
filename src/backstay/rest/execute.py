"""The one stage that does I/O: a plan's statement, as the caller, in one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol, cast

import orjson

from backstay.catalog.model import Catalog, Name, Snapshot
from backstay.config.rest import RestSettings
from backstay.db.model import Isolation, Query, Result, Session
from backstay.db.quote import quote_ident
from backstay.rest import errors, media, statements
from backstay.rest.auth import Caller
from backstay.rest.fragments import qualified
from backstay.rest.holes import SlotValue, fill
from backstay.rest.intent import ApiRequest
from backstay.rest.planned import Plan
from backstay.rest.ranges import Range, restricted
from backstay.rest.statements import Statement
from backstay.web import Header

_DEFERRED = Query("SET CONSTRAINTS ALL IMMEDIATE")
"""Before a rollback: what a commit would have refused is to be refused as well."""


class Database(Protocol):
    """What is needed of the pool: one round trip, one transaction."""

    async def run(self, session: Session, query: Query) -> Result: ...

    async def run_all(
        self,
        session: Session,
        queries: Sequence[Query],
        *,
        isolation: Isolation = "",
        rollback: bool = False,
    ) -> list[Result]: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request, planned and written, ready for any values of its shape."""

    request: ApiRequest
    plan: Plan
    statement: Statement
    headers: tuple[Header, ...] = ()
    """The headers of every answer."""
    legacy_names: tuple[tuple[str, str], ...] = ()
    """Resources named by their relation in spite of an alias."""

    def with_rows(self, rows: Range) -> Prepared:
        """The same for a request that asks for other rows of the root."""
        if rows == self.request.top_range:
            return self
        return replace(self, request=replace(self.request, top_range=rows))


class Outcome(NamedTuple):
    """What the database answered. ``total`` None: not counted. ``location``: (column, filter)."""

    body: bytes
    page: int = 0
    total: int | None = None
    headers: bytes | None = None
    status: bytes | None = None
    inserted: int | None = None
    location: tuple[tuple[str, str], ...] = ()


async def execute(
    database: Database,
    prepared: Prepared,
    session: Session,
    settings: RestSettings,
    catalog: Catalog,
    values: Sequence[SlotValue | None],
    body: bytes,
) -> Outcome:
    """Run the statement. Raises ``RestError``, ``DatabaseError`` and its kin."""
    statement, plan = prepared.statement, prepared.plan
    rows = prepared.request.top_range
    if prepared.request.open_rows:
        rows = restricted(rows, settings.db_max_rows)
    main = Query(statement.text, fill(statement.holes, values, body, rows))
    isolation = isolation_of(plan, catalog, session.role)
    rollback = plan.kind != "read" and rolls_back(prepared.request, settings)
    if not (settings.db_pre_request or statement.estimate or isolation or rollback):
        return _outcome(prepared, await database.run(session, main), None, settings)
    queries = [main]
    if settings.db_pre_request:
        queries.insert(0, pre_request(settings.db_pre_request))
    place = len(queries) - 1
    if rollback:
        queries.append(_DEFERRED)
    if statement.estimate:
        text, holes = statement.estimate
        queries.append(Query(text, fill(holes, values, body)))
    results = await database.run_all(session, queries, isolation=isolation, rollback=rollback)
    estimate = results[-1] if statement.estimate else None
    return _outcome(prepared, results[place], estimate, settings)


def pre_request(function: str) -> Query:
    """The call of the function that ``db-pre-request`` names, possibly with its schema."""
    schema, dot, name = function.partition(".")
    return Query(f"select {qualified(Name(schema, name) if dot else Name('', schema))}()")


def isolation_of(plan: Plan | None, catalog: Catalog, role: str) -> Isolation:
    """The isolation the function that is called, or the role, asks for."""
    own = plan.call.routine.isolation if plan is not None and plan.call else ""
    level = (own or catalog.role_isolation.get(role, "")).lower()
    return cast("Isolation", level) if level in ("repeatable read", "serializable") else ""


def rolls_back(request: ApiRequest, settings: RestSettings) -> bool:
    """Whether a write is to be undone in the end, by preference or by setting."""
    wanted: Literal["commit", "rollback"] | str = request.preferences.tx
    return wanted == "rollback" or (
        settings.db_tx_end.startswith("rollback") and wanted != "commit"
    )


# -- the session ------------------------------------------------------------------------------


def make_session(
    snapshot: Snapshot,
    caller: Caller,
    request: ApiRequest,
    plan: Plan | None,
    path: str,
    headers: Mapping[str, str],
) -> Session:
    """Everything that is set for the transaction of a request.

    https://docs.postgrest.org/en/stable/references/transactions.html
    """
    settings, catalog = snapshot.settings, snapshot.catalog
    cookies = headers.get("cookie")
    sent = headers
    if cookies is not None:
        sent = {name: value for name, value in headers.items() if name != "cookie"}
    pairs: list[tuple[str, str]] = [
        ("request.jwt.claims", caller.claims),
        ("request.method", request.method),
        ("request.path", path),
        ("request.headers", _json(sent)),
        ("request.cookies", _cookies(cookies) if cookies else "{}"),
    ]
    if (zone := request.preferences.timezone) is not None:
        pairs.append(("timezone", zone))
    if plan is not None and plan.call is not None:
        pairs += plan.call.routine.settings
    pairs += settings.app_settings
    return Session(
        role=caller.role,
        search_path=_search_path(request.schema, settings.db_extra_search_path),
        settings=tuple(pairs),
        read_only=plan is None or plan.read_only,
        role_settings=catalog.role_settings.get(caller.role, ()),
    )


@lru_cache(maxsize=64)
def _search_path(schema: str, extra: tuple[str, ...]) -> str:
    return ", ".join([quote_ident(schema), *map(quote_ident, extra)])


def _cookies(header: str) -> str:
    """Cookies as a JSON object, a name's first value counting."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            found.setdefault(name, value)
    return _json(found)


def _json(pairs: Mapping[str, str]) -> str:
    """``pairs`` as JSON text; what is not UTF-8 in them becomes question marks."""
    try:
        return orjson.dumps(pairs).decode()
    except TypeError:
        return orjson.dumps({_clean(name): _clean(value) for name, value in pairs.items()}).decode()


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


# -- the result -------------------------------------------------------------------------------


def _outcome(
    prepared: Prepared, result: Result, estimate: Result | None, settings: RestSettings
) -> Outcome:
    if prepared.plan.media.plan is not None:
        return Outcome(b"".join((row[0] or b"") + b"\n" for row in result.rows))
    if not result.rows:
        return Outcome(b"", total=0 if prepared.plan.kind == "call" else None)
    row = result.rows[0]
    page = _number(row[statements.PAGE]) or 0
    if prepared.plan.read_only and media.is_singular(prepared.plan.media) and page != 1:
        raise errors.not_singular(page)
    total = _number(row[statements.TOTAL])
    limit = prepared.request.preferences.affected_limit
    calls = prepared.plan.read_only and prepared.plan.kind == "call"
    if calls and limit is not None and page > limit:
        raise errors.too_many_affected(page)
    writes = prepared.plan.kind == "write"
    body, headers, status, *more = row[3:] if writes else row[2:]
    return Outcome(
        body=_from_bytea(body) if prepared.statement.binary and more[-1] == b"t" else body or b"",
        page=page,
        total=total if estimate is None else _estimated(prepared, total, estimate, settings),
        headers=headers,
        status=status,
        inserted=_number(more[0]) if writes else None,
        location=_location(row[statements.LOCATION]) if writes else (),
    )


def _number(text: bytes | None) -> int | None:
    return int(text) if text else None


def _from_bytea(text: bytes | None) -> bytes:
    return bytes.fromhex(text[2:].decode("ascii")) if text else b""


def _location(text: bytes | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in orjson.loads(text)) if text else ()


def _estimated(
    prepared: Prepared, counted: int | None, estimate: Result, settings: RestSettings
) -> int | None:
    """The planner's number of rows; for ``estimated`` only above what could be counted."""
    plan = orjson.loads(estimate.rows[0][0] or b"[]")
    rows = int(plan[0]["Plan"]["Plan Rows"])
    if prepared.request.preferences.count == "planned" or counted is None:
        return rows
    limit = settings.db_max_rows
    return max(counted, rows) if limit is None or counted > limit else counted
