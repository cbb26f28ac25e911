"""SQL of a read: one query for the whole tree, each embedded resource a lateral join."""

# ruff: noqa: S608 -- this is where SQL is made: names are quoted, values are parameters.

from __future__ import annotations

from dataclasses import replace

from backstay.catalog.model import ComputedRelationship, ForeignKey, Name
from backstay.db.quote import quote_ident
from backstay.rest import fragments as sql
from backstay.rest.fragments import Parameters
from backstay.rest.planned import (
    ColumnRef,
    Condition,
    ConditionGroup,
    Embed,
    EmbedPresence,
    JsonEmbed,
    Order,
    ReadPlan,
    Selected,
    SpreadColumn,
    SpreadEmbed,
    Where,
)
from backstay.rest.ranges import ALL

_EVERYTHING = [Selected(ColumnRef("*"))]


def read_query(node: ReadPlan, parameters: Parameters) -> str:
    """The rows of ``node``, with everything embedded in them."""
    table = _known_as(node)
    selected = [
        sql.selected(table, item, parameters)
        for item in (node.select if node.select or node.children else _EVERYTHING)
    ]
    for relation, item in node.spread_order.extra:
        of = table if relation is None else Name("", relation)
        selected.append(sql.selected(of, item, parameters))
    for embed in node.embeds:
        selected += _embedded_columns(embed)
    joins = [
        _lateral(embed, child, parameters)
        for embed, child in zip(node.embeds, node.children, strict=True)
    ]
    conditions = [sql.condition(table, found, parameters) for found in node.where]
    conditions += [sql.join(found) for found in node.joins]
    return (
        f"SELECT {_distinct(node, table, parameters)}{', '.join(selected)}"
        f"{_from(node)}{''.join(joins)}"
        f"{sql.where_clause(conditions)}{_group_clause(node, table, parameters)}"
        f"{sql.order_clause(table, node.order, parameters)}"
        f"{sql.rows_clause(node.rows, parameters, left_open=node.rows_open)}"
    )


def _distinct(node: ReadPlan, table: Name, parameters: Parameters) -> str:
    if node.distinct is None:
        return ""
    columns = ", ".join(sql.reference(table, column, parameters) for column in node.distinct)
    return f"DISTINCT ON ({columns}) " if columns else "DISTINCT "


def _known_as(node: ReadPlan) -> Name:
    """What the rows of ``node`` are called within its query."""
    if isinstance(node.relationship, ComputedRelationship):
        return Name("", node.source_alias or node.relationship.function.name)
    return Name("", node.source_alias) if node.source_alias else node.source


def _from(node: ReadPlan) -> str:
    found = node.relationship
    if isinstance(found, ComputedRelationship):
        # The argument is cast to its relation, or overloads could not be told apart.
        argument = f"{quote_ident(_argument(node, found))}::{sql.qualified(found.table)}"
        source = f"{sql.qualified(found.function)}({argument})"
    else:
        source = sql.qualified(node.source)
    alias = f" AS {quote_ident(node.source_alias)}" if node.source_alias else ""
    junction = ""
    if isinstance(found, ForeignKey) and found.junction:
        junction = f", {sql.qualified(found.junction.table)}"
    return f" FROM {source}{alias}{junction}"


def _argument(node: ReadPlan, found: ComputedRelationship) -> str:
    return node.parent_alias or found.table.name


def _embedded_columns(embed: Embed) -> list[str]:
    """What a lateral join adds to the select list."""
    alias = quote_ident(embed.alias)
    if isinstance(embed, SpreadEmbed):
        return [_spread_column(embed.alias, each) for each in embed.columns]
    if embed.empty:
        return []
    if embed.to_one:
        return [f"to_jsonb({alias}.*) AS {quote_ident(embed.name)}"]
    return [f"COALESCE( {alias}.{alias}, '[]') AS {quote_ident(embed.name)}"]


