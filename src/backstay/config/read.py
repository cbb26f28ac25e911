"""Fills declared dataclasses from a table of config.toml and from the environment.

A field's annotation says what is expected of its value; its declaration says the rest
(``declare.setting``). What is merely odd becomes a notice; what cannot be understood is an
``OperatorError`` that names the file, the line, the key and what was expected.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from backstay.config.declare import Declared, declared
from backstay.config.locate import line_of
from backstay.config.values import (
    parse_integer,
    parse_number,
    parse_parameter,
    parse_switch,
    parse_text,
    parse_texts,
)
from backstay.errors import OperatorError

T = TypeVar("T")
Key = tuple[str, ...]
Parse = Callable[[Any], Any]

_REFERENCE: Final = re.compile(r"env\((.*)\)")
_OWN_TABLE: Final = "backstay"


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """Something odd about a file that stops nothing: ``what``, and the ``next`` thing to do."""

    what: str
    next: str = ""

    @property
    def text(self) -> str:
        """Both in one line."""
        return f"{self.what} {self.next}".rstrip()


def environment_name(key: Key) -> str:
    """What overrides ``key``: ``SUPABASE_API_PORT`` as for the CLI, or our ``BACKSTAY_PORT``."""
    parts = key if key[0] == _OWN_TABLE else ("supabase", *key)
    return "_".join(parts).upper()


def is_section(kind: Any) -> bool:
    """Whether a field of this type is a table of its own."""
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def is_reference(value: Any) -> bool:
    """Whether this is ``env(NAME)`` still, as written."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


