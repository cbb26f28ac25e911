"""A project's config.toml as the Supabase CLI reads it: every key, env(), .env files, mistakes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backstay.config.describe import entries
from backstay.config.project import (
    Loaded,
    ProjectConfig,
    database_parameters,
    load,
    rest_settings,
)
from backstay.errors import OperatorError

HERE = Path(__file__).parent
DEFAULTS = (HERE / "cli_defaults.toml").read_text("utf-8")
FURTHER = (HERE / "cli_further.toml").read_text("utf-8")


def project(folder: Path, config: str | None = None, **files: str) -> Path:
    """A project folder with a config.toml and further files, ``__`` standing for a slash."""
    (folder / "supabase").mkdir(parents=True, exist_ok=True)
    if config is not None:
        (folder / "supabase" / "config.toml").write_text(config, "utf-8")
    for name, text in files.items():
        (folder / name.replace("__", "/")).write_text(text, "utf-8")
    return folder


def read(folder: Path, config: str, **environ: str) -> Loaded:
    return load(project(folder, config), environ)


def flat(table: dict[str, Any], key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from flat(value, (*key, name))
        else:
            yield (*key, name), value


def value_of(config: Any, key: tuple[str, ...]) -> Any:
    found = {entry.key: entry.value for entry in entries(ProjectConfig, config)}
    return found[".".join(key)]


@pytest.mark.parametrize("text", [DEFAULTS, FURTHER])
def test_every_key_of_the_cli_is_known(tmp_path: Path, text: str) -> None:
    unknown = [notice.what for notice in read(tmp_path, text).notices if "known" in notice.what]
    assert unknown == []


@pytest.mark.parametrize("text", [DEFAULTS, FURTHER])
def test_every_key_of_the_cli_arrives(tmp_path: Path, text: str) -> None:
    """Changing a key changes the configuration: no key is read into the void."""
    plain = read(tmp_path / "plain", "").config
    given = read(tmp_path / "given", text).config
    table = tomllib.loads(text)
    for key, value in flat(table):
        if key[0] == "remotes":
            assert given.remotes["staging"]
            continue
        if value == {}:
            continue
        found = value_of(given, key)
        if isinstance(value, list):
            assert list(found) == value, key
        elif isinstance(value, str) and isinstance(found, int | float):
            assert found > 0, key  # a duration or a size
        else:
            assert found == value, key
    assert given != plain


def test_defaults_are_the_clis(tmp_path: Path) -> None:
    lines = [
        line
        for line in DEFAULTS.splitlines()
        # Secrets of features that are off, and the one provider written out as an example.
        if "env(" not in line and not line.startswith("auth.external.")
    ]
    given = read(tmp_path / "a", "\n".join(lines)).config
    plain = read(tmp_path / "b", "").config
    left = {entry.key: entry.value for entry in entries(ProjectConfig, given)}
    right = {entry.key: entry.value for entry in entries(ProjectConfig, plain)}
    assert left | {"project_id": ""} == right | {"project_id": ""}


def test_without_config_toml(tmp_path: Path) -> None:
    loaded = load(project(tmp_path / "My Shop", None), {})
    assert loaded.config.project_id == "My_Shop"
    assert loaded.config.name == "my-shop"
    assert loaded.notices == ()


def test_the_supabase_folder_itself_is_a_project(tmp_path: Path) -> None:
    inside = load(project(tmp_path / "shop", "") / "supabase", {}).config.folders
    assert inside == load(tmp_path / "shop", {}).config.folders


def test_no_project_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        load(tmp_path, {})
    assert "backstay init" in caught.value.next


def test_env_reference_is_resolved(tmp_path: Path) -> None:
    config = read(tmp_path, 'auth.jwt_secret = "env(SECRET)"', SECRET="s" * 20).config
    assert config.auth.jwt_secret == "s" * 20


def test_env_reference_without_value_warns_and_stays(tmp_path: Path) -> None:
    loaded = read(tmp_path, 'auth.site_url = "env(SITE)"')
    assert loaded.config.auth.site_url == "env(SITE)"
    (notice,) = loaded.notices
    assert "auth.site_url" in notice.what
    assert "SITE" in notice.what


def test_env_reference_to_an_empty_variable_stays(tmp_path: Path) -> None:
    assert read(tmp_path, 'auth.site_url = "env(SITE)"', SITE="").notices != ()


def test_env_reference_for_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, 'api.port = "env(PORT)"', PORT="1234").config.api.port == 1234
    assert read(tmp_path, 'api.port = "env(PORT)"').config.api.port == 54321


def test_env_reference_in_a_section_that_is_off_is_not_missed(tmp_path: Path) -> None:
    text = '[auth.hook.custom_access_token]\nenabled = false\nuri = "env(HOOK)"\n'
    assert read(tmp_path, text).notices == ()
    assert read(tmp_path, text.replace("false", "true")).notices != ()


def test_env_reference_in_a_list(tmp_path: Path) -> None:
    text = 'auth.additional_redirect_urls = ["env(A)", "https://b"]'
    config = read(tmp_path, text, A="https://a").config
    assert config.auth.additional_redirect_urls == ("https://a", "https://b")


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({"supabase__.env": "V=here"}, {}, "here"),
        ({"supabase__.env": "V=here", ".env": "V=root"}, {}, "here"),
        ({".env": "V=root", ".env.local": "V=local"}, {}, "local"),
        ({".env": "V=root", ".env.development": "V=dev"}, {}, "dev"),
        ({".env.local": "V=local", ".env.development.local": "V=both"}, {}, "both"),
        ({".env.production": "V=prod", ".env": "V=root"}, {"SUPABASE_ENV": "production"}, "prod"),
        ({".env.local": "V=local", ".env": "V=root"}, {"SUPABASE_ENV": "test"}, "root"),
        ({"supabase__.env": "V=here"}, {"V": "process"}, "process"),
    ],
)
def test_order_of_env_files(
    tmp_path: Path, files: dict[str, str], environ: dict[str, str], expected: str
) -> None:
    folder = project(tmp_path, 'auth.site_url = "env(V)"', **files)
    assert load(folder, environ).config.auth.site_url == expected


def test_broken_env_file_is_named_and_not_quoted(tmp_path: Path) -> None:
    folder = project(tmp_path, "", supabase__x="")
    (folder / "supabase" / ".env").write_text('A=1\nsecret value"\n')
    with pytest.raises(OperatorError) as caught:
        load(folder, {})
    assert "line 2" in caught.value.why
    assert "secret value" not in str(caught.value)


def test_variables_override_the_file(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "api.port = 1",
        SUPABASE_API_PORT="2",
        SUPABASE_API_SCHEMAS="a, b",
        SUPABASE_AUTH_ENABLE_SIGNUP="false",
        BACKSTAY_SLEEP_AFTER="15m",
        BACKSTAY_POSTGRES_DB_URL="postgresql://x",
    ).config
    assert config.api.port == 2
    assert config.api.schemas == ("a", "b")
    assert config.auth.enable_signup is False
    assert config.backstay.sleep_after == 900
    assert config.backstay.postgres.db_url == "postgresql://x"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("[edge-runtime]\nenabled = true", "edge_runtime"),
        ("[api]\nmax_row = 5", "api.max_rows"),
        ("[auth.email]\nenable_confirmation = true", "auth.email.enable_confirmations"),
        ("[functions.hello]\nverifyjwt = false", "functions.hello.verify_jwt"),
        ("[backstay]\nworker = 2", "backstay.workers"),
        (
            '[remotes.a]\nproject_id = "x"\n[remotes.a.api]\nmax_row = 1',
            "remotes.a.api.max_rows",
        ),
    ],
)
def test_unknown_key_names_the_line_and_the_nearest(tmp_path: Path, text: str, near: str) -> None:
    (notice,) = read(tmp_path, text).notices
    assert re.search(r"config\.toml:\d", notice.what)
    assert notice.next == f"Did you mean {near}?"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("\n[api]\nport = 'many'", 3, "a whole number"),
        ("[api]\nport = 70000", 2, "between 0 and 65535"),
        ("[auth]\nenable_signup = 'perhaps'", 2, "true or false"),
        ("[auth.email]\nmax_frequency = 'soon'", 2, "duration"),
        ("[storage]\nfile_size_limit = 'big'", 2, "size"),
        ("[auth]\npassword_requirements = 'strong'", 2, "letters_digits"),
        ("api = 5", 1, "a section"),
        ("[functions]\nhello = 5", 2, "a section"),
        ("[api]\nschemas = 5", 2, "a list"),
        ("[db.pooler]\npool_mode = 'statement'", 2, "transaction"),
    ],
)
def test_wrong_type_names_file_line_key_and_expectation(
    tmp_path: Path, text: str, line: int, expected: str
) -> None:
    with pytest.raises(OperatorError) as caught:
        read(tmp_path, text)
    assert f"config.toml:{line}:" in caught.value.what
    assert expected in caught.value.what


def test_wrong_type_of_a_variable_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="SUPABASE_API_PORT"):
        read(tmp_path, "", SUPABASE_API_PORT="many")


def test_a_secret_is_not_quoted_in_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        read(tmp_path, "[db.vault]\nkey = ['hunter2']")
    assert "hunter2" not in str(caught.value)


def test_broken_toml_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        read(tmp_path, "[api\nport = 1")
    assert "line 1" in caught.value.why


def test_unhonoured_lists_what_a_project_sets_in_vain(tmp_path: Path) -> None:
    text = """
        storage.file_size_limit = "1MiB"
        api.max_rows = 5
        realtime.enabled = true
        studio.enabled = false
        [functions.hello]
        verify_jwt = false
        [auth.external.github]
        enabled = false
        client_id = "a"
    """
    assert set(read(tmp_path, text).unhonoured) == {
        "storage.file_size_limit",
        "functions.hello.verify_jwt",
    }


def test_smtp_section_means_smtp(tmp_path: Path) -> None:
    on = read(tmp_path / "a", '[auth.email.smtp]\nhost = "x"').config
    assert on.auth.email.smtp.enabled
    assert not read(tmp_path / "b", "").config.auth.email.smtp.enabled


def test_rest_settings_are_what_the_cli_gives_postgrest(tmp_path: Path) -> None:
    rest = rest_settings(read(tmp_path, 'api.schemas = ["a", "b"]\napi.max_rows = 7').config)
    assert rest.db_schemas == ("a", "b")
    assert rest.db_extra_search_path == ("public", "extensions")
    assert rest.db_max_rows == 7
    assert rest.db_anon_role == "anon"
    assert not rest.db_plan_enabled
    assert not rest.db_aggregates_enabled


def test_database_parameters(tmp_path: Path) -> None:
    text = """
        [db.settings]
        work_mem = "8MB"
        max_connections = 50
        track_commit_timestamp = true
        [backstay.postgres.settings]
        work_mem = "16MB"
        "auto_explain.log_min_duration" = 5
        jit = false
    """
    assert database_parameters(read(tmp_path, text).config) == {
        "work_mem": "16MB",
        "max_connections": "50",
        "track_commit_timestamp": "on",
        "auto_explain.log_min_duration": "5",
        "jit": "off",
    }


def test_project_id_is_made_fit(tmp_path: Path) -> None:
    loaded = read(tmp_path, 'project_id = "_my shop!"')
    assert loaded.config.project_id == "my_shop_"
    assert loaded.notices != ()
