"""``RestSettings`` as PostgREST finds them: database over environment over file over default.

The name of a field gives all its others: ``db_max_rows`` is ``db-max-rows`` in the file,
``PGRST_DB_MAX_ROWS`` in the environment and ``pgrst.db_max_rows`` on the login role. What its type
annotation cannot say (aliases, values allowed, messages) stands in the tables here.
https://docs.postgrest.org/en/stable/references/configuration.html
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backstay.config.configurator import Value, read_config_file
from backstay.config.jspath import parse_role_path
from backstay.config.rest import RestSettings
from backstay.errors import OperatorError

Setting = dataclasses.Field[Any]
ReadFile = Callable[[Path], bytes]

DATABASE_SETTINGS = (
    "client_error_verbosity",
    "db_aggregates_enabled",
    "db_anon_role",
    "db_extra_search_path",
    "db_hoisted_tx_settings",
    "db_max_rows",
    "db_plan_enabled",
    "db_pre_config",
    "db_pre_request",
    "db_prepared_statements",
    "db_root_spec",
    "db_schemas",
    "db_tx_end",
    "jwt_aud",
    "jwt_cache_max_entries",
    "jwt_role_claim_key",
    "jwt_secret",
    "jwt_secret_is_base64",
    "openapi_mode",
    "openapi_security_active",
    "openapi_server_proxy_uri",
    "server_cors_allowed_origins",
    "server_timing_enabled",
    "server_trace_header",
    "url_use_legacy_target_names",
)
"""What may be set in the database, by the name behind ``pgrst.``."""

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "admin_server_host": ("admin_server_host", "server_host"),
    "db_max_rows": ("db_max_rows", "max_rows"),
    "db_pool_max_idletime": ("db_pool_timeout", "db_pool_max_idletime"),
    "db_pre_request": ("db_pre_request", "pre_request"),
    "db_root_spec": ("db_root_spec", "root_spec"),
    "db_schemas": ("db_schemas", "db_schema"),
    "jwt_role_claim_key": ("jwt_role_claim_key", "role_claim_key"),
    "jwt_secret_is_base64": ("jwt_secret_is_base64", "secret_is_base64"),
}
"""Names a setting is looked for under, the first that has a value wins."""

_APP_SETTINGS = "app.settings."
_APP_SETTINGS_ENV = "PGRST_APP_SETTINGS_"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings come from, the strongest first."""

    database: Mapping[str, str] = field(default_factory=dict)
    """``pgrst.*`` settings without their prefix."""
    environment: Mapping[str, str] = field(default_factory=dict)
    file: Mapping[str, Value] = field(default_factory=dict)

    def find(self, name: str) -> Value | None:
        """The value of the setting ``db_max_rows``; an empty one is found, too."""
        if name in self.database:
            return self.database[name]
        if (variable := f"PGRST_{name.upper()}") in self.environment:
            return self.environment[variable]
        return self.file.get(name.replace("_", "-"))

    def app_settings(self) -> tuple[tuple[str, str], ...]:
        """``app.settings.*`` by full name, sorted."""
        found = {k: _text(v) for k, v in self.file.items() if k.startswith(_APP_SETTINGS)}
        for name, value in self.environment.items():
            if name.startswith(_APP_SETTINGS_ENV):
                found[_APP_SETTINGS + name.removeprefix(_APP_SETTINGS_ENV)] = value
        return tuple(sorted(found.items()))


def read_settings(
    environment: Mapping[str, str],
    path: Path | None = None,
    database: Mapping[str, str] | None = None,
    *,
    db_uri: str | None = None,
    read_file: ReadFile = Path.read_bytes,
) -> RestSettings:
    """The settings PostgREST would have.

    ``path``: its configuration file. ``database``: what ``catalog.database_settings`` found.
    ``db_uri``: the one in use, kept on a reload. ``read_file`` reads what a setting ``@file``
    names. Raises ``OperatorError``.
    """
    try:
        file = read_config_file(path, environment) if path else {}
        sources = Sources(database or {}, environment, file)
        return settings_from(sources, db_uri=db_uri, read_file=read_file)
    except (OSError, ValueError) as error:
        raise OperatorError(f"Error in config {error}") from error


