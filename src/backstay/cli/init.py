"""``backstay init``: makes a folder a Supabase project, as the Supabase CLI would."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from backstay.cli.options import Project
from backstay.cli.output import say
from backstay.config.folders import STATE, SUPABASE, Folders, sanitize_project_id
from backstay.errors import OperatorError

IGNORED: Final = (".branches", ".temp", ".env.keys", ".env.local", ".env.*.local")


def init(
    project: Project = None,
    force: Annotated[bool, typer.Option(help="Replace a config.toml that is there.")] = False,
) -> None:
    """Make this folder a project: supabase/config.toml, migrations/ and .gitignore."""
    root = (project or Path()).resolve()
    folders = Folders(root, root / SUPABASE)
    if folders.config.exists() and not force:
        raise OperatorError(
            f"{folders.config} is already there.",
            next="Serve it with: backstay start (or replace it with: backstay init --force)",
        )
    folders.migrations.mkdir(parents=True, exist_ok=True)
    name = sanitize_project_id(root.name) or "project"
    folders.config.write_text(default_config(name), "utf-8")
    _keep_out_of_git(folders)
    say(f"Wrote {folders.config}")
    say("Serve it with: backstay start")


def default_config(project_id: str) -> str:
    """The text of a new project's config.toml."""
    template = files("backstay.config").joinpath("default_config.toml").read_text("utf-8")
    return template.replace("{{project_id}}", project_id)


def _keep_out_of_git(folders: Folders) -> None:
    """Ignore what a machine writes; the state folder ignores itself once it is made."""
    _add_lines(folders.supabase / ".gitignore", IGNORED)
    if _in_git(folders.root):
        _add_lines(folders.root / ".gitignore", (f"{STATE}/",))


def _add_lines(path: Path, wanted: tuple[str, ...]) -> None:
    text = path.read_text("utf-8") if path.exists() else ""
    missing = [line for line in wanted if line not in text.splitlines()]
    if missing:
        gap = "" if not text or text.endswith("\n") else "\n"
        path.write_text(text + gap + "\n".join(missing) + "\n", "utf-8")


def _in_git(folder: Path) -> bool:
    return any((parent / ".git").exists() for parent in (folder, *folder.parents))
