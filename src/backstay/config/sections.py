"""The sections of config.toml other than ``[auth]``, under the Supabase CLI's names and defaults.

https://supabase.com/docs/guides/local-development/cli/config. Sizes are bytes, durations seconds.
A key that is read but not yet acted upon says so (``honoured=False``); ``backstay config`` lists
those that a file sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from backstay.config.declare import setting
from backstay.config.duration import seconds
from backstay.config.values import parse_count, parse_port, parse_size

MEBIBYTE = 1024 * 1024


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """``[api.tls]``"""

    enabled: bool = setting(False, "Serve HTTPS.", honoured=False)
    cert_path: str = setting("", "Certificate file, relative to supabase/.", honoured=False)
    key_path: str = setting("", "Its private key.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """``[api]``"""

    enabled: bool = setting(True, "Serve /rest/v1.")
    port: int = setting(54321, "Port of the API.", parse=parse_port)
    schemas: tuple[str, ...] = setting(
        ("public", "graphql_public"), "Schemas exposed; the first is the default."
    )
    extra_search_path: tuple[str, ...] = setting(
        ("public", "extensions"), "Schemas after the request's own."
    )
    max_rows: int = setting(
        1000, "Rows a read returns at most; 0 means no limit.", parse=parse_count
    )
    auto_expose_new_tables: bool | None = setting(
        None, "Whether new objects in public are granted to the API roles; unset means yes."
    )
    external_url: str = setting("", "Public base URL; default http://127.0.0.1:PORT.")
    tls: TlsSettings = setting(factory=TlsSettings, doc="HTTPS.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolerSettings:
    """``[db.pooler]``"""

    enabled: bool = setting(False, "Run a connection pooler.", honoured=False)
    port: int = setting(54329, "Its port.", honoured=False)
    pool_mode: Literal["transaction", "session"] = setting(
        "transaction", "When a connection is given back.", honoured=False
    )
    default_pool_size: int = setting(20, "Server connections per user.", honoured=False)
    max_client_conn: int = setting(100, "Client connections.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSettings:
    """``[db.migrations]``"""

    enabled: bool = setting(True, "Apply migrations on start and reset.")
    schema_paths: tuple[str, ...] = setting(
        (), "Declarative schema files, globs relative to supabase/.", honoured=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSettings:
    """``[db.seed]``"""

    enabled: bool = setting(True, "Run the seed files after the migrations.")
    sql_paths: tuple[str, ...] = setting(
        ("./seed.sql",), "Seed files in order, globs relative to supabase/."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseParameters:
    """``[db.settings]``: parameters of the PostgreSQL server, in postgresql.conf's own words."""

    effective_cache_size: str | None = setting(None, "Memory the planner assumes for caching.")
    logical_decoding_work_mem: str | None = setting(None, "Memory of a decoding session.")
    maintenance_work_mem: str | None = setting(None, "Memory of VACUUM and CREATE INDEX.")
    max_connections: int | None = setting(None, "Connections to the server.")
    max_locks_per_transaction: int | None = setting(None, "Size of the lock table.")
    max_parallel_maintenance_workers: int | None = setting(None, "Workers of one utility.")
    max_parallel_workers: int | None = setting(None, "Parallel workers in all.")
    max_parallel_workers_per_gather: int | None = setting(None, "Workers of one query node.")
    max_replication_slots: int | None = setting(None, "Replication slots.")
    max_slot_wal_keep_size: str | None = setting(None, "WAL kept for slots.")
    max_standby_archive_delay: str | None = setting(None, "Delay before queries are cancelled.")
    max_standby_streaming_delay: str | None = setting(None, "The same while streaming.")
    max_wal_size: str | None = setting(None, "WAL between checkpoints.")
    max_wal_senders: int | None = setting(None, "Replication connections.")
    max_worker_processes: int | None = setting(None, "Background processes.")
    session_replication_role: Literal["origin", "replica", "local"] | None = setting(
        None, "Which triggers fire."
    )
    shared_buffers: str | None = setting(None, "Shared memory for pages.")
    statement_timeout: str | None = setting(None, "Longest a statement may run.")
    track_activity_query_size: str | None = setting(None, "Bytes of query text shown.")
    track_commit_timestamp: bool | None = setting(None, "Record commit times.")
    wal_keep_size: str | None = setting(None, "WAL kept for standbys.")
    wal_sender_timeout: str | None = setting(None, "When a silent standby is dropped.")
    work_mem: str | None = setting(None, "Memory of a sort or hash.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRestrictions:
    """``[db.network_restrictions]``"""

    enabled: bool = setting(False, "Restrict who may connect.", honoured=False)
    allowed_cidrs: tuple[str, ...] = setting(("0.0.0.0/0",), "IPv4 blocks.", honoured=False)
    allowed_cidrs_v6: tuple[str, ...] = setting(("::/0",), "IPv6 blocks.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SslEnforcement:
    """``[db.ssl_enforcement]``"""

    enabled: bool = setting(False, "Refuse plain connections.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """``[db]``"""

    port: int = setting(
        54322, "Port of PostgreSQL; the next free one when it is taken.", parse=parse_port
    )
    shadow_port: int = setting(54320, "Port of the shadow database.", honoured=False)
    health_timeout: float = setting(
        120.0, "Seconds the database may take to start.", parse=seconds, honoured=False
    )
    major_version: int = setting(
        17, "Version of the hosted database; backstay runs PostgreSQL 18.", honoured=False
    )
    root_key: str = setting("", "Key that encrypts the vault.", secret=True, honoured=False)
    pooler: PoolerSettings = setting(factory=PoolerSettings, doc="Connection pooler.")
    migrations: MigrationSettings = setting(factory=MigrationSettings, doc="Migrations.")
    seed: SeedSettings = setting(factory=SeedSettings, doc="Seeds.")
    settings: DatabaseParameters = setting(factory=DatabaseParameters, doc="Server parameters.")
    vault: Mapping[str, str] = setting(
        factory=_nothing, doc="Secrets put into the vault, by name.", secret=True, honoured=False
    )
    network_restrictions: NetworkRestrictions = setting(
        factory=NetworkRestrictions, doc="Who may connect."
    )
    ssl_enforcement: SslEnforcement = setting(factory=SslEnforcement, doc="TLS to the database.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSettings:
    """``[realtime]``"""

    enabled: bool = setting(True, "Serve /realtime/v1.", honoured=False)
    ip_version: Literal["IPv4", "IPv6"] = setting("IPv4", "Address family.", honoured=False)
    max_header_length: int = setting(4096, "Bytes of request headers.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioSettings:
    """``[studio]``"""

    enabled: bool = setting(True, "Serve the dashboard.", honoured=False)
    port: int = setting(54323, "Its port.", honoured=False)
    api_url: str = setting("http://127.0.0.1", "API the browser calls.", honoured=False)
    openai_api_key: str = setting("", "Key of the assistant.", secret=True, honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InbucketSettings:
    """``[inbucket]``: the inbox that catches mail."""

    enabled: bool = setting(True, "Catch mail.", honoured=False)
    port: int = setting(54324, "Port of its pages.", honoured=False)
    smtp_port: int = setting(0, "Port it takes mail on; 0 means none.", honoured=False)
    pop3_port: int = setting(0, "Port it gives mail on; 0 means none.", honoured=False)
    admin_email: str = setting("admin@email.com", "Sender address.", honoured=False)
    sender_name: str = setting("Admin", "Sender name.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSettings:
    """``[storage.buckets.<name>]``"""

    public: bool = setting(False, "Anyone may read its objects.", honoured=False)
    file_size_limit: int = setting(
        0, "Bytes of an object; 0 means the service's limit.", parse=parse_size, honoured=False
    )
    allowed_mime_types: tuple[str, ...] = setting((), "MIME types taken.", honoured=False)
    objects_path: str = setting("", "Folder of objects to upload.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAnalytics:
    """``[storage.analytics]``"""

    enabled: bool = setting(False, "Offer Iceberg catalogs.", honoured=False)
    max_namespaces: int = setting(5, "Namespaces.", honoured=False)
    max_tables: int = setting(10, "Tables.", honoured=False)
    max_catalogs: int = setting(2, "Catalogs.", honoured=False)
    buckets: Mapping[str, Any] = setting(factory=_nothing, doc="Buckets by name.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageVector:
    """``[storage.vector]``"""

    enabled: bool = setting(False, "Offer vector buckets.", honoured=False)
    max_buckets: int = setting(10, "Buckets.", honoured=False)
    max_indexes: int = setting(5, "Indexes.", honoured=False)
    buckets: Mapping[str, Any] = setting(factory=_nothing, doc="Buckets by name.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Protocol:
    """``[storage.s3_protocol]``"""

    enabled: bool = setting(True, "Serve the S3 protocol.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTransformation:
    """``[storage.image_transformation]``"""

    enabled: bool = setting(False, "Resize images.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """``[storage]``"""

    enabled: bool = setting(True, "Serve /storage/v1.", honoured=False)
    file_size_limit: int = setting(
        50 * MEBIBYTE, "Bytes of an object.", parse=parse_size, honoured=False
    )
    buckets: Mapping[str, BucketSettings] = setting(factory=_nothing, doc="Buckets by name.")
    s3_protocol: S3Protocol = setting(factory=S3Protocol, doc="S3 protocol.")
    image_transformation: ImageTransformation = setting(
        factory=ImageTransformation, doc="Image transformation."
    )
    analytics: StorageAnalytics = setting(factory=StorageAnalytics, doc="Analytics buckets.")
    vector: StorageVector = setting(factory=StorageVector, doc="Vector buckets.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRuntimeSettings:
    """``[edge_runtime]``"""

    enabled: bool = setting(True, "Serve /functions/v1.", honoured=False)
    policy: Literal["per_worker", "oneshot"] = setting(
        "per_worker", "How long a worker lives.", honoured=False
    )
    inspector_port: int = setting(8083, "Port of the inspector.", honoured=False)
    deno_version: int = setting(2, "Deno's major version.", honoured=False)
    secrets: Mapping[str, str] = setting(
        factory=_nothing, doc="Environment of the functions.", secret=True, honoured=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """``[functions.<name>]``"""

    enabled: bool = setting(True, "Serve this function.", honoured=False)
    verify_jwt: bool = setting(True, "Refuse calls without a valid token.", honoured=False)
    import_map: str = setting("", "Import map, relative to supabase/.", honoured=False)
    entrypoint: str = setting("", "Its main file, relative to supabase/.", honoured=False)
    static_files: tuple[str, ...] = setting((), "Files served beside it.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsSettings:
    """``[analytics]``"""

    enabled: bool = setting(True, "Collect logs.", honoured=False)
    port: int = setting(54327, "Its port.", honoured=False)
    backend: Literal["postgres", "bigquery"] = setting(
        "postgres", "Where logs are kept.", honoured=False
    )
    vector_port: int = setting(0, "Port of the log collector.", honoured=False)
    gcp_project_id: str = setting("", "Project of BigQuery.", honoured=False)
    gcp_project_number: str = setting("", "Its number.", honoured=False)
    gcp_jwt_path: str = setting("", "Its credentials.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """``[experimental.webhooks]``"""

    enabled: bool = setting(True, "Database webhooks.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PgDeltaSettings:
    """``[experimental.pgdelta]``"""

    enabled: bool = setting(False, "Compare schemas with pg-delta.", honoured=False)
    declarative_schema_path: str = setting("", "Folder of the files.", honoured=False)
    format_options: str = setting("", "Layout of the SQL, as JSON.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectRule:
    """``[[experimental.inspect.rules]]``"""

    query: str = setting("", "What is asked.", honoured=False)
    name: str = setting("", "What it is called.", honoured=False)
    # "pass" is a word of Python's; "pass" and "fail" are the two things a rule can say.
    good: str = setting("", "Said when it passes.", key="pass", honoured=False)
    bad: str = setting("", "Said when it fails.", key="fail", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectSettings:
    """``[experimental.inspect]``"""

    rules: tuple[InspectRule, ...] = setting((), "Rules of the report.", honoured=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentalSettings:
    """``[experimental]``"""

    orioledb_version: str = setting("", "OrioleDB instead of heap tables.", honoured=False)
    s3_host: str = setting("", "Its bucket.", honoured=False)
    s3_region: str = setting("", "The bucket's region.", honoured=False)
    s3_access_key: str = setting("", "The bucket's key.", secret=True, honoured=False)
    s3_secret_key: str = setting("", "The bucket's secret.", secret=True, honoured=False)
    webhooks: WebhookSettings = setting(factory=WebhookSettings, doc="Webhooks.")
    pgdelta: PgDeltaSettings = setting(factory=PgDeltaSettings, doc="pg-delta.")
    inspect: InspectSettings = setting(factory=InspectSettings, doc="Inspection.")
