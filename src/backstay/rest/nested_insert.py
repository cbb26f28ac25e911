"""Carrying out a nested insert: each level one round trip, within one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import orjson

from backstay.catalog.model import Junction, Snapshot
from backstay.config.rest import RestSettings
from backstay.db.model import Isolation, Query, Session
from backstay.rest import errors
from backstay.rest.auth import Caller
from backstay.rest.columns import Columns
from backstay.rest.execute import (
    Database,
    Outcome,
    Prepared,
    execute,
    isolation_of,
    make_session,
    pre_request,
    rolls_back,
)
from backstay.rest.guc import override_headers, override_status
from backstay.rest.intent import ApiRequest, Field, Filter, Group, OrderTerm
from backstay.rest.nested import Link, Rows, Tree
from backstay.rest.plan import make_plan
from backstay.rest.planned import Plan
from backstay.rest.preferences import applied
from backstay.rest.ranges import ALL, content_range
from backstay.rest.respond import VARY
from backstay.rest.sql_nested import insert_query
from backstay.rest.statements import write_statement
from backstay.rest.transaction import one_transaction
from backstay.web import Header, Request, Response

_CHECK_NOW = Query("set constraints all immediate")
_SETTINGS = Query(
    "select nullif(current_setting('response.headers', true), ''),"
    " nullif(current_setting('response.status', true), '')"
)


@dataclass(frozen=True, slots=True)
class _Run:
    """A nested insert under way."""

    database: Database
    session: Session
    snapshot: Snapshot
    isolation: Isolation

    async def all(self, queries: list[Query], *, rollback: bool = False) -> list[list[list[str]]]:
        """The rows of each query as text; what is NULL is empty."""
        results = await self.database.run_all(
            self.session, queries, isolation=self.isolation, rollback=rollback
        )
        return [
            [[(value or b"").decode() for value in row] for row in result.rows]
            for result in results
        ]


async def insert(
    tree: Tree,
    database: Database,
    snapshot: Snapshot,
    caller: Caller,
    request: Request,
    headers: Mapping[str, str],
) -> Response:
    """Insert the rows and answer as an insert does. Raises ``RestError``, ``DatabaseError``."""
    asked, settings = tree.request, snapshot.settings
    session = make_session(snapshot, caller, asked, None, request.path, headers)
    session = session._replace(read_only=False)
    level = isolation_of(None, snapshot.catalog, session.role)
    wanted = _wanted(tree, snapshot)
    shown = (
        _reading(tree, snapshot) if asked.preferences.representation == "representation" else None
    )
    async with one_transaction(database) as transaction:
        run = _Run(transaction, session, snapshot, level)
        if settings.db_pre_request:
            await run.all([pre_request(settings.db_pre_request)])
        await _insert(run, tree.root, wanted, returning=bool(wanted))
        if shown is None:
            outcome = await _settings(run)
        else:
            outcome = await _read(run, tree, shown)
        if rolls_back(asked, settings):
            await run.all([_CHECK_NOW], rollback=True)
        return _response(tree, outcome, shown, wanted)


async def _insert(run: _Run, rows: Rows, wanted: list[str], *, returning: bool = False) -> None:
    """Insert ``rows`` and all they are tied to; their ``wanted`` columns are known afterwards."""
    for link in rows.before:
        await _insert(run, link.rows, link.other_columns)
        for own, other in link.key.columns:
            for owner, values in zip(link.owners, link.rows.values, strict=True):
                rows.values[owner][own] = values[other]
            if other in link.rows.stored:
                rows.stored.add(own)
    needed = sorted({*wanted, *(own for link in rows.after for own in link.own_columns)})
    given = all(values.get(name) is not None for values in rows.values for name in needed)
    if returning or not given:
        await _insert_each(run, rows, needed)
    else:
        await _insert_together(run, rows)
    for link in rows.after:
        if link.key.junction is not None:
            await _insert_joined(run, rows, link, link.key.junction)
            continue
        for own, other in link.key.columns:
            for owner, values in zip(link.owners, link.rows.values, strict=True):
                values[other] = rows.values[owner][own]
            if own in rows.stored:
                link.rows.stored.add(other)
        await _insert(run, link.rows, [])


async def _insert_joined(run: _Run, rows: Rows, link: Link, junction: Junction) -> None:
    """Rows on the other side of a junction, and the junction's own rows."""
    await _insert(run, link.rows, [column for column, _ in junction.target_columns])
    between = Rows(junction.table, [{} for _ in link.owners])
    for place, owner in enumerate(link.owners):
        for column, name in junction.source_columns:
            between.values[place][name] = rows.values[owner][column]
        for column, name in junction.target_columns:
            between.values[place][name] = link.rows.values[place][column]
    stored = [name for column, name in junction.source_columns if column in rows.stored]
    stored += [name for column, name in junction.target_columns if column in link.rows.stored]
    between.stored.update(stored)
    await _insert(run, between, [])


