"""The server's configuration: files and command line, as text.

``postgresql.conf``, ``pg_hba.conf`` and ``pg_ident.conf`` are written anew at every start; what a
project wants to change goes into config.toml (or ``ALTER SYSTEM``, which PostgreSQL keeps apart).
What makes two servers collide or lets people in (addresses, ports, sockets) is on the command
line, where neither file nor ``ALTER SYSTEM`` can change it.

https://www.postgresql.org/docs/18/runtime-config.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backstay.cluster.provider import Installation

SUPERUSER = "supabase_admin"
MAP = "backstay"

PARAMETERS = (
    ("wal_level", "logical"),
    ("max_connections", "100"),
    ("max_wal_senders", "10"),
    ("max_replication_slots", "10"),
    ("max_worker_processes", "6"),
    ("max_logical_replication_workers", "2"),
    ("shared_buffers", "64MB"),
    ("min_wal_size", "48MB"),
    ("max_wal_size", "512MB"),
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("password_encryption", "scram-sha-256"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("datestyle", "iso, mdy"),
    ("lc_messages", "C"),
    ("default_text_search_config", "pg_catalog.english"),
    ("jit", "off"),
    ("log_checkpoints", "off"),
    ("log_line_prefix", "%m [%p] %q%u@%d %a "),
)
PARAMETERS_18 = (
    # One process that waits on behalf of nobody is enough for a database that fits in memory.
    ("io_method", "worker"),
    ("io_workers", "1"),
    ("autovacuum_worker_slots", "4"),
    ("file_copy_method", "clone"),
)
THROW_AWAY = (("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"))
RESERVED = frozenset(
    {
        "data_directory",
        "dynamic_library_path",
        "extension_control_path",
        "external_pid_file",
        "hba_file",
        "ident_file",
        "listen_addresses",
        "port",
        "unix_socket_directories",
        "unix_socket_permissions",
    }
)
"""Parameters that are backstay's alone."""


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that decides how a server runs, before it runs."""

    installation: Installation
    data: Path
    sockets: Path
    port: int
    os_users: tuple[str, ...]
    """Names of the operating system's users who may come in by the socket, as any role."""
    parameters: tuple[tuple[str, str], ...] = ()
    name: str = ""
    durable: bool = True
    tcp: bool = True

    def command(self) -> list[str]:
        """The command line of the postmaster."""
        settings = [
            ("listen_addresses", "127.0.0.1" if self.tcp else ""),
            ("unix_socket_directories", _listed(self.sockets)),
            ("unix_socket_permissions", "0700"),
        ]
        if self.installation.packs:
            packs = self.installation.packs
            settings += [
                # The server's own first: a stand-in must not hide the real extension.
                ("extension_control_path", ":".join(["$system", *map(str, packs)])),
                ("dynamic_library_path", ":".join(["$libdir", *(f"{p}/lib" for p in packs)])),
            ]
        options = [part for name, value in settings for part in ("-c", f"{name}={value}")]
        program = self.installation.program("postgres")
        return [program, "-D", str(self.data), "-p", str(self.port), *options]

    def files(self) -> dict[str, str]:
        """Name and text of the configuration files in the data directory."""
        return {
            "postgresql.conf": _conf(self._all_parameters()),
            "pg_hba.conf": HBA,
            "pg_ident.conf": "".join(f'{MAP} "{user}" all\n' for user in self.os_users),
        }

    def fingerprint(self) -> str:
        """Equal for two launches that give the same running server."""
        return "\n".join((*self.command(), *self.files().values()))

    def _all_parameters(self) -> dict[str, str]:
        own: list[tuple[str, str]] = list(PARAMETERS)
        if self.installation.major >= 18:
            own += PARAMETERS_18
        if self.name:
            own.append(("cluster_name", self.name))
        if not self.durable:
            own += THROW_AWAY
        chosen = [pair for pair in self.parameters if pair[0] not in RESERVED]
        return dict([*own, *chosen])


HBA = f"""\
# Written by backstay at every start. The socket is for the user of backstay and of the server
# alone (the directory is closed to others, and peer asks the kernel who it is); everyone else
# comes by TCP with a password, and never as superuser.
local all         all         peer map={MAP}
local replication all         peer map={MAP}
host  all         {SUPERUSER} all          reject
host  all         all         127.0.0.1/32 scram-sha-256
host  replication all         127.0.0.1/32 scram-sha-256
"""


def _conf(parameters: dict[str, str]) -> str:
    head = "# Written by backstay at every start; put your own into [db.settings] of config.toml.\n"
    return head + "".join(f"{name} = {_quoted(value)}\n" for name, value in parameters.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''").replace("\n", " ") + "'"


def _listed(path: Path) -> str:
    return '"' + str(path).replace('"', '""') + '"'


def conninfo(parts: Sequence[tuple[str, str | int]]) -> str:
    """A libpq connection string of key-value pairs, values quoted."""
    return " ".join(
        f"{key}='" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
        for key, value in parts
    )
