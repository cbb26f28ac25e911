"""The root path: the description of everything the caller may use.

https://docs.postgrest.org/en/stable/references/api/openapi.html
"""

from __future__ import annotations

from typing import Protocol

from backstay.catalog.model import Snapshot
from backstay.db.model import Session
from backstay.rest import errors, media
from backstay.rest.auth import Caller
from backstay.rest.execute import Database, make_session
from backstay.rest.intent import ApiRequest
from backstay.rest.openapi import Runner, Version
from backstay.rest.respond import VARY
from backstay.web import Header, Request, Response

OPENAPI_31 = "application/vnd.oai.openapi+json"
"""Asked for by this name, the document is OpenAPI 3.1 instead of 2.0."""

_ACCEPTABLE = (media.OPENAPI, media.JSON, media.ANY)


class Document(Protocol):
    """Writes the document of a schema, as the caller of ``session`` may see it."""

    async def __call__(
        self,
        pool: Runner,
        session: Session,
        snapshot: Snapshot,
        schema: str,
        *,
        openapi: Version = "2.0",
    ) -> bytes | None: ...


async def answer_root(
    write: Document,
    pool: Database,
    snapshot: Snapshot,
    caller: Caller,
    asked: ApiRequest,
    request: Request,
) -> Response:
    """The OpenAPI document. Raises ``RestError`` PGRST107, and what the pool raises."""
    newer = any(accepted.name.startswith(OPENAPI_31) for accepted in asked.accept)
    if not newer and not any(accepted in _ACCEPTABLE for accepted in asked.accept):
        raise errors.not_acceptable(asked.accept)
    headers: list[Header] = [
        ("Content-Type", OPENAPI_31 if newer else media.OPENAPI.content_type),
        VARY,
    ]
    if asked.negotiated:
        headers.append(("Content-Profile", asked.schema))
    session = make_session(snapshot, caller, asked, None, request.path, request.headers)
    found = await write(pool, session, snapshot, asked.schema, openapi="3.1" if newer else "2.0")
    if found is None:
        raise errors.root_disabled()
    return Response(200, headers, b"" if asked.head else found)
