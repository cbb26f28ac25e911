"""Functions of the exposed schemas that can be called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from backstay.catalog.model import Name, Parameter, Routine, Volatility
from backstay.catalog.rows import records, sql, text_array
from backstay.db.model import Query, Result

SQL = sql("routines")

ISOLATION = "default_transaction_isolation"
ISOLATIONS = ("repeatable read", "serializable")
"""What ``Routine.isolation`` may be beside empty; read committed is every transaction's."""

_VOLATILITY: Mapping[str, Volatility] = {"i": "immutable", "s": "stable", "v": "volatile"}


def query(schemas: Sequence[str], *, executable: bool = False) -> Query:
    """``executable``: only the functions the session's role may execute."""
    return Query(SQL, (text_array(schemas), "t" if executable else "f"), prepare=False)


def build(result: Result, hoisted: Collection[str]) -> dict[Name, tuple[Routine, ...]]:
    """Overloads by name, those of fewest parameters first.

    ``hoisted`` names the settings of a function that are applied to the whole transaction.
    """
    overloads: dict[Name, list[Routine]] = {}
    for row in records(result):
        routine = _routine(row, hoisted)
        overloads.setdefault(routine.id, []).append(routine)
    return {name: tuple(sorted(several, key=_order)) for name, several in overloads.items()}


def _routine(row: list[Any], hoisted: Collection[str]) -> Routine:
    schema, name, parameters, return_schema, return_name, returns_set, composite = row[:7]
    composite_alias, volatility, variadic, config, description = row[7:]
    settings = dict(entry.split("=", 1) for entry in config or ())
    isolation = settings.pop(ISOLATION, "").lower()
    return Routine(
        id=Name(schema, name),
        parameters=tuple(Parameter(*parameter) for parameter in parameters),
        return_type=Name(return_schema, return_name),
        returns_set=returns_set,
        returns_composite=composite,
        returns_composite_alias=composite_alias,
        volatility=_VOLATILITY[volatility],
        has_variadic=variadic,
        isolation=isolation if isolation in ISOLATIONS else "",
        settings=tuple((key, value) for key, value in settings.items() if key in hoisted),
        description=description,
    )


def _order(routine: Routine) -> tuple[Any, ...]:
    parameters = tuple(
        (p.name, p.type, p.type_max_length, p.required, p.variadic) for p in routine.parameters
    )
    return (
        len(routine.parameters),
        routine.description is not None,
        routine.description or "",
        parameters,
        routine.returns_set,
        routine.returns_composite,
        routine.return_type,
    )
