"""Where a project's files are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backstay.errors import OperatorError

SUPABASE: Final = "supabase"
CONFIG: Final = "config.toml"
STATE: Final = ".backstay"
_MARKS: Final = (CONFIG, "migrations", "seed.sql", "functions")
_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_.-]+")
_LONGEST_ID: Final = 40


@dataclass(frozen=True, slots=True)
class Folders:
    """``root`` is the project folder, ``supabase`` holds config.toml and migrations/."""

    root: Path
    supabase: Path

    @property
    def config(self) -> Path:
        """config.toml, which need not exist."""
        return self.supabase / CONFIG

    @property
    def migrations(self) -> Path:
        """The folder of migrations, which need not exist."""
        return self.supabase / "migrations"

    @property
    def state(self) -> Path:
        """backstay's own folder: data, keys, ports, logs. Never committed to a repository."""
        return self.root / STATE


def find_folders(given: Path, *, upwards: bool = False) -> Folders:
    """The project at ``given``: the folder that holds ``supabase/``, or that folder itself.

    ``upwards`` also looks in the folders above, as the Supabase CLI does for the current one.
    Raises ``OperatorError``.
    """
    start = given.resolve()
    for folder in (start, *(start.parents if upwards else ())):
        if (folder / SUPABASE).is_dir():
            return Folders(folder, folder / SUPABASE)
        if any((folder / mark).exists() for mark in _MARKS):
            return Folders(folder.parent if folder.name == SUPABASE else folder, folder)
    raise OperatorError(
        f"There is no Supabase project in {start}.",
        why=f"It has no {SUPABASE}/ folder.",
        next="Make one with: backstay init"
        if given == Path()
        else f"Make one with: backstay init --project {given}",
    )


def sanitize_project_id(text: str) -> str:
    """``text`` as a project id: letters, digits, ``_.-``, starting with a letter or digit."""
    return _UNFIT.sub("_", text).lstrip("_.-")[:_LONGEST_ID]


def host_label(project_id: str) -> str:
    """The project's name in ``NAME.localhost``: lower case, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", project_id.lower()).strip("-")[:63] or "project"
