"""The settings of the REST service: PostgREST's, under PostgREST's names.

https://docs.postgrest.org/en/stable/references/configuration.html. Read from ``PGRST_*`` by
``backstay rest``, made from ``[api]`` of config.toml for a project, and changed at run time by
``ALTER ROLE authenticator SET pgrst.*`` (in-database configuration).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backstay.config.declare import setting
from backstay.config.duration import seconds
from backstay.config.values import parse_positive

OpenApiMode = Literal["follow-privileges", "ignore-privileges", "disabled"]
TxEnd = Literal["commit", "commit-allow-override", "rollback", "rollback-allow-override"]

HOISTED = ("statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestSettings:
    """One field per PostgREST setting; ``db_schemas`` is never empty, its first is the default."""

    app_settings: tuple[tuple[str, str], ...] = setting((), "app.settings.* set in every request.")
    client_error_verbosity: Literal["verbose", "minimal"] = setting(
        "verbose", "minimal leaves details and hint out of errors."
    )
    db_aggregates_enabled: bool = setting(False, "Allow avg(), count(), max(), min(), sum().")
    db_anon_role: str = setting("", "Role of requests without a token; empty refuses them.")
    db_channel: str = setting("pgrst", "NOTIFY channel for reloads.")
    db_channel_enabled: bool = setting(True, "Listen on db-channel.")
    db_config: bool = setting(True, "Read pgrst.* settings of the authenticator role.")
    db_extra_search_path: tuple[str, ...] = setting(("public",), "Schemas after the request's own.")
    db_hoisted_tx_settings: tuple[str, ...] = setting(HOISTED, "Function settings hoisted.")
    db_max_rows: int | None = setting(None, "Rows a read, function or embed returns at most.")
    db_plan_enabled: bool = setting(False, "Allow application/vnd.pgrst.plan.")
    db_pool: int = setting(10, "Connections kept to the database.")
    db_pool_acquisition_timeout: int = setting(10, "Seconds to wait for a connection.")
    db_pool_max_lifetime: int = setting(1800, "Seconds a connection lives.")
    db_pool_max_idletime: int = setting(30, "Seconds an idle connection is kept.")
    db_pool_automatic_recovery: bool = setting(True, "False exits when the database is lost.")
    db_pre_config: str = setting("", "Function that sets pgrst.* before configuration is read.")
    db_pre_request: str = setting("", "Function called before the main query.")
    db_prepared_statements: bool = setting(True, "False behind a transaction pooler.")
    db_root_spec: str = setting("", "Function that answers the root path.")
    db_schemas: tuple[str, ...] = setting(("public",), "Schemas exposed; the first is the default.")
    db_tx_end: TxEnd = setting("commit", "How a transaction ends, and whether Prefer: tx may say.")
    db_uri: str = setting("postgresql://", "Where the database is.", secret=True)
    jwt_aud: str = setting("", "Audience a token must have.")
    jwt_cache_max_entries: int = setting(1000, "Verified tokens remembered; 0 disables.")
    jwt_role_claim_key: str = setting("$.role", "JSON path of the role in the claims.")
    jwt_secret: str = setting("", "Secret, JWK or JWK set that verifies tokens.", secret=True)
    jwt_secret_is_base64: bool = setting(False, "The secret is base64.")
    log_level: Literal["crit", "error", "warn", "info", "debug"] = setting("error", "Log level.")
    log_query: bool = setting(False, "Log each SQL query.")
    openapi_mode: OpenApiMode = setting("follow-privileges", "What the root document lists.")
    openapi_security_active: bool = setting(False, "Add security definitions to the document.")
    openapi_server_proxy_uri: str = setting("", "Public base URL shown in the document.")
    server_cors_allowed_origins: tuple[str, ...] = setting((), "Origins allowed; empty means any.")
    server_host: str = setting("!4", "Address to listen on.")
    server_port: int = setting(3000, "Port to listen on.")
    server_reuseport: bool = setting(False, "Share the port with other processes.")
    server_timing_enabled: bool = setting(False, "Send Server-Timing.")
    server_trace_header: str = setting("", "Request header echoed in the response.")
    server_unix_socket: str = setting("", "Unix socket to listen on instead of a port.")
    server_unix_socket_mode: str = setting("660", "Octal file mode of the unix socket.")
    url_use_legacy_target_names: bool = setting(True, "Filters may name table, not alias.")
    admin_server_host: str = setting("!4", "Address of the admin server.")
    admin_server_port: int | None = setting(None, "Port of the admin server.")
    admin_server_unix_socket: str = setting("", "Unix socket of the admin server.")
    admin_server_unix_socket_mode: str = setting("660", "Octal file mode of that socket.")
    internal_schema_cache_query_sleep: int | None = setting(None, "Test aid: ms to sleep.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestExtensions:
    """``[backstay.rest]``: what backstay offers beyond PostgREST. All off unless a project asks."""

    representation_by_default: tuple[str, ...] = setting(
        (), "Methods (POST, PATCH, DELETE) that answer with rows when no Prefer: return is sent."
    )
    distinct: bool = setting(False, "Reads take distinct=true and distinct=column,….")
    batch: bool = setting(False, "POST /batch runs a list of requests in one transaction.")
    batch_limit: int = setting(100, "Requests a batch may hold.", parse=parse_positive)
    nested_inserts: bool = setting(
        False, "An inserted object may hold rows of related tables under their embedded name."
    )
    idempotency: bool = setting(False, "Writes with an Idempotency-Key are done once.")
    idempotency_expiry: float = setting(
        86400.0, "Seconds for which the reply to an Idempotency-Key is kept.", parse=seconds
    )
    query_by_post: bool = setting(
        False, "POST with X-HTTP-Method-Override: GET is a read with its query in the body."
    )
