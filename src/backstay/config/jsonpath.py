"""JSONPath queries (RFC 9535): names, wildcards, indexes, slices, descendants and filters.

Of the RFC's function extensions ``length``, ``match`` and ``search`` are known.
https://www.rfc-editor.org/rfc/rfc9535
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

NOTHING = object()
"""The value of a query that finds no node; differs from JSON null."""

Selector = Callable[[Any, Any], Iterator[Any]]
"""From the root and one node to the nodes selected below it."""

Expression = Callable[[Any, Any], Any]
"""From the root and the current node (``@``) to a value."""


class JsonPathError(ValueError):
    """Not a JSONPath query."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Selectors applied to each node, or to each node and all below it."""

    selectors: tuple[Selector, ...]
    descend: bool = False

    def apply(self, root: Any, nodes: list[Any]) -> list[Any]:
        if self.descend:
            nodes = [inner for node in nodes for inner in _with_descendants(node)]
        return [
            found for node in nodes for select in self.selectors for found in select(root, node)
        ]


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A parsed query."""

    segments: tuple[Segment, ...]
    singular: bool
    """Names and indexes only: it finds one node at most."""

    def find(self, node: Any, root: Any = NOTHING) -> list[Any]:
        """The nodes found, in order."""
        top = node if root is NOTHING else root
        nodes = [node]
        for segment in self.segments:
            nodes = segment.apply(top, nodes)
        return nodes


def parse_jsonpath(text: str) -> JsonPath:
    """Raises ``JsonPathError`` where ``text`` is not a query that begins with ``$``."""
    reader = _Reader(text)
    if not reader.take(r"\$"):
        raise reader.error()
    query = reader.segments()
    if reader.at != len(text):
        raise reader.error()
    return query


def _with_descendants(node: Any) -> Iterator[Any]:
    yield node
    for child in _children(None, node):
        yield from _with_descendants(child)


def _children(_root: Any, node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _name(name: str) -> Selector:
    def select(_root: Any, node: Any) -> Iterator[Any]:
        if isinstance(node, dict) and name in node:
            yield node[name]

    return select


def _index(index: int) -> Selector:
    def select(_root: Any, node: Any) -> Iterator[Any]:
        if isinstance(node, list) and -len(node) <= index < len(node):
            yield node[index]

    return select


def _slice(start: int | None, stop: int | None, step: int) -> Selector:
    def select(_root: Any, node: Any) -> Iterator[Any]:
        if isinstance(node, list) and step:
            yield from node[start:stop:step]

    return select


def _filter(test: Expression) -> Selector:
    def select(root: Any, node: Any) -> Iterator[Any]:
        return (child for child in _children(root, node) if test(root, child))

    return select


_INT = r"(?:0|-?[1-9][0-9]*)"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_SHORT = r"[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*"


class _Reader:
    """A cursor over the text; each method reads one production of the RFC's grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self) -> JsonPathError:
        return JsonPathError(f"not JSONPath at character {self.at + 1} of {self.text!r}")

    def take(self, pattern: str) -> re.Match[str] | None:
        found = re.compile(pattern).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def spaced(self, pattern: str) -> re.Match[str] | None:
        before = self.at
        self.take(r"[ \t\r\n]*")
        found = self.take(pattern)
        if not found:
            self.at = before
        return found

    def expect(self, pattern: str) -> re.Match[str]:
        found = self.spaced(pattern)
        if not found:
            raise self.error()
        return found

    def segments(self) -> JsonPath:
        found: list[Segment] = []
        singular = True
        while True:
            if self.spaced(r"\.\.(?=\[)"):
                self.expect(r"\[")
                found.append(Segment(self._bracketed()[0], descend=True))
                singular = False
            elif step := self.spaced(rf"(\.\.?)(?:({_SHORT})|\*)"):
                descend, name = step[1] == "..", step[2]
                found.append(Segment((_name(name) if name else _children,), descend))
                singular = singular and name is not None and not descend
            elif self.spaced(r"\["):
                selectors, single = self._bracketed()
                found.append(Segment(selectors))
                singular = singular and single
            else:
                return JsonPath(tuple(found), singular)

    def _bracketed(self) -> tuple[tuple[Selector, ...], bool]:
        first, single = self._selector()
        found = [first]
        while self.spaced(","):
            found.append(self._selector()[0])
        self.expect(r"\]")
        return tuple(found), single and len(found) == 1

    def _selector(self) -> tuple[Selector, bool]:
        if name := self.spaced(_STRING):
            return _name(self._text(name[0])), True
        if self.spaced(r"\*"):
            return _children, False
        if self.spaced(r"\?"):
            return _filter(self._either()), False
        if bounds := self.spaced(rf"({_INT})?\s*:\s*({_INT})?(?:\s*:\s*({_INT})?)?"):
            start, stop, step = (int(part) if part else None for part in bounds.groups())
            return _slice(start, stop, 1 if step is None else step), False
        return _index(int(self.expect(_INT)[0])), True

    def _text(self, quoted: str) -> str:
        inner = quoted[1:-1].replace("\\'", "'")
        if quoted[0] == "'":
            inner = re.sub(r'(?<!\\)"', r"\"", inner)
        try:
            return str(json.loads(f'"{inner}"'))
        except ValueError as error:
            raise self.error() from error

    def _either(self) -> Expression:
        parts = [self._both()]
        while self.spaced(r"\|\|"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else _any(parts)

    def _both(self) -> Expression:
        parts = [self._basic()]
        while self.spaced("&&"):
            parts.append(self._basic())
        return parts[0] if len(parts) == 1 else _all(parts)

    def _basic(self) -> Expression:
        negated = bool(self.spaced(r"!(?!=)"))
        if self.spaced(r"\("):
            inner = self._either()
            self.expect(r"\)")
        else:
            inner = self._test_or_comparison(negated)
        return (lambda root, node: not inner(root, node)) if negated else inner

    def _test_or_comparison(self, negated: bool) -> Expression:
        left, kind = self._comparable()
        operator = None if negated else self.spaced(r"==|!=|<=|>=|<|>")
        if operator is None:
            if kind == "literal":
                raise self.error()
            if kind == "function":
                return lambda root, node: left(root, node) is True
            return lambda root, node: left(root, node) is not NOTHING
        right, _ = self._comparable()
        compare = _COMPARE[operator[0]]
        return lambda root, node: compare(left(root, node), right(root, node))

    def _comparable(self) -> tuple[Expression, Literal["query", "literal", "function"]]:
        if origin := self.spaced(r"[@$]"):
            query = self.segments()
            from_root = origin[0] == "$"
            return (
                lambda root, node: _only(query.find(root if from_root else node, root))
            ), "query"
        if text := self.spaced(_STRING):
            return _constant(self._text(text[0])), "literal"
        if literal := self.spaced(rf"true\b|false\b|null\b|{_NUMBER}"):
            return _constant(json.loads(literal[0])), "literal"
        return self._function(), "function"

    def _function(self) -> Expression:
        name = self.expect(r"(length|match|search)\(")[1]
        arguments = [self._comparable()[0]]
        while self.spaced(","):
            arguments.append(self._comparable()[0])
        self.expect(r"\)")
        if len(arguments) != (2 if name in ("match", "search") else 1):
            raise self.error()
        call = _FUNCTIONS[name]
        return lambda root, node: call([argument(root, node) for argument in arguments])


def _constant(value: Any) -> Expression:
    return lambda _root, _node: value


def _any(parts: Sequence[Expression]) -> Expression:
    return lambda root, node: any(part(root, node) for part in parts)


def _all(parts: Sequence[Expression]) -> Expression:
    return lambda root, node: all(part(root, node) for part in parts)


def _only(nodes: list[Any]) -> Any:
    return nodes[0] if nodes else NOTHING


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _less(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    return bool(numbers and left < right)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": _less,
    ">": lambda left, right: _less(right, left),
    "<=": lambda left, right: _less(left, right) or _equal(left, right),
    ">=": lambda left, right: _less(right, left) or _equal(left, right),
}


def _length(arguments: Sequence[Any]) -> Any:
    value = arguments[0]
    return len(value) if isinstance(value, (str, list, dict)) else NOTHING


def _matches(whole: bool) -> Callable[[Sequence[Any]], Any]:
    def call(arguments: Sequence[Any]) -> bool:
        value, pattern = arguments
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        try:
            found = re.fullmatch(pattern, value) if whole else re.search(pattern, value)
        except re.error:
            return False
        return found is not None

    return call


_FUNCTIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "length": _length,
    "match": _matches(whole=True),
    "search": _matches(whole=False),
}
