"""Durations as Go writes them: ``1h30m``, ``250ms``, ``-2.5s``.

config.toml, the admin API's ``ban_duration`` and rate limits use this form:
https://pkg.go.dev/time#ParseDuration
"""

from __future__ import annotations

import re
from typing import Any

_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_LARGEST = 2**63 / 1e9


def parse_duration(text: str) -> float:
    """Seconds. Raises ``ValueError`` for anything Go refuses, an overflow of 64 bits included."""
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0.0
    total, position = 0.0, 0
    while match := _PART.match(body, position):
        total += float(match[1]) * _SECONDS[match[2]]
        position = match.end()
    if not body or position != len(body) or total >= _LARGEST:
        raise ValueError(f'invalid duration "{text}"')
    return -total if text.startswith("-") else total


def seconds(value: Any) -> float:
    """A setting's duration: Go's text, or a bare number of seconds. Raises ``ValueError``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("a duration such as 30s or 1h30m is expected")
    return parse_duration(value) if isinstance(value, str) else float(value)