class Reader:
    """Reads one file with one environment; gathers notices and what is not yet acted upon."""

    def __init__(self, file: Path | None, text: str, environment: Mapping[str, str]) -> None:
        self._file = file
        self._text = text
        self._environment = environment
        self._unknown: list[Notice] = []
        self._missing: list[Notice] = []
        self._unhonoured: list[str] = []

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Unknown keys, then variables that are referred to and not set."""
        return (*self._unknown, *self._missing)

    @property
    def unhonoured(self) -> tuple[str, ...]:
        """Keys set to something other than their default that nothing acts upon yet."""
        return tuple(self._unhonoured)

    def section(
        self, kind: type[T], table: Any, key: Key = (), *, honoured: bool = True, **given: Any
    ) -> T:
        """A ``kind`` from ``table``; ``given`` are fields that are not settings."""
        if not isinstance(table, dict):
            raise self.error(key, "a section", table)
        missing, unhonoured = len(self._missing), len(self._unhonoured)
        hints = typing.get_type_hints(kind)
        values = dict(given)
        known: set[str] = set()
        for field in dataclasses.fields(kind):  # type: ignore[arg-type]
            declaration = declared(field)
            if declaration is None:
                continue
            name = declaration.key or field.name
            known.add(name)
            found = self._field(
                hints[field.name], declaration, (*key, name), table.get(name), honoured, _of(field)
            )
            if found is not None:
                values[field.name] = found
        self._check_names(table, known, key)
        section = kind(**values)
        if getattr(section, "enabled", True) is False:
            # Nothing is missing from, or lost by, a section that is switched off.
            del self._missing[missing:]
            del self._unhonoured[unhonoured:]
        return section

    def error(self, key: Key, expected: str, value: Any, *, secret: bool = False) -> OperatorError:
        """What to raise for a value that cannot be understood."""
        name = environment_name(key)
        if self._environment.get(name):
            where, fix = name, f"Change or unset {name}."
        else:
            line = line_of(self._text, key)
            where = f"{self._file}:{line}" if line else str(self._file)
            fix = f"Change it in {self._file}, then: backstay config check"
        return OperatorError(
            f"{where}: {'.'.join(key)} must be {expected}.",
            why="" if secret else f"It is {value!r}.",
            next=fix,
        )

    def _field(
        self, kind: Any, said: Declared, key: Key, value: Any, honoured: bool, default: Any
    ) -> Any:
        """The value of one field, or None for its default."""
        honoured = honoured and said.honoured
        kind = required(kind)
        if is_section(kind):
            return self.section(kind, {} if value is None else value, key, honoured=honoured)
        if typing.get_origin(kind) is Mapping:
            return self._mapping(typing.get_args(kind)[1], said, key, value, honoured)
        if typing.get_origin(kind) is tuple and is_section(typing.get_args(kind)[0]):
            return self._sections(typing.get_args(kind)[0], key, value, honoured)
        return self._scalar(kind, said, key, value, honoured, default)

    def _scalar(
        self, kind: Any, said: Declared, key: Key, value: Any, honoured: bool, default: Any
    ) -> Any:
        names = (*said.env, environment_name(key))
        value = next((found for name in names if (found := self._environment.get(name))), value)
        if value is None:
            return None
        value, resolved = self._resolve(value, key, honoured=honoured)
        if not resolved and kind is not str:
            return None
        try:
            found = said.parse(value) if said.parse else _parse(kind)(value)
        except ValueError as error:
            raise self.error(key, str(error), value, secret=said.secret) from None
        if resolved and not honoured and found != default:
            self._unhonoured.append(".".join(key))
        return found

    def _mapping(
        self, kind: Any, said: Declared, key: Key, value: Any, honoured: bool
    ) -> Mapping[str, Any] | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.error(key, "a section of names", value)
        return MappingProxyType(
            {
                name: self.section(kind, item, (*key, name), honoured=honoured)
                if is_section(kind)
                else self._entry(kind, said, (*key, name), item, honoured)
                for name, item in value.items()
            }
        )

    def _entry(self, kind: Any, said: Declared, key: Key, value: Any, honoured: bool) -> Any:
        if kind is Any:
            if not honoured:
                self._unhonoured.append(".".join(key))
            return value
        value, resolved = self._resolve(value, key, honoured=honoured)
        if resolved and not honoured:
            self._unhonoured.append(".".join(key))
        try:
            return parse_parameter(value)
        except ValueError as error:
            raise self.error(key, str(error), value, secret=said.secret) from None

    def _sections(self, kind: Any, key: Key, value: Any, honoured: bool) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise self.error(key, "a list of sections", value)
        return tuple(self.section(kind, item, key, honoured=honoured) for item in value)

    def _resolve(self, value: Any, key: Key, *, honoured: bool) -> tuple[Any, bool]:
        """``value`` with ``env(NAME)`` replaced, and whether every name was found."""
        if isinstance(value, list):
            parts = [self._resolve(item, key, honoured=honoured) for item in value]
            return [part for part, _ in parts], True
        reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if reference is None:
            return value, True
        name = reference.group(1)
        if found := self._environment.get(name):
            return found, True
        if honoured:
            self._missing.append(
                Notice(
                    f"{'.'.join(key)} refers to {name}, which is not set.",
                    f"Set {name} in the environment or in supabase/.env.",
                )
            )
        return value, False

    def _check_names(self, table: Mapping[str, Any], known: Iterable[str], key: Key) -> None:
        names = sorted(known)
        for name in table:
            if name in names:
                continue
            full = ".".join((*key, name))
            shown = f"[{full}]" if isinstance(table[name], dict) else full
            line = line_of(self._text, (*key, name))
            near = difflib.get_close_matches(name, names, n=1)
            self._unknown.append(
                Notice(
                    f"{self._file}{f':{line}' if line else ''}: {shown} is not a known setting.",
                    f"Did you mean {'.'.join((*key, near[0]))}?" if near else "",
                )
            )


def _of(field: dataclasses.Field[Any]) -> Any:
    return field.default_factory() if callable(field.default_factory) else field.default


def required(kind: Any) -> Any:
    """``kind`` without ``| None``."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        (kind,) = (part for part in typing.get_args(kind) if part is not type(None))
    return kind


def _parse(kind: Any) -> Parse:
    if typing.get_origin(kind) is Literal:
        return _choice(typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        return parse_texts
    parse: Parse = {
        bool: parse_switch,
        int: parse_integer,
        float: parse_number,
        str: parse_text,
    }[kind]
    return parse


def _choice(choices: tuple[str, ...]) -> Parse:
    def parse(value: Any) -> str:
        if value in choices:
            return str(value)
        *head, last = (f'"{choice}"' for choice in choices)
        raise ValueError(f"{', '.join(head)} or {last}" if head else last)

    return parse
