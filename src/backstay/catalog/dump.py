"""A catalog as JSON, in the shape of PostgREST's ``--dump-schema`` and admin ``/schema_cache``."""

from __future__ import annotations

from typing import Any

import orjson

from backstay.catalog.model import (
    Catalog,
    Column,
    ComputedRelationship,
    ForeignKey,
    MediaHandler,
    Name,
    Relationship,
    Routine,
    Table,
)

Json = dict[str, Any]

_TAGS = {
    "one-to-many": "O2M",
    "many-to-one": "M2O",
    "one-to-one": "O2O",
    "many-to-many": "M2M",
}


def dump(catalog: Catalog) -> bytes:
    """The catalog as one JSON object; maps with compound keys are lists of pairs."""
    return orjson.dumps(
        {
            "dbTables": [[_name(name), _table(each)] for name, each in catalog.tables.items()],
            "dbRelationships": [
                [[_name(source), schema], [_relationship(each) for each in several]]
                for (source, schema), several in catalog.relationships.items()
            ],
            "dbRoutines": [
                [_name(name), [_routine(each) for each in overloads]]
                for name, overloads in catalog.routines.items()
            ],
            "dbRepresentations": [
                [
                    [source, target],
                    {"drSourceType": source, "drTargetType": target, "drFunction": each.function},
                ]
                for (source, target), each in catalog.representations.items()
            ],
            "dbMediaHandlers": [
                [[None if target is None else _name(target), media_type], _handler(each)]
                for (target, media_type), each in catalog.media_handlers.items()
            ],
        }
    )


def _name(name: Name) -> Json:
    return {"qiName": name.name, "qiSchema": name.schema}


def _table(table: Table) -> Json:
    return {
        "tableSchema": table.id.schema,
        "tableName": table.id.name,
        "tableDescription": table.description,
        "tableIsView": table.is_view,
        "tableInsertable": table.insertable,
        "tableUpdatable": table.updatable,
        "tableDeletable": table.deletable,
        "tablePKCols": table.primary_key,
        "tableColumns": {name: _column(column) for name, column in table.columns.items()},
    }


def _column(column: Column) -> Json:
    return {
        "colName": column.name,
        "colDescription": column.description,
        "colNullable": column.nullable,
        "colType": column.type,
        "colNominalType": column.nominal_type,
        "colMaxLen": column.max_length,
        "colDefault": column.default,
        "colEnum": column.enum,
    }


def _relationship(rel: Relationship) -> Json:
    if isinstance(rel, ComputedRelationship):
        return {
            "tag": "ComputedRelationship",
            "relFunction": _name(rel.function),
            "relTable": _name(rel.table),
            "relForeignTable": _name(rel.foreign_table),
            "relToOne": rel.to_one,
            "relIsSelf": rel.is_self,
        }
    return {
        "tag": "Relationship",
        "relTable": _name(rel.table),
        "relForeignTable": _name(rel.foreign_table),
        "relIsSelf": rel.is_self,
        "relCardinality": _cardinality(rel),
        "relTableIsView": rel.table_is_view,
        "relFTableIsView": rel.foreign_table_is_view,
    }


def _cardinality(rel: ForeignKey) -> Json:
    tag = _TAGS[rel.cardinality]
    if rel.junction is not None:
        through = rel.junction
        return {
            "tag": tag,
            "contents": {
                "junTable": _name(through.table),
                "junConstraint1": through.constraint1,
                "junConstraint2": through.constraint2,
                "junColsSource": through.source_columns,
                "junColsTarget": through.target_columns,
            },
        }
    parent = {"isParent": rel.is_parent} if tag == "O2O" else {}
    return {"tag": tag, "relCons": rel.constraint, "relColumns": rel.columns, **parent}


def _routine(routine: Routine) -> Json:
    returned = _name(routine.return_type)
    kind: Json = (
        {"tag": "Composite", "contents": [returned, routine.returns_composite_alias]}
        if routine.returns_composite
        else {"tag": "Scalar", "contents": returned}
    )
    return {
        "pdSchema": routine.id.schema,
        "pdName": routine.id.name,
        "pdDescription": routine.description,
        "pdParams": [
            {
                "ppName": each.name,
                "ppType": each.type,
                "ppTypeMaxLength": each.type_max_length,
                "ppReq": each.required,
                "ppVar": each.variadic,
            }
            for each in routine.parameters
        ],
        "pdReturnType": {"tag": "SetOf" if routine.returns_set else "Single", "contents": kind},
        "pdVolatility": routine.volatility.capitalize(),
        "pdHasVariadic": routine.has_variadic,
        "pdIsoLvl": routine.isolation.title().replace(" ", "") or None,
        "pdFuncSettings": routine.settings,
    }


def _handler(handler: MediaHandler) -> Json:
    return {"function": _name(handler.function), "mediaType": handler.media_type}
