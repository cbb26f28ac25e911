"""``[backstay]``: what the Supabase CLI has no key for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from backstay.config.auth_profile import AuthProfile
from backstay.config.declare import setting
from backstay.config.duration import seconds
from backstay.config.read import Reader
from backstay.config.rest import RestExtensions
from backstay.config.serve import LogFormat, LogLevel
from backstay.config.values import parse_port, parse_positive, parse_size

MEBIBYTE = 1024 * 1024
LOOPBACK = "127.0.0.1"


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """``[backstay.postgres]``: which PostgreSQL, when not the embedded one as it comes."""

    bin_dir: str = setting("", "Folder with the programs of an installed PostgreSQL 18.")
    db_url: str = setting("", "An external database; nothing is started then.", secret=True)
    user: str = setting("", "Unprivileged user PostgreSQL runs as when backstay runs as root.")
    machine_dir: str = setting(
        "", "Folder for what all projects share, the unpacked PostgreSQL; default the user's cache."
    )
    port: int | None = setting(None, "Port of PostgreSQL; default db.port.", parse=parse_port)
    settings: Mapping[str, str] = setting(
        factory=_nothing, doc="Further server parameters; they win over db.settings."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackstaySettings:
    """``[backstay]``"""

    host: str = setting(LOOPBACK, "Address to listen on; anything but loopback needs own keys.")
    port: int | None = setting(
        None, "Port of the API; default api.port, else the next free one.", parse=parse_port
    )
    public_url: str = setting("", "URL clients see when a proxy stands in front.")
    hosts: tuple[str, ...] = setting((), "Host names that reach this project.")
    workers: int = setting(1, "Server processes on the port.", parse=parse_positive)
    db_pool: int = setting(
        10, "Connections each process keeps to the database.", parse=parse_positive
    )
    sleep_after: float = setting(
        0.0, "Seconds without a request after which PostgreSQL sleeps; 0 never.", parse=seconds
    )
    log_format: LogFormat = setting("auto", "auto is console on a terminal, JSON otherwise.")
    log_level: LogLevel = setting("info", "The least severe event written.")
    require_api_key: bool = setting(False, "Refuse requests without an API key.")
    body_limit: int = setting(50 * MEBIBYTE, "Bytes of a request body.", parse=parse_size)
    trusted_proxies: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"), "Networks whose X-Forwarded-* headers are believed."
    )
    postgres: PostgresSettings = setting(factory=PostgresSettings, doc="PostgreSQL.")
    rest: RestExtensions = setting(factory=RestExtensions, doc="Beyond PostgREST.")
    auth: AuthProfile = setting(factory=AuthProfile, doc="Profiles in GoTrue's answers.")
    mounts: Mapping[str, str] = setting(
        factory=_nothing, doc="ASGI applications by path, as module:name.", honoured=False
    )


def rest_extensions(environment: Mapping[str, str]) -> RestExtensions:
    """``[backstay.rest]`` from variables alone (``BACKSTAY_REST_BATCH``), for ``backstay rest``.

    Raises ``OperatorError``.
    """
    return Reader(None, "", environment).section(RestExtensions, {}, ("backstay", "rest"))
