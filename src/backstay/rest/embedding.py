"""Which relationship an embedded resource means, and what to say when none or several do.

https://docs.postgrest.org/en/stable/references/api/resource_embedding.html
"""

from __future__ import annotations

from backstay.catalog.model import (
    Catalog,
    ComputedRelationship,
    ForeignKey,
    Name,
    Relationship,
)
from backstay.rest import errors
from backstay.rest.hints import nearest, ranked


def find_relationship(
    catalog: Catalog, schema: str, origin: str, target: str, hint: str | None
) -> Relationship:
    """The one relationship that ``origin?select=target!hint()`` means.

    Raises ``RestError`` PGRST200 when there is none, PGRST201 when there are several.
    """
    candidates = catalog.relationships.get((Name(schema, origin), schema), ())
    found = [candidate for candidate in candidates if _means(candidate, target, hint)]
    if len(found) == 1:
        return found[0]
    if not found:
        similar = _suggestion(catalog, schema, origin, target)
        raise errors.no_relationship(origin, target, hint, schema, similar)
    keys = [candidate for candidate in found if isinstance(candidate, ForeignKey)]
    raise errors.ambiguous_relationship(
        origin,
        target,
        [_described(key) for key in keys],
        [f"'{key.foreign_table.name}!{_distinction(key)}'" for key in keys],
    )


def _means(candidate: Relationship, target: str, hint: str | None) -> bool:
    if isinstance(candidate, ComputedRelationship):
        return target == candidate.function.name
    if candidate.is_self:
        return _means_itself(candidate, target, hint)
    by_table = target == candidate.foreign_table.name
    if hint is None:
        by_key = target in (_constraint(candidate), _own_column(candidate))
        return by_table or (by_key and not candidate.foreign_table_is_view)
    return by_table and hint in (
        _constraint(candidate),
        _own_column(candidate),
        _other_column(candidate),
        candidate.junction.table.name if candidate.junction else None,
    )


def _means_itself(candidate: ForeignKey, target: str, hint: str | None) -> bool:
    """A table that refers to itself: by its name its children, by the column its parent."""
    children = candidate.cardinality == "one-to-many" and target == candidate.foreign_table.name
    if hint is not None:
        return children and hint == _other_column(candidate)
    return children or (candidate.cardinality == "many-to-one" and target == _own_column(candidate))


def _constraint(key: ForeignKey) -> str | None:
    return None if key.cardinality == "many-to-many" else key.constraint


def _own_column(key: ForeignKey) -> str | None:
    return key.columns[0][0] if len(key.columns) == 1 else None


def _other_column(key: ForeignKey) -> str | None:
    return key.columns[0][1] if len(key.columns) == 1 else None


def _distinction(key: ForeignKey) -> str:
    return key.junction.table.name if key.junction else key.constraint


def _described(key: ForeignKey) -> dict[str, str]:
    if key.junction:
        junction = key.junction
        one = ", ".join(column for _, column in junction.source_columns)
        other = ", ".join(column for _, column in junction.target_columns)
        using = (
            f"{junction.table.name} using {junction.constraint1}({one})"
            f" and {junction.constraint2}({other})"
        )
    else:
        own = ", ".join(column for column, _ in key.columns)
        theirs = ", ".join(column for _, column in key.columns)
        using = (
            f"{key.constraint} using {key.table.name}({own}) and {key.foreign_table.name}({theirs})"
        )
    return {
        "embedding": f"{key.table.name} with {key.foreign_table.name}",
        "cardinality": key.cardinality,
        "relationship": using,
    }


def _suggestion(catalog: Catalog, schema: str, origin: str, target: str) -> str | None:
    """What may have been meant, of the origin if that is unknown, else of the target."""
    relationships = catalog.relationships.get((Name(schema, origin), schema), ())
    if not relationships and Name(schema, origin) not in catalog.tables:
        origins = [name.name for name, to in catalog.relationships if to == schema]
        similar = nearest(origins, origin)
        return f"Perhaps you meant '{similar}' instead of '{origin}'." if similar else None
    targets = [relationship.foreign_table.name for relationship in relationships]
    for score, name in ranked(targets, target):
        if score < 1:
            return f"Perhaps you meant '{name}' instead of '{target}'."
    return None
