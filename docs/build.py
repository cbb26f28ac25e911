"""Writes the pages of the reference that follow from the code: ``python -m docs.build``.

    docs/reference/settings.md     every setting, from its declaration
    docs/reference/cli.md          every verb, from its function

A test fails when a page is not what this would write.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import typer

from backstay.cli.main import build
from backstay.config.declare import declared
from backstay.config.describe import Entry, as_toml, entries
from backstay.config.project import ProjectConfig
from backstay.config.rest import RestSettings

REFERENCE: Final = Path(__file__).parent / "reference"

_SETTINGS_HEAD: Final = """\
# Settings

Made from the code by `make docs`; change the declaration, not this page.

A project is configured by `supabase/config.toml`, the Supabase CLI's own file, read unchanged.
Without one every setting has its default.

- Any text may be `env(NAME)`: the variable's value is taken from the environment, else from
  `.env.development.local`, `.env.local`, `.env.development` or `.env`, first in `supabase/`, then
  in the project folder. `SUPABASE_ENV` replaces `development`. A variable that is not set is warned
  about, and the text stays as it is.
- Every key is also an environment variable, which wins over the file: `SUPABASE_` and the key for
  the CLI's keys, `BACKSTAY_` and the key for those of `[backstay]`. It may stand in the same files.
- A key nobody knows is warned about, with the nearest that is known; it stops nothing.
- Durations are Go's (`"90s"`, `"1h30m"`), sizes have units (`"500KB"`, `"50MiB"`, both binary).
- "later" marks a key that is read and not yet acted upon; `backstay config show` lists those a
  project sets.
- The Supabase CLI refuses a file with a table it does not know: `[backstay]` is for projects that
  backstay alone serves. The environment variables work for both.
"""

_REST_HEAD: Final = """\
## backstay rest

PostgREST's settings, by PostgREST's names: an environment variable, the same in lower case with
hyphens in a configuration file, or `pgrst.` and the name on the login role. Their meaning is
[PostgREST's](https://docs.postgrest.org/en/stable/references/configuration.html).
"""

_CLI_HEAD: Final = """\
# Command line

Made from the code by `make docs`; change the verb, not this page.

Every verb takes `--project DIR`; without it the current folder, or the nearest one above it that
holds a project, is meant. Answers go to stdout, everything else to stderr. Colour is used on a
terminal only, and never with `NO_COLOR`; when stderr is not a terminal, `start` writes one JSON
object a line. Exit status: 0 done, 1 refused or failed, 2 not understood, 130 interrupted.
"""


def settings_page() -> str:
    """Every setting of config.toml, a table a section, and those of ``backstay rest``."""
    parts = [_SETTINGS_HEAD]
    found = sorted(entries(ProjectConfig), key=lambda entry: _section(entry) != "")
    for section, rows in groupby(found, key=_section):
        parts.append(f"## {f'[{section}]' if section else 'Top level'}\n")
        parts.append(_table(_setting_row(entry) for entry in rows))
    parts += [
        _REST_HEAD,
        _table(map(_rest_row, _rest_fields()), ("Variable", "Default", "Meaning")),
    ]
    return "\n".join(parts)


def cli_page() -> str:
    """Every verb with its arguments and options."""
    root: Any = typer.main.get_command(build())
    parts = [_CLI_HEAD]
    parts += [_verb(path, command) for path, command in verbs(root, "backstay")]
    return "\n".join(parts)


PAGES: Final[tuple[tuple[str, Callable[[], str]], ...]] = (
    ("settings.md", settings_page),
    ("cli.md", cli_page),
)


def verbs(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command that is not hidden, with the words that call it."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from verbs(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def main() -> None:
    """Write every page."""
    REFERENCE.mkdir(exist_ok=True)
    for name, page in PAGES:
        (REFERENCE / name).write_text(page(), "utf-8")


def _section(entry: Entry) -> str:
    return entry.key.rpartition(".")[0]


def _setting_row(entry: Entry) -> tuple[str, ...]:
    doc = entry.doc + ("" if entry.honoured else " *later*")
    name = entry.key.rpartition(".")[2]
    return (f"`{name}`", _code(entry.default_shown), entry.kind, _variables(entry), doc)


def _variables(entry: Entry) -> str:
    # A key below a name the user chooses has a variable for every such name.
    return " ".join(_code(name) for name in entry.env)


def _rest_fields() -> Iterator[dataclasses.Field[Any]]:
    return (field for field in dataclasses.fields(RestSettings) if declared(field))


def _rest_row(field: dataclasses.Field[Any]) -> tuple[str, ...]:
    said = declared(field)
    default = "" if field.default in ((), "") else as_toml(field.default)
    return (f"`PGRST_{field.name.upper()}`", _code(default), said.doc if said else "")


def _table(
    rows: Iterator[tuple[str, ...]],
    header: tuple[str, ...] = ("Key", "Default", "Takes", "Variable", "Meaning"),
) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _verb(path: str, command: Any) -> str:
    usage = " ".join(_usage(parameter) for parameter in command.params)
    lines = [f"## {path}\n", f"    {path} {usage}".rstrip() + "\n", command.help.strip() + "\n"]
    rows = [_parameter_row(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        lines.append(_table(iter(rows), ("Argument", "Meaning", "Default")))
    return "\n".join(lines)


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        shown = parameter.metavar or f"{parameter.name.upper()}"
        return shown if parameter.required or shown.startswith("[") else f"[{shown}]"
    # The first long name is the one to learn; the others are for hands that know them.
    name = next((name for name in parameter.opts if name.startswith("--")), parameter.opts[0])
    shown = name + ("" if parameter.is_flag else f" {_value(parameter)}")
    return shown if parameter.required else f"[{shown}]"


def _parameter_row(parameter: Any) -> tuple[str, ...]:
    if parameter.param_type_name == "argument":
        return (_code(parameter.metavar or parameter.name.upper()), parameter.help or "", "")
    names = ", ".join(parameter.opts) + ("" if parameter.is_flag else f" {_value(parameter)}")
    default = parameter.default
    shown = "" if default in (None, False, ()) or callable(default) else str(default)
    return (_code(names), parameter.help or "", _code(shown))


def _value(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


if __name__ == "__main__":
    main()
