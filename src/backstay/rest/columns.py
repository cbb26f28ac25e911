"""What the catalog knows of a column in the place where it is used.

A domain with representations is read through its cast to json, written through its cast from json
and filtered through its cast from text:
https://docs.postgrest.org/en/stable/references/api/domain_representations.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backstay.catalog.model import Catalog, Column, Name
from backstay.rest.intent import Field, Filter
from backstay.rest.planned import ColumnRef, TextSearch

_FULL_TEXT = frozenset({"fts", "plfts", "phfts", "wfts"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Looks up the columns of one relation."""

    catalog: Catalog
    table: Name

    def known(self) -> list[Column]:
        found = self.catalog.tables.get(self.table)
        return list(found.columns.values()) if found else []

    def for_output(self, source: Field) -> ColumnRef:
        return self.to_json(self._resolved(source))

    def for_order(self, source: Field) -> ColumnRef:
        return self._resolved(source)

    def for_filter(self, condition: Filter) -> ColumnRef:
        search = TextSearch(condition.language) if condition.operator in _FULL_TEXT else None
        column = self._resolved(condition.field, search)
        return self._transformed(column, "text", column.type)

    def for_write(self, name: str) -> ColumnRef | None:
        """The column to write; None when there is no such column."""
        found = self._column(name)
        if found is None:
            return None
        column = reference(found)
        return self._transformed(column, "json", column.type)

    def to_json(self, column: ColumnRef) -> ColumnRef:
        return self._transformed(column, column.type, "json")

    def has_representation(self) -> bool:
        """Some column is shown otherwise than as it is stored."""
        representations = self.catalog.representations
        return any((column.nominal_type, "json") in representations for column in self.known())

    def _column(self, name: str) -> Column | None:
        found = self.catalog.tables.get(self.table)
        return found.columns.get(name) if found else None

    def _resolved(self, source: Field, search: TextSearch | None = None) -> ColumnRef:
        found = self._column(source.name)
        if found is None:
            return ColumnRef(source.name, source.path, to_json=True)
        is_json = found.nominal_type in ("json", "jsonb")
        return ColumnRef(
            found.name,
            source.path,
            to_json=not is_json,
            search=None if found.type == "tsvector" else search,
            type=found.nominal_type,
            default=found.default,
        )

    def _transformed(self, column: ColumnRef, source: str, target: str) -> ColumnRef:
        """``column`` with the representation's function; its type becomes what that one takes."""
        found = self.catalog.representations.get((source, target))
        if found is None:
            return column
        return replace(column, type=source, transform=found.function)


def reference(column: Column) -> ColumnRef:
    return ColumnRef(column.name, type=column.nominal_type, default=column.default)
