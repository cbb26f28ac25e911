"""Media types: what ``Accept`` and ``Content-Type`` say, and what an answer calls itself.

https://docs.postgrest.org/en/stable/references/api/resource_representation.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

PLAN_OPTIONS = ("analyze", "verbose", "settings", "buffers", "wal")

_MAIN = re.compile(r"[A-Za-z0-9.*]+/[A-Za-z0-9.*+-]+")
_PARAMETER = re.compile(r"\s*;\s*([A-Za-z0-9-]+)\s*=\s*(?:\"([^\"]*)\"|([A-Za-z0-9|-]+))")


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of ``application/vnd.pgrst.plan``: an execution plan instead of rows."""

    subject: MediaType
    format: Literal["text", "json"]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type. ``name`` is lower case for those the dialect knows, else as it was sent."""

    name: str
    known: bool = False
    nulls_stripped: bool = False
    plan: Plan | None = None

    @property
    def written(self) -> str:
        """As it stands in a message or a header, without charset."""
        if self.plan is None:
            return f"{self.name};nulls=stripped" if self.nulls_stripped else self.name
        options = f"; options={'|'.join(self.plan.options)}" if self.plan.options else ""
        return f'{self.name}+{self.plan.format}; for="{self.plan.subject.written}"{options}'

    @property
    def content_type(self) -> str:
        """The value of a ``Content-Type`` header."""
        bare = self == OCTET_STREAM or not self.known
        return self.written if bare else f"{self.written}; charset=utf-8"


JSON = MediaType("application/json", True)
GEO_JSON = MediaType("application/geo+json", True)
CSV = MediaType("text/csv", True)
TEXT = MediaType("text/plain", True)
XML = MediaType("text/xml", True)
OPENAPI = MediaType("application/openapi+json", True)
URL_ENCODED = MediaType("application/x-www-form-urlencoded", True)
OCTET_STREAM = MediaType("application/octet-stream", True)
ANY = MediaType("*/*", True)
SINGULAR = MediaType("application/vnd.pgrst.object+json", True)
SINGULAR_STRIPPED = MediaType("application/vnd.pgrst.object+json", True, True)
ARRAY_STRIPPED = MediaType("application/vnd.pgrst.array+json", True, True)

_PLAIN = {
    media.name: media
    for media in (JSON, GEO_JSON, CSV, TEXT, XML, OPENAPI, URL_ENCODED, OCTET_STREAM, ANY)
}
_PLAN = "application/vnd.pgrst.plan"
_MAX_NESTED_PLANS = 2


def is_singular(media: MediaType) -> bool:
    """Exactly one row is wanted, as an object."""
    return media.name == SINGULAR.name


@lru_cache(maxsize=512)
def parse_media_type(text: str) -> MediaType:
    """The media type named by ``text``, its parameters included."""
    return _parse(text, 0)


def _parse(text: str, depth: int) -> MediaType:
    match = _MAIN.match(text)
    if match is None:
        return MediaType(text)
    name = match.group().lower()
    if name in _PLAIN:
        return _PLAIN[name]
    parameters = _parameters(text, match.end())
    stripped = parameters.get("nulls") == "stripped"
    if name in ("application/vnd.pgrst.object+json", "application/vnd.pgrst.object"):
        return SINGULAR_STRIPPED if stripped else SINGULAR
    if name in ("application/vnd.pgrst.array+json", "application/vnd.pgrst.array"):
        return ARRAY_STRIPPED if stripped else JSON
    if name in (_PLAN, f"{_PLAN}+text", f"{_PLAN}+json") and depth < _MAX_NESTED_PLANS:
        subject = _parse(parameters.get("for", "application/json"), depth + 1)
        wanted = parameters.get("options", "").split("|")
        options = tuple(option for option in PLAN_OPTIONS if option in wanted)
        return MediaType(
            _PLAN, True, plan=Plan(subject, "json" if name.endswith("+json") else "text", options)
        )
    return MediaType(text)


def _parameters(text: str, start: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while match := _PARAMETER.match(text, start):
        name, quoted, bare = match.groups()
        found[name.lower()] = quoted if quoted is not None else bare
        start = match.end()
    return found


@lru_cache(maxsize=512)
def parse_accept(header: str) -> tuple[MediaType, ...]:
    """What an ``Accept`` header asks for, best first: by quality, then by how specific it is."""
    weighed: list[tuple[float, int, int, MediaType]] = []
    for place, item in enumerate(_split_outside_quotes(header)):
        text = item.replace(" ", "")
        if not text:
            continue
        main, quality = _without_quality(text)
        breadth = main.count("*") - main.count(";")
        weighed.append((-quality, breadth, place, parse_media_type(main)))
    return tuple(media for *_, media in sorted(weighed, key=lambda entry: entry[:3])) or (ANY,)


def _split_outside_quotes(header: str) -> list[str]:
    return re.findall(r'(?:[^,"]|"[^"]*"?)+', header)


def _without_quality(text: str) -> tuple[str, float]:
    main, found, rest = text.partition(";q=")
    if not found:
        return text, 1.0
    number = re.match(r"[0-9]+(\.[0-9]+)?", rest)
    return main, float(number.group()) if number else 1.0
