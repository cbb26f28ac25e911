"""How the catalog's queries are kept and read: a ``.sql`` file beside its noun, JSON rows back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

import orjson

from backstay.db.model import Result


def sql(noun: str) -> str:
    """The text of ``noun``.sql."""
    return files("backstay.catalog").joinpath(f"{noun}.sql").read_text(encoding="utf-8")


def records(result: Result) -> Iterator[list[Any]]:
    """Rows of one ``json_build_array`` column, decoded."""
    for (cell,) in result.rows:
        if cell is not None:
            yield orjson.loads(cell)


def text_array(items: Iterable[str]) -> str:
    """``items`` as a PostgreSQL array literal, for a ``text[]`` parameter."""
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"
