"""PostgREST's settings: precedence, aliases, empties, refusals, and the dump."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from backstay.config.postgrest import dump, overlay, read_settings
from backstay.config.rest import RestSettings
from backstay.errors import OperatorError

SECRET = "a secret of at least thirty-two characters"


def read(**environment: str) -> RestSettings:
    return read_settings({f"PGRST_{name.upper()}": text for name, text in environment.items()})


def test_nothing_said_gives_the_defaults() -> None:
    assert read_settings({}) == RestSettings()


def test_database_over_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "postgrest.conf"
    file.write_text('db-schemas = "file"\ndb-pool = 3\ndb-anon-role = "file"\n')
    environment = {"PGRST_DB_SCHEMAS": "environment", "PGRST_DB_ANON_ROLE": "environment"}
    settings = read_settings(environment, file, {"db_schemas": "database"})
    assert (settings.db_schemas, settings.db_anon_role, settings.db_pool) == (
        ("database",),
        "environment",
        3,
    )


def test_an_empty_value_means_the_default_but_an_empty_search_path_means_none() -> None:
    settings = read(db_schemas="", db_max_rows="", log_level="", db_extra_search_path="")
    assert settings.db_schemas == ("public",)
    assert settings.db_max_rows is None
    assert settings.log_level == "error"
    assert settings.db_extra_search_path == ()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("db_schema", "one, two", "db_schemas", ("one", "two")),
        ("max_rows", "7", "db_max_rows", 7),
        ("pre_request", "hook", "db_pre_request", "hook"),
        ("db_pool_timeout", "9", "db_pool_max_idletime", 9),
        ("role_claim_key", ".a.b", "jwt_role_claim_key", '."a"."b"'),
        ("server_host", "127.0.0.1", "admin_server_host", "127.0.0.1"),
        ("db_prepared_statements", "FALSE", "db_prepared_statements", False),
        ("db_plan_enabled", "2", "db_plan_enabled", True),
        ("db_channel_enabled", "nonsense", "db_channel_enabled", True),
        ("db_pool", "ten", "db_pool", 10),
    ],
)
def test_other_names_and_spellings(name: str, text: str, field: str, value: object) -> None:
    assert getattr(read(**{name: text}), field) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("db_schemas", "public, pg_catalog", "does not allow schema: 'pg_catalog'"),
        ("log_level", "loud", "Invalid logging level"),
        ("db_tx_end", "never", "Invalid transaction termination"),
        ("openapi_mode", "follow-", "Invalid openapi-mode"),
        ("client_error_verbosity", "some", "Invalid client-error-verbosity"),
        ("openapi_server_proxy_uri", "htp:/@@host", "Malformed proxy uri"),
        ("openapi_server_proxy_uri", "https://host:99999", "Malformed proxy uri"),
        ("jwt_aud", "http://%%bad", "string or a valid URI"),
        ("jwt_secret", "short", "at least 32 characters"),
        ("jwt_role_claim_key", "role.other", "failed to parse role-claim-key value (role.other)"),
        ("server_unix_socket_mode", "888", "not an octal"),
        ("server_unix_socket_mode", "577", "between 600 and 777"),
        ("admin_server_port", "3000", "cannot be the same as server-port"),
    ],
)
def test_what_is_wrong_is_said(name: str, text: str, message: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(**{name: text})
    assert message in str(refused.value)


def test_base64_is_kept_canonical_and_checked() -> None:
    odd = base64.b64encode(bytes(range(200, 240))).decode().replace("+", "-").replace("/", "_")
    settings = read(jwt_secret=odd, jwt_secret_is_base64="true")
    assert base64.b64decode(settings.jwt_secret) == bytes(range(200, 240))
    with pytest.raises(OperatorError):
        read(jwt_secret="no base-64!", jwt_secret_is_base64="true")


def test_secret_and_address_may_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "uri").write_text(" postgresql://somewhere/db \n")
    (tmp_path / "bytes").write_bytes(bytes(range(200, 240)))
    settings = read(jwt_secret=f"@{tmp_path / 'secret'}", db_uri=f"@{tmp_path / 'uri'}")
    assert (settings.jwt_secret, settings.db_uri) == (SECRET, "postgresql://somewhere/db")
    binary = read(jwt_secret=f"@{tmp_path / 'bytes'}")
    assert binary.jwt_secret_is_base64
    with pytest.raises(OperatorError):
        read(jwt_secret=f"@{tmp_path / 'missing'}")


def test_a_dump_reads_back_the_same(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "PGRST_JWT_SECRET": SECRET,
            "PGRST_APP_SETTINGS_price": 'a "quoted" $dollar',
            "PGRST_DB_SCHEMAS": "one,two",
            "PGRST_DB_EXTRA_SEARCH_PATH": "",
            "PGRST_JWT_ROLE_CLAIM_KEY": "$.a[0]",
        }
    )
    file = tmp_path / "dumped.conf"
    file.write_text(dump(settings))
    assert read_settings({}, file) == settings
    assert 'jwt-role-claim-key = "$$.a[0]"\n' in dump(settings)


def test_a_projects_settings_are_overlaid_by_the_database() -> None:
    base = RestSettings(db_schemas=("public", "api"), db_max_rows=1000)
    changed = overlay(base, {"db_max_rows": "5"})
    assert (changed.db_schemas, changed.db_max_rows) == (("public", "api"), 5)
    with pytest.raises(OperatorError):
        overlay(base, {"openapi_mode": "loud"})
