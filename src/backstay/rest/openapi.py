"""The document at the root path: what the caller may use of a schema, as OpenAPI.

https://docs.postgrest.org/en/stable/references/api/openapi.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import orjson

from backstay.catalog import accessible
from backstay.catalog.model import Name, Routine, Snapshot, Table
from backstay.db.model import Query, Result, Session
from backstay.rest import openapi_2, openapi_31

Version = Literal["2.0", "3.1"]


class Runner(Protocol):
    """The part of the pool a document needs."""

    async def run_all(self, session: Session, queries: Sequence[Query]) -> list[Result]: ...


async def document(
    pool: Runner, session: Session, snapshot: Snapshot, schema: str, *, openapi: Version = "2.0"
) -> bytes | None:
    """The document of ``schema`` as JSON, or None where ``openapi-mode`` is disabled.

    ``session`` is the caller's, with the search path of a request: under ``follow-privileges`` the
    database says what its role may see. One round trip; raises what the pool raises.
    """
    settings = snapshot.settings
    if settings.openapi_mode == "disabled":
        return None
    tables = [table for name, table in snapshot.catalog.tables.items() if name.schema == schema]
    routines = dict(snapshot.catalog.routines)
    comment = accessible.comment_query(schema)
    if settings.openapi_mode == "follow-privileges":
        *found, last = await pool.run_all(session, [*accessible.queries(schema), comment])
        visible = accessible.build(found, settings.db_hoisted_tx_settings)
        tables = [table for table in tables if table.id.name in visible.tables]
        routines = visible.routines
    else:
        (last,) = await pool.run_all(session, [comment])
    # In a thread: the document of a thousand tables would hold up other requests.
    return await asyncio.to_thread(
        _write, snapshot, tables, routines, schema, accessible.comment(last), openapi
    )


def _write(
    snapshot: Snapshot,
    tables: Sequence[Table],
    routines: Mapping[Name, Sequence[Routine]],
    schema: str,
    comment: str | None,
    version: Version,
) -> bytes:
    names = sorted(name for name in routines if name.schema == schema)
    described = openapi_2.describe(
        snapshot,
        sorted(tables, key=lambda table: table.id),
        [routine for name in names for routine in routines[name]],
        comment,
    )
    return orjson.dumps(openapi_31.convert(described) if version == "3.1" else described)
