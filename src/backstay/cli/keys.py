"""``backstay keys``: what clients authenticate with, and what signs tokens."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from backstay.cli.options import Project, folders_of
from backstay.cli.output import pairs, remark, say
from backstay.clock import SystemClock
from backstay.config.folders import Folders
from backstay.config.instance import read_instance
from backstay.errors import OperatorError

app = typer.Typer(help="Show, make and replace the project's keys.", no_args_is_help=True)


@app.command("show")
def show(project: Project = None) -> None:
    """Show the keys the project has: the running server's, or those it would start with."""
    folders = folders_of(project)
    instance = read_instance(folders.state)
    if instance is not None:
        rows = [(name, value) for name, value in instance.status.items() if _is_key(name)]
        say(pairs(rows, sys.stdout, indent=""))
        return
    from backstay.tokens.key_store import load_keys  # noqa: PLC0415

    kept = load_keys(folders.state)
    if kept is None:
        say("The project has no keys of its own: alone and on loopback it is served with the")
        say("well-known development keys. Give it its own with: backstay keys generate")
        return
    rows = [
        ("PUBLISHABLE_KEY", kept.publishable_key),
        ("SECRET_KEY", kept.secret_key),
        ("JWT_SECRET", kept.jwt_secret),
        ("ANON_KEY", kept.anon_key),
        ("SERVICE_ROLE_KEY", kept.service_role_key),
    ]
    say(pairs(rows, sys.stdout, indent=""))


@app.command("generate")
def generate(project: Project = None) -> None:
    """Give the project random keys of its own, kept in .backstay/keys.json."""
    from backstay.tokens.key_store import load_keys  # noqa: PLC0415

    folders = folders_of(project)
    if load_keys(folders.state) is not None:
        raise OperatorError(
            f"{folders.root} has keys of its own already.",
            next="Replace them with: backstay keys rotate",
        )
    _replace(folders)


@app.command("rotate")
def rotate(
    project: Project = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Replace every key; tokens and API keys given out before no longer work."""
    folders = folders_of(project)
    if not yes and not typer.confirm("Every session ends and every client needs new keys. Go on?"):
        raise typer.Exit(1)
    _replace(folders)


@app.command("signing-key")
def signing_key(
    algorithm: Annotated[str, typer.Option(help="ES256 or RS256.")] = "ES256",
) -> None:
    """Print a new private signing key, for the file signing_keys_path names."""
    from backstay.tokens.api_keys import generate_signing_key  # noqa: PLC0415

    if algorithm not in ("ES256", "RS256"):
        raise typer.BadParameter("It is ES256 or RS256.", param_hint="--algorithm")
    say(json.dumps([generate_signing_key(algorithm)], indent=2))


def _replace(folders: Folders) -> None:
    from backstay.tokens.api_keys import ProjectKeys  # noqa: PLC0415
    from backstay.tokens.key_store import save_keys  # noqa: PLC0415

    save_keys(folders.state, ProjectKeys.generate(SystemClock()))
    say(f"New keys are in {folders.state / 'keys.json'}. See them with: backstay keys show")
    if read_instance(folders.state):
        remark("The running server keeps the old ones until: backstay stop, backstay start")


def _is_key(name: str) -> bool:
    return name.endswith(("_KEY", "_SECRET", "KEY_ID"))
