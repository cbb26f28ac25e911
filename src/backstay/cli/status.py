"""``backstay status``: where the project is, under the names of the Supabase CLI."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from backstay.cli.options import Project, folders_of
from backstay.cli.output import paint, pairs, say
from backstay.config.folders import Folders
from backstay.config.instance import Instance, read_instance
from backstay.config.status import NAMES
from backstay.errors import OperatorError


class Format(StrEnum):
    """How values are printed."""

    PRETTY = "pretty"
    ENV = "env"
    JSON = "json"
    TOML = "toml"
    YAML = "yaml"


def status(
    project: Project = None,
    output: Annotated[
        Format, typer.Option("-o", "--output", help="How to print the values.")
    ] = Format.PRETTY,
    override_name: Annotated[
        list[str] | None,
        typer.Option(help="Print a value under another name: api.url=NEXT_PUBLIC_SUPABASE_URL."),
    ] = None,
    get: Annotated[str | None, typer.Option(metavar="NAME", help="Print one value only.")] = None,
) -> None:
    """Show where the running project is: URLs, keys, ports."""
    found = running(folders_of(project))
    values = renamed(found.status, override_name or [])
    if get is not None:
        say(_one(values, get))
    elif output is Format.PRETTY:
        say(pretty(found))
    else:
        say(encode(values, output))


def running(folders: Folders) -> Instance:
    """The server of this project. Raises ``OperatorError`` when none runs."""
    found = read_instance(folders.state)
    if found is None:
        raise OperatorError(
            f"{folders.root} is not being served.", next=f"Start it with: {_start(folders)}"
        )
    return found


def pretty(instance: Instance) -> str:
    """For a person: everything, keys that fit a line first."""
    stream = sys.stdout
    name = paint(instance.project_id, "cyan", stream)
    rows = [("FOLDER", instance.root), ("PROCESS", str(instance.pid)), *instance.status.items()]
    if further := [url for url in instance.urls if url != instance.status.get("API_URL")]:
        rows.append(("ALSO AT", "  ".join(further)))
    return f"{name} is being served since {instance.started_at}\n{pairs(rows, stream)}"


def renamed(values: Mapping[str, str], overrides: list[str]) -> dict[str, str]:
    """``values`` with the names a script asked for. Raises ``OperatorError``."""
    by_key = {name.key: name.name for name in NAMES}
    names = dict(zip(by_key.values(), by_key.values(), strict=True))
    for override in overrides:
        key, equals, wanted = override.partition("=")
        if not equals or key not in by_key or not wanted:
            raise OperatorError(
                f"--override-name {override} is not understood.",
                why="It is KEY=NAME with a KEY of: " + ", ".join(by_key),
            )
        names[by_key[key]] = wanted
    return {names.get(name, name): value for name, value in values.items()}


def encode(values: Mapping[str, str], output: Format) -> str:
    """``values`` for a machine, in the order of their names."""
    ordered = dict(sorted(values.items()))
    if output is Format.JSON:
        return json.dumps(ordered, indent=2)
    between = {Format.ENV: "=", Format.TOML: " = ", Format.YAML: ": "}[output]
    quote = _shell_quoted if output is Format.ENV else json.dumps
    return "\n".join(f"{name}{between}{quote(value)}" for name, value in ordered.items())


def _shell_quoted(value: str) -> str:
    """In double quotes, as the CLI prints it and as ``eval`` and dotenv files read it."""
    for special in ("\\", '"', "$", "`", "!"):
        value = value.replace(special, f"\\{special}")
    return f'"{value}"'


def _one(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise OperatorError(f"There is no {name}.", why="There is: " + ", ".join(values))
    return values[name]


def _start(folders: Folders) -> str:
    here = folders.root == Path.cwd()
    return "backstay start" if here else f"backstay start {folders.root}"
