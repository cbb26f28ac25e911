"""POST /token?grant_type=pkce: a code exchanged for a session, once.

https://supabase.com/docs/guides/auth/sessions/pkce-flow
"""

from __future__ import annotations

import json
from typing import Final

from backstay.auth import audit
from backstay.auth.errors import Code, invalid, not_found, unprocessable
from backstay.auth.issue import sign_in_within
from backstay.auth.kit import Call, Kit, database, first_user
from backstay.auth.model import NIL
from backstay.auth.one_time import check_verifier
from backstay.auth.times import after, read
from backstay.web import Response

LIFETIME: Final = 300
"""Seconds a code, or the flow it belongs to, can be exchanged."""


async def pkce_grant(kit: Kit, call: Call) -> Response:
    """The endpoint."""
    body = await call.body()
    code, verifier = body.text("auth_code"), body.text("code_verifier")
    if not code or not verifier:
        raise invalid("invalid request: both auth code and code verifier should be non-empty")
    missing = not_found(Code.FLOW_STATE_NOT_FOUND, "invalid flow state, no valid flow state found")
    with database("finding flow state"):
        async with kit.transaction() as tx:
            result = await tx.run(kit.statements("flow_by_code", code))
            flow = json.loads(bytes(result.rows[0][0] or b"null")) if result.rows else None
            if flow is None or flow["user_id"] in (None, NIL):
                raise missing
            began = flow["auth_code_issued_at"] if _by_link(flow) else flow["created_at"]
            if call.now > after(read(began), LIFETIME):
                message = "invalid flow state, flow state has expired"
                raise unprocessable(Code.FLOW_STATE_EXPIRED, message)
            check_verifier(flow["code_challenge"], flow["code_challenge_method"], verifier)
            user = first_user(await tx.run(kit.statements("user_by_id", flow["user_id"])))
            if user is None:
                raise missing
            used = kit.statements("delete_flow", flow["id"])
            login = audit.entry(kit, call, user, "login", provider_type=flow["provider_type"])
            method = flow["authentication_method"]
            answer = await sign_in_within(kit, call, tx, user.id, method, [used, login])
    return call.reply(answer)


def _by_link(flow: dict[str, str | None]) -> bool:
    """A link may be opened long after it was asked for; its code lives from then on."""
    return flow["authentication_method"] == "magiclink" and bool(flow["auth_code_issued_at"])