def overlay(settings: RestSettings, database: Mapping[str, str]) -> RestSettings:
    """A project's ``settings`` with ``pgrst.*`` settings of the database on top.

    Raises ``OperatorError``.
    """
    try:
        return settings_from(Sources(database), settings)
    except (OSError, ValueError) as error:
        raise OperatorError(f"Error in config {error}") from error


def settings_from(
    sources: Sources,
    base: RestSettings | None = None,
    *,
    db_uri: str | None = None,
    read_file: ReadFile = Path.read_bytes,
) -> RestSettings:
    """``base`` (PostgREST's defaults) with what ``sources`` say on top.

    Raises ``ValueError`` or ``OSError``, in PostgREST's words where it has some.
    """
    base = RestSettings() if base is None else base
    types = typing.get_type_hints(RestSettings)
    changes: dict[str, Any] = {}
    for setting in dataclasses.fields(RestSettings):
        value = _found(setting, sources, types[setting.name])
        if value is not None:
            changes[setting.name] = value
    app_settings = dict(base.app_settings) | dict(sources.app_settings())
    settings = dataclasses.replace(base, **changes, app_settings=tuple(app_settings.items()))
    if (
        settings.admin_server_port is not None
        and settings.admin_server_port == settings.server_port
    ):
        raise ValueError("admin-server-port cannot be the same as server-port")
    if db_uri is None and settings.db_uri.startswith("@"):
        db_uri = read_file(Path(settings.db_uri[1:])).decode().strip()
    settings = dataclasses.replace(settings, db_uri=settings.db_uri if db_uri is None else db_uri)
    return _with_secret(settings, read_file)


def _found(setting: Setting, sources: Sources, kind: Any) -> Any:
    if setting.name == "app_settings":
        return None
    parse = _PARSERS.get(setting.name) or _BY_TYPE.get(kind, _text_or_none)
    for name in _ALIASES.get(setting.name, (setting.name,)):
        raw = sources.find(name)
        value = None if raw is None else parse(raw)
        if value is not None:
            return value
    return None


def _text(value: Value) -> str:
    """PostgREST shows a value of the wrong type with its type."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return f"Bool {value}"
    if isinstance(value, tuple):
        return f"List [{','.join(_text(item) for item in value)}]"
    return f"Number {float(value)}"


def _text_or_none(value: Value) -> str | None:
    return _text(value) or None


def _integer(value: Value) -> int | None:
    if isinstance(value, (bool, tuple)):
        return None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"\s*-?\d{1,18}\s*", value, re.ASCII) else None
    return int(value) if float(value).is_integer() else None


def _boolean(value: Value) -> bool | None:
    """Any spelling of true and false, or a number; anything else is as if it were not there."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    word = "".join(character for character in value if character.isalpha()).lower()
    if word in ("true", "false"):
        return word == "true"
    number = _integer(value)
    return None if number is None else number > 0


def _list(value: Value) -> tuple[str, ...] | None:
    text = _text(value)
    return tuple(part.strip() for part in text.split(",")) if text else None


def _list_or_empty(value: Value) -> tuple[str, ...]:
    return _list(value) or ()


def _schemas(value: Value) -> tuple[str, ...] | None:
    schemas = _list(value)
    for forbidden in ("pg_catalog", "information_schema"):
        if schemas and forbidden in schemas:
            raise ValueError(f"db-schemas does not allow schema: '{forbidden}'")
    return schemas


def _one_of(message: str, *allowed: str) -> Callable[[Value], str | None]:
    def parse(value: Value) -> str | None:
        text = _text_or_none(value)
        if text is not None and text not in allowed:
            raise ValueError(f"{message} Check your configuration.")
        return text

    return parse


def _file_mode(key: str) -> Callable[[Value], str | None]:
    def parse(value: Value) -> str | None:
        text = _text_or_none(value)
        if text is None:
            return None
        octal = re.match(r"[0-7]+", text)
        if octal is None:
            raise ValueError(f"Invalid {key}: not an octal")
        if not 0o600 <= int(octal[0], 8) <= 0o777:
            raise ValueError(f"Invalid {key}: needs to be between 600 and 777")
        return f"{int(octal[0], 8):o}"

    return parse


_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
)


