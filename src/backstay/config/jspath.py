"""``jwt-role-claim-key``: the path in a token's claims at which the role stands.

Two syntaxes are read, the newer one first:

* JSONPath (RFC 9535): ``$.realm_access.roles[?(@ == "editor")]``; the first node found is taken.
* PostgREST's older one: ``.realm_access.roles[?(@ ^== "edit")]``: keys, indexes and, last, one
  comparison with a text: ``==``, ``!=``, ``^==`` starts with, ``==^`` ends with, ``*==`` contains.

https://docs.postgrest.org/en/stable/references/auth.html#jwt-role-extraction
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backstay.config.jsonpath import JsonPath, JsonPathError, parse_jsonpath


@dataclass(frozen=True, slots=True)
class RolePath:
    """A parsed role claim key. ``text`` is how it is shown; ``old`` that its syntax is outdated."""

    text: str
    old: bool
    find: Callable[[Any], Any]
    """The JSON value at the path in decoded claims, or None."""


def parse_role_path(text: str) -> RolePath:
    """Raises ``ValueError`` with PostgREST's wording when ``text`` is of neither syntax."""
    try:
        query = parse_jsonpath(text)
    except JsonPathError:
        return _parse_old(text)
    return RolePath(text, old=False, find=lambda claims: _first(query, claims))


def _first(query: JsonPath, claims: Any) -> Any:
    return next(iter(query.find(claims)), None)


_STEP = re.compile(r'\.(?:(?P<key>[\w$@]+)|"(?P<quoted>[^"]*)")|\[(?P<index>\d+)\]')
_FILTER = re.compile(r'\[\?\(@\s*(?P<op>==\^|==|!=|\^==|\*==)\s*"(?P<text>[^"]*)"\)\]\Z')

_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "==": lambda value, text: value == text,
    "!=": lambda value, text: value != text,
    "^==": str.startswith,
    "==^": str.endswith,
    "*==": lambda value, text: text in value,
}


@dataclass(frozen=True, slots=True)
class _OldPath:
    steps: tuple[str | int, ...]
    test: tuple[str, str] | None

    def find(self, claims: Any) -> Any:
        value = claims
        for step in self.steps:
            if isinstance(step, str):
                value = value.get(step) if isinstance(value, Mapping) else None
            else:
                inside = isinstance(value, list) and step < len(value)
                value = value[step] if inside else None
        if self.test is None:
            return value
        operator, text = self.test
        texts = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
        return next((item for item in texts if _TESTS[operator](item, text)), None)

    def __str__(self) -> str:
        shown = [f'."{step}"' if isinstance(step, str) else f"[{step}]" for step in self.steps]
        if self.test is not None:
            shown.append('[?(@ {} "{}")]'.format(*self.test))
        return "".join(shown)


def _parse_old(text: str) -> RolePath:
    steps: list[str | int] = []
    test: tuple[str, str] | None = None
    at = 0
    while at < len(text):
        if step := _STEP.match(text, at):
            key = step["key"] if step["key"] is not None else step["quoted"]
            steps.append(key if key is not None else int(step["index"]))
        elif step := _FILTER.match(text, at):
            test = (step["op"], step["text"])
        else:
            raise ValueError(f"failed to parse role-claim-key value ({text}) at {at + 1}")
        at = step.end()
    if not steps and test is None:
        raise ValueError(f"failed to parse role-claim-key value ({text})")
    path = _OldPath(tuple(steps), test)
    return RolePath(str(path), old=True, find=path.find)
