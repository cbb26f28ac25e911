"""Every setting as a row: for ``backstay config show`` and for the reference page."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from backstay.config.declare import Declared, declared
from backstay.config.read import Key, environment_name, is_reference, is_section, required

HIDDEN: Final = '"…"'
"""Shown in place of a secret that is set."""

_WORDS: Final[Mapping[Any, str]] = {bool: "true or false", int: "number", float: "seconds"}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One setting. ``shown`` is its value as TOML, secrets hidden; ``kind`` says what it takes."""

    key: str
    env: tuple[str, ...]
    kind: str
    default: Any
    value: Any
    doc: str
    honoured: bool
    secret: bool

    @property
    def changed(self) -> bool:
        """Whether it differs from the default."""
        return bool(self.value != self.default)

    @property
    def shown(self) -> str:
        hidden = self.secret and self.value and not is_reference(self.value)
        return HIDDEN if hidden else as_toml(self.value)

    @property
    def default_shown(self) -> str:
        return as_toml(self.default)


def entries(kind: type[Any], value: Any = None, key: Key = ()) -> Iterator[Entry]:
    """Every setting of a declared dataclass, sections opened, in the order of declaration.

    With a ``value`` the entries of mappings are listed by name; without one as ``<name>``, and
    every setting's value is None.
    """
    yield from _section(kind, value, key, True)


def as_toml(value: Any) -> str:
    """``value`` as config.toml would have it; nothing for unset."""
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {as_toml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _section(kind: type[Any], value: Any, key: Key, honoured: bool) -> Iterator[Entry]:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        said = declared(field)
        if said is None:
            continue
        name = (*key, said.key or field.name)
        own = getattr(value, field.name) if value is not None else None
        expected = required(hints[field.name])
        acted = honoured and said.honoured
        if is_section(expected):
            yield from _section(expected, own, name, acted)
        elif typing.get_origin(expected) is Mapping:
            yield from _mapping(typing.get_args(expected)[1], said, own, name, acted)
        else:
            default = None if field.default is dataclasses.MISSING else field.default
            yield _entry(expected, said, name, default, own, acted)


def _mapping(kind: Any, said: Declared, value: Any, key: Key, honoured: bool) -> Iterator[Entry]:
    names: Mapping[str, Any] = {"<name>": None} if value is None else value
    for name, item in names.items():
        if is_section(kind):
            yield from _section(kind, item, (*key, name), honoured)
        else:
            yield _entry(str, said, (*key, name), None, item, honoured)


def _entry(kind: Any, said: Declared, key: Key, default: Any, value: Any, honoured: bool) -> Entry:
    return Entry(
        key=".".join(key),
        env=(*said.env, environment_name(key)),
        kind=_kind(kind, said),
        default=default,
        value=value,
        doc=said.doc,
        honoured=honoured,
        secret=said.secret,
    )


def _kind(kind: Any, said: Declared) -> str:
    if said.parse is not None and said.parse.__name__ == "parse_size":
        return "size"
    if typing.get_origin(kind) is Literal:
        return " or ".join(json.dumps(choice) for choice in typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        return "list"
    return _WORDS.get(kind, "text")
