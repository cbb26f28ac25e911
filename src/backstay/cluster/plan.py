"""Which migrations of a folder are to be applied, from names alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SEPARATOR = "/"
"""Between the names of files that share a version: the one character no file name holds."""

_FILE = re.compile(r"([0-9]+)_(.*)\.sql", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration by its file name: ``20240131120000_todos.sql``."""

    version: str
    name: str

    @property
    def file(self) -> str:
        return f"{self.version}_{self.name}.sql"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a folder, in order; ``missing`` are versions without a file."""

    pending: tuple[Migration, ...]
    skipped: tuple[str, ...]
    missing: tuple[str, ...]


def plan(files: Iterable[str], applied: Mapping[str, str]) -> Plan:
    """Which of the file names ``files`` are pending, given ``applied`` (version → name).

    In the order of their bytes. Files of one version are told apart by their names; a lone file
    counts as applied by its version, so that it may be renamed.
    """
    ordered = sorted(files, key=lambda name: name.encode("utf-8", "surrogateescape"))
    matches = [(name, _FILE.fullmatch(name)) for name in ordered]
    found = [Migration(match[1], match[2]) for _, match in matches if match]
    versions = [migration.version for migration in found]
    return Plan(
        pending=tuple(
            migration
            for migration in found
            if not _is_applied(migration, applied, versions.count(migration.version) > 1)
        ),
        skipped=tuple(name for name, match in matches if not match and name.endswith(".sql")),
        missing=tuple(sorted(set(applied) - set(versions))),
    )


def _is_applied(migration: Migration, applied: Mapping[str, str], shared: bool) -> bool:
    if migration.version not in applied:
        return False
    return not shared or migration.name in applied[migration.version].split(SEPARATOR)
