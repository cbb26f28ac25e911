"""Runs what a verb does asynchronously."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, on an event loop of its own."""
    import asyncio  # noqa: PLC0415 - a quarter of what --help would take

    return asyncio.run(work)
