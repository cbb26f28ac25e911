"""The path map of the public port: which prefix belongs to which service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Route:
    """A prefix of the public port.

    ``base`` is put before what follows the prefix. ``exact``: nothing may follow. ``rewrite_keys``:
    an API key becomes the ``Authorization`` the service reads. ``local``: answered only to clients
    on this machine. ``unlimited``: the service limits bodies by itself. ``headers`` are added.
    """

    service: str
    prefix: str
    base: str = ""
    exact: bool = False
    rewrite_keys: bool = True
    local: bool = False
    unlimited: bool = False
    headers: tuple[tuple[str, str], ...] = ()


_DISCOVERY: Final = "/.well-known/oauth-authorization-server"

ROUTES: Final = (
    Route("rest", "/rest/v1"),
    Route("auth", "/auth/v1"),
    Route("storage", "/storage/v1", unlimited=True),
    Route("realtime", "/realtime/v1"),
    Route("functions", "/functions/v1"),
    Route("rest-admin", "/rest-admin/v1", rewrite_keys=False, local=True),
    Route("analytics", "/analytics/v1", rewrite_keys=False, local=True),
    Route("pooler", "/pooler/v2", base="/v2", rewrite_keys=False),
)
"""Routes whose prefix is two segments long: found by one look-up."""

_SPECIAL: Final = (
    # These carry their own credentials, a browser follows them, or S3 has signed the header.
    Route("auth", "/auth/v1/verify", base="/verify", rewrite_keys=False),
    Route("auth", "/auth/v1/callback", base="/callback", rewrite_keys=False),
    Route("auth", "/auth/v1/authorize", base="/authorize", rewrite_keys=False),
    Route("storage", "/storage/v1/s3", base="/s3", rewrite_keys=False, unlimited=True),
    Route(
        "rest",
        "/graphql/v1",
        base="/rpc/graphql",
        exact=True,
        headers=(("content-profile", "graphql_public"),),
    ),
    Route("auth", _DISCOVERY, base=_DISCOVERY, exact=True, rewrite_keys=False),
    Route("pg-meta", "/pg", rewrite_keys=False, local=True),
    Route("mcp", "/mcp", exact=True, rewrite_keys=False, local=True),
)

_BY_PREFIX: Final = {route.prefix: route for route in ROUTES}
_SPECIAL_UNDER: Final = {
    route.prefix: tuple(s for s in _SPECIAL if s.prefix.startswith(route.prefix + "/"))
    for route in ROUTES
}


def find_route(path: str) -> tuple[Route, str] | None:
    """The route of ``path`` and the path its service sees; None when nothing is there."""
    end = path.find("/", path.find("/", 1) + 1)
    prefix = path if end < 0 else path[:end]
    route = _BY_PREFIX.get(prefix)
    special = _SPECIAL if route is None else _SPECIAL_UNDER[prefix]
    for candidate in special:
        if _is_under(path, candidate):
            return candidate, candidate.base + path[len(candidate.prefix) :]
    if route is None:
        return None
    return route, route.base + (path[end:] if end > 0 else "/")


def _is_under(path: str, route: Route) -> bool:
    if not path.startswith(route.prefix):
        return False
    rest = path[len(route.prefix) :]
    return rest in ("", "/") if route.exact else not rest or rest[0] == "/"