def _string_or_uri(value: Value) -> str | None:
    text = _text_or_none(value)
    if text is not None and ":" in text and not _URI.fullmatch(text):
        raise ValueError("jwt-aud should be a string or a valid URI")
    return text


def _role_claim_key(value: Value) -> str | None:
    text = _text_or_none(value)
    return None if text is None else parse_role_path(text).text


def _proxy_uri(value: Value) -> str | None:
    text = _text_or_none(value)
    if text is not None and not _is_proxy_uri(text):
        raise ValueError(
            "Malformed proxy uri, a correct example: https://example.com:8443/basePath"
        )
    return text


def _is_proxy_uri(text: str) -> bool:
    if not _URI.fullmatch(text) or "#" in text:
        return False
    try:
        uri = urlsplit(text)
        port = uri.port
    except ValueError:
        return False
    plain = not uri.query and "?" not in text and "@" not in uri.netloc and bool(uri.hostname)
    return uri.scheme in ("http", "https") and plain and port != 0


_BY_TYPE: Mapping[Any, Callable[[Value], Any]] = {
    bool: _boolean,
    int: _integer,
    int | None: _integer,
    tuple[str, ...]: _list,
}

_PARSERS: Mapping[str, Callable[[Value], Any]] = {
    "admin_server_unix_socket_mode": _file_mode("admin-server-unix-socket-mode"),
    "client_error_verbosity": _one_of("Invalid client-error-verbosity.", "verbose", "minimal"),
    "db_extra_search_path": _list_or_empty,
    "db_schemas": _schemas,
    "db_tx_end": _one_of(
        "Invalid transaction termination.",
        "commit",
        "commit-allow-override",
        "rollback",
        "rollback-allow-override",
    ),
    "jwt_aud": _string_or_uri,
    "jwt_role_claim_key": _role_claim_key,
    "log_level": _one_of("Invalid logging level.", "crit", "error", "warn", "info", "debug"),
    "openapi_mode": _one_of(
        "Invalid openapi-mode.", "follow-privileges", "ignore-privileges", "disabled"
    ),
    "openapi_server_proxy_uri": _proxy_uri,
    "server_unix_socket_mode": _file_mode("server-unix-socket-mode"),
}


def _with_secret(settings: RestSettings, read_file: ReadFile) -> RestSettings:
    """The secret read from its file, decoded once to be sure of it, and long enough."""
    text = settings.jwt_secret
    if not text:
        return settings
    if text.startswith("@"):
        secret = read_file(Path(text[1:])).removesuffix(b"\n")
    else:
        secret = text.encode()
    is_base64 = settings.jwt_secret_is_base64
    if is_base64:
        secret = _decode_base64(secret)
    if not _is_json_object(secret) and len(secret) < 32:
        raise ValueError("The JWT secret must be at least 32 characters long.")
    if not is_base64:
        try:
            return dataclasses.replace(settings, jwt_secret=secret.decode())
        except UnicodeDecodeError:  # from a file of bytes; only base64 can carry them further
            pass
    encoded = base64.b64encode(secret).decode()
    return dataclasses.replace(settings, jwt_secret=encoded, jwt_secret_is_base64=True)


def _decode_base64(secret: bytes) -> bytes:
    standard = secret.strip().translate(bytes.maketrans(b"-_.", b"+/="))
    try:
        return base64.b64decode(standard, validate=True)
    except binascii.Error as error:
        raise ValueError(f"jwt-secret is not base64: {error}") from error


def _is_json_object(secret: bytes) -> bool:
    try:
        return isinstance(json.loads(secret), dict)
    except ValueError:
        return False


def dump(settings: RestSettings) -> str:
    """The settings as a configuration file that reads back the same."""
    lines = [
        f"{setting.name.replace('_', '-')} = {_shown(getattr(settings, setting.name))}"
        for setting in dataclasses.fields(settings)
        if setting.name != "app_settings" and not setting.name.startswith("internal_")
    ]
    lines += [f"{name} = {_shown(value)}" for name, value in settings.app_settings]
    return "".join(f"{line}\n" for line in sorted(lines))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    text = ",".join(value) if isinstance(value, tuple) else str(value or "")
    return '"' + text.replace('"', '\\"').replace("$", "$$") + '"'