def _spread_column(alias: str, found: SpreadColumn) -> str:
    text = sql.column(Name("", alias), found.name)
    if found.aggregate:
        text = sql.cast(f"{found.aggregate.upper()}({text})", found.aggregate_cast)
    return text if found.alias is None else f"{text} AS {quote_ident(found.alias)}"


def _lateral(embed: Embed, child: ReadPlan, parameters: Parameters) -> str:
    query = read_query(child, parameters)
    alias = quote_ident(embed.alias)
    many = child.spread == "many" if isinstance(embed, SpreadEmbed) else not embed.to_one
    holds = "TRUE"
    if many:
        columns = [f"json_agg({alias})::jsonb AS {alias}"]
        if isinstance(embed, SpreadEmbed):
            columns += [
                _spread_array(embed.alias, child.spread_order.order, each, parameters)
                for each in embed.columns
            ]
        query = f"SELECT {', '.join(columns)} FROM ({query} ) AS {alias}"
        holds = f"{alias} IS NOT NULL" if child.join == "inner" else "TRUE"
    kind = "INNER" if child.join == "inner" else "LEFT"
    return f" {kind} JOIN LATERAL ( {query} ) AS {alias} ON {holds}"


def _spread_array(
    alias: str, order: tuple[Order, ...], found: SpreadColumn, parameters: Parameters
) -> str:
    of = Name("", alias)
    value = sql.column(of, found.name) + sql.order_clause(of, order, parameters)
    name = found.name if found.alias is None else found.alias
    return f"COALESCE(json_agg({value}),'[]')::jsonb AS {quote_ident(name)}"


def _group_clause(node: ReadPlan, table: Name, parameters: Parameters) -> str:
    """Group by all that is selected beside aggregates, when there are any."""
    spread = [embed for embed in node.embeds if isinstance(embed, SpreadEmbed)]
    aggregates = any(item.aggregate for item in node.select) or any(
        each.aggregate for embed in spread for each in embed.columns
    )
    if not aggregates:
        return ""
    terms = [
        quote_ident(item.alias)
        if item.alias is not None
        else sql.reference(table, item.column, parameters)
        for item in node.select
        if not item.aggregate
    ]
    for embed in node.embeds:
        terms += _group_terms(embed)
    return f" GROUP BY {', '.join(terms)}" if terms else ""


def _group_terms(embed: Embed) -> list[str]:
    if isinstance(embed, JsonEmbed):
        return [quote_ident(embed.name)]
    of = Name("", embed.alias)
    return [
        sql.column(of, each.name if each.alias is None else each.alias)
        for each in embed.columns
        if not each.aggregate
    ]


# -- counting ---------------------------------------------------------------------------------


def count_query(node: ReadPlan, parameters: Parameters) -> str:
    """One row for each row ``node`` has without limits; joins that exclude become EXISTS."""
    if node.distinct is not None:
        whole = replace(node, rows=ALL, rows_open=False, order=[])
        return f"SELECT 1 FROM ({read_query(whole, parameters)}) AS pgrst_distinct"
    table = _known_as(node)
    conditions = [_counted(table, found, node, parameters) for found in node.where]
    conditions += [sql.join(found) for found in node.joins]
    conditions += [
        f"EXISTS ({count_query(child, parameters)} )"
        for child in node.children
        if child.join == "inner"
    ]
    return f"SELECT 1{_from(node)}{sql.where_clause(conditions)}"


def _counted(table: Name, found: Where, node: ReadPlan, parameters: Parameters) -> str:
    if isinstance(found, Condition):
        return sql.comparison(table, found, parameters)
    if isinstance(found, ConditionGroup):
        parts = [_counted(table, child, node, parameters) for child in found.children]
        return sql.grouped(found.operator, parts, negated=found.negated)
    return _has_rows(found, node, parameters)


def _has_rows(found: EmbedPresence, node: ReadPlan, parameters: Parameters) -> str:
    child = next(each for each in node.children if each.embed_alias == found.alias)
    query = count_query(child, parameters)
    return f"{'' if found.present else 'NOT '}EXISTS ({query})"
