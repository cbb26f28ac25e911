"""Load the whole catalog in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

from backstay.catalog import (
    computed,
    constraints,
    media_handlers,
    relationships,
    representations,
    roles,
    routines,
    tables,
    views,
)
from backstay.catalog.model import Catalog
from backstay.catalog.rows import records, sql
from backstay.config.rest import RestSettings
from backstay.db.model import Query, Result, Session

SERVER_SQL = sql("server")
FINGERPRINT_SQL = sql("fingerprint")

# Without a search path PostgreSQL writes every name with its schema.
QUALIFIED = Session(settings=(("search_path", ""),), read_only=True)


class Runner(Protocol):
    """The part of the pool the catalog needs."""

    async def run(self, session: Session, query: Query) -> Result: ...

    async def run_all(self, session: Session, queries: Sequence[Query]) -> list[Result]: ...


async def load(pool: Runner, settings: RestSettings, version: int) -> Catalog:
    """Everything ``settings`` expose, as the login role sees it; one pipeline, one transaction.

    Raises what the pool raises: ``DatabaseError``, ``DatabaseUnavailable``, ``PoolTimeout``.
    """
    _, *results = await fetch(pool, settings)
    return build(results, settings, version)


def fingerprint() -> Query:
    """Its one value changes whenever the catalog may have changed."""
    return Query(FINGERPRINT_SQL)


async def fetch(pool: Runner, settings: RestSettings) -> list[Result]:
    """The fingerprint, taken first, and then the rows ``build`` turns into a catalog."""
    schemas = settings.db_schemas
    sleep = settings.internal_schema_cache_query_sleep
    first = [Query("select pg_sleep($1::int / 1000.0)", (str(sleep),))] if sleep else []
    results = await pool.run_all(
        QUALIFIED,
        [
            *first,
            fingerprint(),
            tables.query(schemas),
            constraints.query(),
            views.query(schemas, settings.db_extra_search_path),
            computed.query(),
            routines.query(schemas),
            representations.query(),
            media_handlers.query(schemas),
            roles.query(),
            Query(SERVER_SQL, prepare=False),
        ],
    )
    return results[len(first) :]


def build(results: Sequence[Result], settings: RestSettings, version: int) -> Catalog:
    """A catalog from what ``fetch`` gave after the fingerprint; pure."""
    tables_, keys, views_, computed_, routines_, casts, handlers, roles_, server = results
    found = constraints.build(keys)
    in_views = views.keys(views.build(views_), found)
    known = views.primary_keys(tables.build(tables_), in_views)
    role_settings = roles.build(roles_)
    return Catalog(
        version=version,
        tables=known,
        relationships=relationships.derive(
            known,
            constraints.foreign_keys(found),
            in_views,
            computed.build(computed_),
            settings.db_schemas,
        ),
        routines=routines.build(routines_, settings.db_hoisted_tx_settings),
        representations=representations.build(casts),
        media_handlers=media_handlers.build(handlers),
        role_settings=role_settings.settings if settings.db_config else {},
        role_isolation=role_settings.isolation if settings.db_config else {},
        server_version=next(records(server))[0],
    )


def digest(results: Sequence[Result]) -> bytes:
    """Equal for equal rows: whether loading again found anything new."""
    state = blake2b(digest_size=16)
    for result in results:
        for row in result.rows:
            for cell in row:
                state.update(b"\0" if cell is None else b"\1%d:" % len(cell) + cell)
        state.update(b"\2")
    return state.digest()
