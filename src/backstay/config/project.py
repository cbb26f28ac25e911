"""A project's whole configuration, read from its folder.

    loaded = load(folder, os.environ)
    loaded.config.api.port, loaded.notices, loaded.unhonoured

Reading is the only thing done here: nothing is started, created or fetched.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from backstay.config.auth import AuthSettings
from backstay.config.declare import declared, setting
from backstay.config.dotenv import read_environment
from backstay.config.folders import Folders, find_folders, host_label, sanitize_project_id
from backstay.config.own import BackstaySettings
from backstay.config.read import Notice, Reader
from backstay.config.rest import RestSettings
from backstay.config.sections import (
    AnalyticsSettings,
    ApiSettings,
    DatabaseSettings,
    EdgeRuntimeSettings,
    ExperimentalSettings,
    FunctionSettings,
    InbucketSettings,
    RealtimeSettings,
    StorageSettings,
    StudioSettings,
)
from backstay.errors import OperatorError


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """config.toml and the folders it was found in; every default is filled in."""

    folders: Folders
    project_id: str = setting("", "Name of the project; default the folder's name.")
    api: ApiSettings = setting(factory=ApiSettings, doc="REST API.")
    db: DatabaseSettings = setting(factory=DatabaseSettings, doc="Database.")
    realtime: RealtimeSettings = setting(factory=RealtimeSettings, doc="Realtime.")
    studio: StudioSettings = setting(factory=StudioSettings, doc="Dashboard.")
    inbucket: InbucketSettings = setting(factory=InbucketSettings, doc="Captured mail.")
    storage: StorageSettings = setting(factory=StorageSettings, doc="Storage.")
    auth: AuthSettings = setting(factory=AuthSettings, doc="Auth.")
    edge_runtime: EdgeRuntimeSettings = setting(factory=EdgeRuntimeSettings, doc="Functions.")
    functions: Mapping[str, FunctionSettings] = setting(factory=_nothing, doc="Functions by name.")
    analytics: AnalyticsSettings = setting(factory=AnalyticsSettings, doc="Logs.")
    experimental: ExperimentalSettings = setting(factory=ExperimentalSettings, doc="Experiments.")
    remotes: Mapping[str, Any] = setting(
        factory=_nothing, doc="Overrides for hosted projects, by name.", honoured=False
    )
    backstay: BackstaySettings = setting(factory=BackstaySettings, doc="backstay's own.")

    @property
    def name(self) -> str:
        """The project's label in host names: ``name.localhost``."""
        return host_label(self.project_id)


@dataclass(frozen=True, slots=True)
class Loaded:
    """``notices`` are odd but stop nothing; ``unhonoured`` are keys nothing acts upon yet."""

    config: ProjectConfig
    notices: tuple[Notice, ...] = ()
    unhonoured: tuple[str, ...] = ()


def load(folder: Path, environ: Mapping[str, str], *, upwards: bool = False) -> Loaded:
    """The project at ``folder``; without a config.toml every setting has its default.

    Raises ``OperatorError`` when there is no project, or its files cannot be understood.
    """
    folders = find_folders(folder, upwards=upwards)
    environment = read_environment(folders.supabase, folders.root, environ)
    text = _read(folders.config)
    table = _parse(folders.config, text)
    reader = Reader(folders.config, text, environment)
    config = reader.section(ProjectConfig, table, folders=folders)
    notices = [*reader.notices, *_remote_notices(config, text)]
    project_id = sanitize_project_id(config.project_id or folders.root.name) or "project"
    if config.project_id not in ("", project_id):
        notices.append(Notice(f"project_id is taken as {project_id}.", "Use letters and digits."))
    return Loaded(replace(config, project_id=project_id), tuple(notices), reader.unhonoured)


def rest_settings(config: ProjectConfig) -> RestSettings:
    """What the Supabase CLI tells PostgREST; the key and the database's address come later."""
    return RestSettings(
        db_schemas=config.api.schemas or ("public",),
        db_extra_search_path=config.api.extra_search_path,
        db_max_rows=config.api.max_rows or None,
        db_anon_role="anon",
        db_pool=config.backstay.db_pool,
    )


def database_parameters(config: ProjectConfig) -> dict[str, str]:
    """The PostgreSQL parameters a project asks for, in postgresql.conf's words."""
    asked = config.db.settings
    found = {field.name: getattr(asked, field.name) for field in fields(asked) if declared(field)}
    chosen = {name: _parameter(value) for name, value in found.items() if value is not None}
    return {**chosen, **config.backstay.postgres.settings}


def _parameter(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} cannot be read.", why=str(error)) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(
            f"{path} is not valid TOML.",
            why=f"{error}.",
            next="Mend it, then: backstay config check",
        ) from None
    smtp = table.get("auth", {}).get("email", {}).get("smtp") if _nested(table) else None
    if isinstance(smtp, dict) and smtp:
        smtp.setdefault("enabled", True)  # the section is there, so it is meant
    return table


def _nested(table: Mapping[str, Any]) -> bool:
    auth = table.get("auth", {})
    return isinstance(auth, dict) and isinstance(auth.get("email", {}), dict)


def _remote_notices(config: ProjectConfig, text: str) -> tuple[Notice, ...]:
    """Unknown keys in ``[remotes.<name>]``, whose contents are those of the whole file."""
    found: list[Notice] = []
    for name, remote in config.remotes.items():
        reader = Reader(config.folders.config, text, {})
        reader.section(
            ProjectConfig, remote, ("remotes", name), honoured=False, folders=config.folders
        )
        found += reader.notices
    return tuple(found)
