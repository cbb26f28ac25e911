"""Hooks: functions of the project's database that the service asks before it acts.

A hook is ``pg-functions://postgres/SCHEMA/FUNCTION``; it takes and returns jsonb, runs as
supabase_auth_admin with two seconds to answer, and refuses with
``{"error": {"http_code": 403, "message": "…"}}``.
https://supabase.com/docs/guides/auth/auth-hooks
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from backstay.auth.errors import AuthError, Code, internal
from backstay.auth.times import wire
from backstay.config.auth import HookSettings
from backstay.db.model import DatabaseError, Query, Transaction
from backstay.db.quote import quote_ident

TIMEOUT_MS: Final = 2000


def metadata(name: str, ip: str, now: datetime) -> dict[str, Any]:
    """The member ``metadata`` of every hook's input."""
    known = {"uuid": str(uuid.uuid4()), "time": wire(now), "name": name}
    return known | ({"ip_address": ip} if ip else {})


async def call(tx: Transaction, hook: HookSettings, event: Mapping[str, Any]) -> dict[str, Any]:
    """What the hook answers to ``event``, inside the transaction ``tx``.

    Raises ``AuthError``: the hook's own refusal with its status, or 500 when it cannot be run.
    """
    failed = internal(f"Error running hook URI: {hook.uri}")
    function = _function(hook.uri)
    if function is None:
        raise failed
    try:
        results = await tx.run_all(
            (
                Query(f"set local statement_timeout to {TIMEOUT_MS}"),
                Query(f"select {function}($1)", (json.dumps(event, ensure_ascii=False),)),
                Query("set local statement_timeout to default"),
            )
        )
    except DatabaseError as error:
        raise failed from error
    answer = results[1].rows[0][0]
    return _read(answer) if answer is not None else {}


def _function(uri: str) -> str | None:
    """The quoted name of the function, or None for another transport."""
    parts = urlsplit(uri)
    names = [unquote(name) for name in parts.path.split("/")[1:]]
    if parts.scheme != "pg-functions" or len(names) != 2 or not all(names):
        return None
    return ".".join(quote_ident(name) for name in names)


def _read(answer: bytes) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except ValueError as error:
        raise internal("Error unmarshaling JSON output.") from error
    if not isinstance(document, dict):
        raise internal("Error unmarshaling JSON output.")
    refusal = document.get("error")
    if isinstance(refusal, dict) and refusal.get("message"):
        raise _refusal(refusal)
    return document


def _refusal(refusal: Mapping[str, Any]) -> AuthError:
    code = refusal.get("http_code")
    status = code if isinstance(code, int) and 400 <= code <= 599 else 500
    name = Code.UNEXPECTED_FAILURE if status == 500 else Code.UNKNOWN
    return AuthError(status, name, str(refusal["message"]))
