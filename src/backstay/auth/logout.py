"""POST /logout: end sessions. Access tokens stay good until they expire.

https://supabase.com/docs/guides/auth/signout
"""

from __future__ import annotations

from backstay.auth import audit
from backstay.auth.bearer import require_user
from backstay.auth.errors import internal, invalid
from backstay.auth.kit import Call, Kit
from backstay.db.model import DatabaseError, Query
from backstay.web import Response


async def logout(kit: Kit, call: Call) -> Response:
    """The endpoint. ``scope``: global (all sessions of the user), local (this one) or others."""
    user = await require_user(kit, call)
    scope = call.query.get("scope") or "global"
    if scope not in ("global", "local", "others"):
        raise invalid(f'Unsupported logout scope "{scope}"')
    try:
        await kit.run_all((audit.entry(kit, call, user, "logout"), _ending(kit, call, scope)))
    except DatabaseError as error:
        raise internal("Error logging out user") from error
    return Response(204, tuple(call.headers))


def _ending(kit: Kit, call: Call, scope: str) -> Query:
    user, session = call.known(), call.session
    if session is not None and scope == "local":
        return kit.statements("end_session", session.id)
    if session is not None and scope == "others":
        return kit.statements("end_other_sessions", user.id, session.id)
    return kit.statements("end_all_sessions", user.id)
