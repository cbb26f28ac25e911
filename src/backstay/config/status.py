"""What ``status`` prints: the names, and the order, of the Supabase CLI.

Scripts evaluate them (``eval "$(backstay status -o env)"``), so the names are frozen.
https://supabase.com/docs/reference/cli/supabase-status
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """One value: the ``key`` that ``--override-name`` takes, its name, and what must be offered."""

    key: str
    name: str
    service: str = ""


NAMES: Final = (
    Name("api.url", "API_URL"),
    Name("api.rest_url", "REST_URL", "rest"),
    Name("api.graphql_url", "GRAPHQL_URL", "graphql"),
    Name("api.storage_s3_url", "STORAGE_S3_URL", "storage"),
    Name("api.mcp_url", "MCP_URL", "studio"),
    Name("api.functions_url", "FUNCTIONS_URL", "functions"),
    Name("db.url", "DB_URL"),
    Name("studio.url", "STUDIO_URL", "studio"),
    Name("inbucket.url", "INBUCKET_URL", "mail"),
    Name("mailpit.url", "MAILPIT_URL", "mail"),
    Name("auth.publishable_key", "PUBLISHABLE_KEY"),
    Name("auth.secret_key", "SECRET_KEY"),
    Name("auth.jwt_secret", "JWT_SECRET"),
    Name("auth.anon_key", "ANON_KEY"),
    Name("auth.service_role_key", "SERVICE_ROLE_KEY"),
    Name("storage.s3_access_key_id", "S3_PROTOCOL_ACCESS_KEY_ID", "storage"),
    Name("storage.s3_secret_access_key", "S3_PROTOCOL_ACCESS_KEY_SECRET", "storage"),
    Name("storage.s3_region", "S3_PROTOCOL_REGION", "storage"),
)

_PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api.url": "",
        "api.rest_url": "/rest/v1",
        "api.graphql_url": "/graphql/v1",
        "api.storage_s3_url": "/storage/v1/s3",
        "api.mcp_url": "/mcp",
        "api.functions_url": "/functions/v1",
    }
)
_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "auth.publishable_key": "publishable_key",
        "auth.secret_key": "secret_key",
        "auth.jwt_secret": "jwt_secret",
        "auth.anon_key": "anon_key",
        "auth.service_role_key": "service_role_key",
        "storage.s3_access_key_id": "s3_access_key",
        "storage.s3_secret_access_key": "s3_secret_key",
    }
)


def status_values(
    *,
    api_url: str,
    db_url: str,
    keys: Mapping[str, str],
    offered: Collection[str],
    urls: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Every value of a project by its name, in the CLI's order.

    ``keys`` has the names of ``ProjectKeys``; ``offered`` are the services being served ("rest",
    "graphql", "storage", "functions", "studio", "mail"); ``urls`` are addresses with a port of
    their own ("studio.url", "mailpit.url").
    """
    fixed = {"db.url": db_url, "storage.s3_region": "local", **urls}
    found: dict[str, str] = {}
    for name in NAMES:
        if name.service and name.service not in offered:
            continue
        if name.key in _PATHS:
            found[name.name] = api_url + _PATHS[name.key]
        elif name.key in _KEYS:
            found[name.name] = keys[_KEYS[name.key]]
        elif name.key in fixed:
            found[name.name] = fixed[name.key]
    return found
