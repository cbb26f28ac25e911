"""What a project may say of its cluster: ``[db]`` and ``[backstay.postgres]`` of config.toml."""

from __future__ import annotations

from dataclasses import dataclass

from backstay.config.declare import setting
from backstay.config.project import ProjectConfig, database_parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """Defaults serve a project without any configuration."""

    port: int = setting(54322, "TCP port of the database; the next free one when it is taken.")
    parameters: tuple[tuple[str, str], ...] = setting(
        (), "PostgreSQL parameters, [db.settings] in config.toml."
    )
    bin_dir: str = setting(
        "",
        "Directory of an installed PostgreSQL's programs; empty uses the embedded one.",
        env=("BACKSTAY_POSTGRES_BIN_DIR",),
    )
    user: str = setting(
        "",
        "When started as root: the unprivileged user PostgreSQL runs as; empty makes `backstay`.",
        env=("BACKSTAY_POSTGRES_USER",),
    )
    machine_dir: str = setting(
        "",
        "Where the unpacked server and prepared data directories are kept for all projects.",
        env=("BACKSTAY_MACHINE_DIR",),
    )
    durable: bool = setting(True, "False gives up fsync: for throw-away test clusters only.")


def cluster_settings(config: ProjectConfig) -> ClusterSettings:
    """What a project's config.toml says of its cluster."""
    own = config.backstay.postgres
    return ClusterSettings(
        port=own.port or config.db.port,
        parameters=tuple(database_parameters(config).items()),
        bin_dir=own.bin_dir,
        user=own.user,
    )
