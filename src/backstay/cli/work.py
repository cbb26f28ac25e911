"""Runs what a verb does asynchronously."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from backstay.errors import OperatorError

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, on an event loop of its own. Raises ``OperatorError``."""
    import asyncio  # noqa: PLC0415 - a quarter of what --help would take

    import psycopg  # noqa: PLC0415

    try:
        return asyncio.run(work)
    except psycopg.Error as error:
        raise OperatorError(
            "PostgreSQL refused.", why=str(error), next="Look at the machine: backstay doctor"
        ) from error
