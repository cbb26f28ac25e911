"""What a project may say of its cluster: ``[db]`` and ``[backstay.postgres]`` of config.toml."""

from __future__ import annotations

from dataclasses import dataclass

from backstay.config.project import ProjectConfig, database_parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """What a cluster is told. The defaults serve a project without any configuration.

    ``port``: TCP port of the database, the next free one when it is taken. ``parameters``:
    PostgreSQL's own. ``bin_dir``: programs of an installed server, empty for the embedded one.
    ``user``: whom the server runs as when backstay runs as root, empty for ``backstay``.
    ``machine_dir``: where the unpacked server and prepared data directories are kept for all
    projects, empty for the usual place. ``durable`` False gives up fsync, for throw-away clusters.
    """

    port: int = 54322
    parameters: tuple[tuple[str, str], ...] = ()
    bin_dir: str = ""
    user: str = ""
    machine_dir: str = ""
    durable: bool = True


def cluster_settings(config: ProjectConfig) -> ClusterSettings:
    """What a project's config.toml says of its cluster."""
    own = config.backstay.postgres
    return ClusterSettings(
        port=own.port or config.db.port,
        parameters=tuple(database_parameters(config).items()),
        bin_dir=own.bin_dir,
        user=own.user,
        machine_dir=own.machine_dir,
    )
