"""PostgREST's configuration file: ``key = value`` lines, as its parser library reads them.

    # a comment
    db-uri = "postgresql://localhost/app"
    db-pool = 10
    app { settings { name = "value" } }      # the same as app.settings.name
    jwt-secret = "$(SECRET)"                  # from the environment; $$ is a dollar sign
    import "more.conf"

https://docs.postgrest.org/en/stable/references/configuration.html#config-file
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Value = str | int | float | bool | tuple["Value", ...]

_TOKEN = re.compile(
    r"""
    (?P<skip>[ \t\r\n]+|\#[^\n]*)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.-]))
  | (?P<word>[^\W\d][\w-]*(?:\.[^\W\d][\w-]*)*)
  | (?P<mark>[={}\[\],])
    """,
    re.VERBOSE,
)
_WORDS: Mapping[str, bool] = {"true": True, "on": True, "false": False, "off": False}
_ESCAPES: Mapping[str, str] = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}

Token = tuple[str, str]


def read_config_file(path: Path, environment: Mapping[str, str]) -> dict[str, Value]:
    """The file's settings by full key. Raises ``OSError``, or ``ValueError`` naming the line."""
    return parse_config(
        path.read_text(encoding="utf-8"),
        environment,
        lambda name: read_config_file(path.parent / name, environment),
    )


def parse_config(
    text: str,
    environment: Mapping[str, str],
    include: Callable[[str], Mapping[str, Value]] = lambda _name: {},
) -> dict[str, Value]:
    """Settings of ``text`` by full key; a later one wins. Raises ``ValueError``."""
    reader = _Reader(list(_tokens(text)), environment, include)
    return reader.group("", end=None)


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise ValueError(f"cannot read line {line}: {text[at:].splitlines()[0]}")
        at = found.end()
        kind = found.lastgroup or ""
        if kind != "skip":
            yield kind, found.group()


class _Reader:
    def __init__(
        self,
        tokens: list[Token],
        environment: Mapping[str, str],
        include: Callable[[str], Mapping[str, Value]],
    ) -> None:
        self.tokens = tokens
        self.at = 0
        self.environment = environment
        self.include = include

    def next(self) -> Token:
        if self.at == len(self.tokens):
            return "end", "the end of the file"
        self.at += 1
        return self.tokens[self.at - 1]

    def group(self, prefix: str, end: str | None) -> dict[str, Value]:
        """Settings up to ``end``, their keys behind ``prefix``."""
        found: dict[str, Value] = {}
        while True:
            kind, key = self.next()
            if (kind == "end" and end is None) or (kind == "mark" and key == end):
                return found
            if kind != "word":
                raise ValueError(f"a setting's name was expected, found {key}")
            kind, text = self.next()
            if key == "import" and kind == "string":
                included = self.include(self.interpolated(text, found))
                found |= {prefix + name: value for name, value in included.items()}
            elif text == "=":
                found[prefix + key] = self.value(*self.next(), found)
            elif text == "{":
                found |= self.group(f"{prefix}{key}.", end="}")
            else:
                raise ValueError(f"{key} must be followed by = or {{, found {text}")

    def value(self, kind: str, text: str, known: Mapping[str, Value]) -> Value:
        if kind == "string":
            return self.interpolated(text, known)
        if kind == "number":
            return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
        if text in _WORDS:
            return _WORDS[text]
        if text != "[":
            raise ValueError(f"a value was expected, found {text}")
        items: list[Value] = []
        while (token := self.next()) != ("mark", "]"):
            if token != ("mark", ","):
                items.append(self.value(*token, known))
        return tuple(items)

    def interpolated(self, quoted: str, known: Mapping[str, Value]) -> str:
        text = re.sub(r"\\(u[0-9a-fA-F]{4}|.)", _unescape, quoted[1:-1], flags=re.DOTALL)

        def replace(found: re.Match[str]) -> str:
            name = found[1]
            if name is None:
                return "$"
            if name in known:
                return str(known[name])
            if name in self.environment:
                return self.environment[name]
            raise ValueError(f"no such variable: {name}")

        return re.sub(r"\$(?:\$|\(([^)]*)\))", replace, text)


def _unescape(found: re.Match[str]) -> str:
    escape = found[1]
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    return _ESCAPES.get(escape, found[0])
