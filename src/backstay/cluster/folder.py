"""Reads the SQL files of a project folder: the one that holds ``migrations/`` and ``seed.sql``."""

from __future__ import annotations

import glob
import hashlib
import os.path
from collections.abc import Sequence
from pathlib import Path

from backstay.cluster.plan import plan


class NotText(ValueError):
    """A file is not UTF-8; ``line`` is where it stops being so."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(f"{path.name} is not UTF-8")
        self.line = line


def names(folder: Path) -> list[str]:
    """The file names in ``folder``; none when there is no such folder."""
    return [entry.name for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []


def read(path: Path) -> str:
    """The text of a file, without a byte order mark. Raises ``NotText``."""
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise NotText(path, content.count(b"\n", 0, problem.start) + 1) from problem


def seed_files(folder: Path, patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files that ``sql_paths`` of config.toml name, and the patterns that name none.

    Relative to ``folder``; in the order of the patterns, within one by name; each file once.
    """
    found: dict[str, None] = {}
    unmatched: list[str] = []
    for pattern in patterns:
        # Not Path.glob: a pattern may lead out of the folder or be absolute.
        matches = sorted(glob.glob(os.path.normpath(pattern), root_dir=folder))  # noqa: PTH207
        files = [match for match in matches if (folder / match).is_file()]
        found.update(dict.fromkeys(Path(match).as_posix() for match in files))
        if not files:
            unmatched.append(pattern)
    return list(found), unmatched


def fingerprint(folder: Path, patterns: Sequence[str] = ()) -> str:
    """A hash of the roles and migrations of ``folder`` and of the seed files ``patterns`` name.

    Two equal ones make equal databases: the key of the template that ``db reset`` starts from.
    """
    digest = hashlib.sha256()
    migrations = [f"migrations/{m.file}" for m in plan(names(folder / "migrations"), {}).pending]
    for file in ("roles.sql", *migrations, *seed_files(folder, patterns)[0]):
        if (folder / file).is_file():
            content = (folder / file).read_bytes()
            digest.update(f"{file}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            digest.update(content)
    return digest.hexdigest()