async def _insert_each(run: _Run, rows: Rows, needed: list[str]) -> None:
    """One statement a row, so that it is known whose columns come back."""
    columns = Columns(run.snapshot.catalog, rows.table)
    queries = [
        insert_query(columns, values.keys(), rows.stored, orjson.dumps(values), True, needed)
        for values in rows.values
    ]
    for values, found in zip(rows.values, await run.all(queries), strict=True):
        if not found:
            # A trigger did away with the row, and nothing can refer to it.
            raise errors.bad_nesting(f"A row of '{rows.table.name}' was not inserted.")
        values.update(zip(needed, found[0], strict=True))
    rows.stored.update(needed)


async def _insert_together(run: _Run, rows: Rows) -> None:
    """One statement for all rows that give the same columns."""
    columns = Columns(run.snapshot.catalog, rows.table)
    alike: dict[frozenset[str], list[object]] = {}
    for values in rows.values:
        alike.setdefault(frozenset(values), []).append(values)
    await run.all(
        [
            insert_query(columns, names, rows.stored, orjson.dumps(found), False, [])
            for names, found in alike.items()
        ]
    )


# -- the answer -------------------------------------------------------------------------------


def _wanted(tree: Tree, snapshot: Snapshot) -> list[str]:
    """The columns that find the inserted rows again, where they have to be found."""
    if tree.request.preferences.representation not in ("representation", "headers-only"):
        return []
    return list(snapshot.catalog.tables[tree.root.table].primary_key)


def _reading(tree: Tree, snapshot: Snapshot) -> Plan:
    """A plan for showing the rows, made first: what cannot be shown is not inserted."""
    keys = snapshot.catalog.tables[tree.root.table].primary_key
    if not keys:
        raise errors.bad_nesting(
            f"'{tree.root.table.name}' has no primary key, so that its rows cannot be shown."
        )
    settings = replace(snapshot.settings, db_max_rows=None)
    return make_plan(_read_request(tree, keys), snapshot.catalog, settings)


def _read_request(tree: Tree, keys: tuple[str, ...]) -> ApiRequest:
    """The read of the inserted rows, with what the request says of their embedded resources."""
    asked, query = tree.request, tree.request.query
    found = Group("or", tuple(_same(keys, values) for values in tree.root.values))
    order = tuple(OrderTerm(Field(name)) for name in keys)
    ordered = any(not path for path, _ in query.orders)
    return replace(
        asked,
        verb="read",
        method="GET",
        top_range=ALL,
        payload=None,
        preferences=replace(asked.preferences, count="", representation="", max_affected=None),
        query=replace(
            query,
            filters=tuple(each for each in query.filters if each[0]),
            logic=(*(each for each in query.logic if each[0]), ((), found)),
            orders=query.orders if ordered else (*query.orders, ((), order)),
            ranges={key: rows for key, rows in query.ranges.items() if key != "limit"},
        ),
    )


def _same(keys: tuple[str, ...], values: Mapping[str, object]) -> Group:
    return Group("and", tuple(Filter(Field(key), "eq", str(values.get(key, ""))) for key in keys))


async def _read(run: _Run, tree: Tree, plan: Plan) -> Outcome:
    """The inserted rows, as the caller may see them."""
    snapshot = run.snapshot
    keys = snapshot.catalog.tables[tree.root.table].primary_key
    asked = _read_request(tree, keys)
    settings: RestSettings = replace(snapshot.settings, db_max_rows=None, db_pre_request="")
    plan = make_plan(asked, snapshot.catalog, settings)
    prepared = Prepared(asked, plan, write_statement(plan, asked, None))
    catalog = snapshot.catalog
    return await execute(run.database, prepared, run.session, settings, catalog, (), b"")


async def _settings(run: _Run) -> Outcome:
    """What the database says of the answer, when no rows are shown."""
    ((found,),) = await run.all([_SETTINGS])
    headers, status = (text.encode() or None for text in found)
    return Outcome(b"", headers=headers, status=status)


def _response(tree: Tree, outcome: Outcome, shown: Plan | None, wanted: list[str]) -> Response:
    asked = tree.request
    preferences = asked.preferences
    headers: list[Header] = []
    if wanted and shown is None and len(tree.root.values) == 1:
        headers.append(("Location", _location(asked, tree.root, wanted)))
    total = len(tree.root.values) if preferences.counts else None
    headers.append(("Content-Range", content_range(1, 0, total)))
    if granted := applied(preferences, "insert", on_conflict=False):
        headers.append(("Preference-Applied", granted))
    if shown is not None:
        headers.append(("Content-Type", shown.media.content_type))
        if asked.negotiated:
            headers.append(("Content-Profile", asked.schema))
    headers = override_headers([*headers, VARY], outcome.headers)
    return Response(override_status(201, outcome.status), headers, outcome.body)


def _location(asked: ApiRequest, root: Rows, keys: list[str]) -> str:
    values = root.values[0]
    parts = (f"{quote(key, safe='')}=eq.{quote(str(values[key]), safe='')}" for key in keys)
    return f"/{quote(asked.target.name, safe='')}?{'&'.join(parts)}"
