"""What each resource contributes to the rows of its parent: JSON, or its columns when spread.

A spread to-one resource lifts its columns into its parent, and with them its aggregates: grouped
inside the lateral join they would see one row only. A spread to-many resource gives one array per
column. https://docs.postgrest.org/en/stable/references/api/resource_embedding.html#spread
"""

from __future__ import annotations

from dataclasses import replace

from backstay.rest import errors
from backstay.rest.planned import (
    ColumnRef,
    Embed,
    JsonEmbed,
    Order,
    ReadPlan,
    Selected,
    SpreadColumn,
    SpreadEmbed,
    SpreadOrder,
)

Hoisted = dict[tuple[str, str], SpreadColumn]
"""Aggregates on their way up: by (alias of the rows they are over, name of the column there)."""


def add_embeds(node: ReadPlan) -> None:
    """Say of each child, from the leaves up, how its rows appear in ``node``'s."""
    for child in node.children:
        add_embeds(child)
    node.embeds = [_embed(child) for child in node.children]


def _embed(child: ReadPlan) -> Embed:
    if child.spread:
        return SpreadEmbed(_spread_columns(child), child.embed_alias)
    to_one = child.relationship is not None and child.relationship.to_one
    return JsonEmbed(child.shown_name, child.embed_alias, to_one, _selects_nothing(child))


def _selects_nothing(node: ReadPlan) -> bool:
    return not node.select and all(_selects_nothing(child) for child in node.children)


def _spread_columns(node: ReadPlan) -> tuple[SpreadColumn, ...]:
    columns = [SpreadColumn(selected.alias or selected.column.name) for selected in node.select]
    for embed in node.embeds:
        if isinstance(embed, JsonEmbed):
            columns.append(SpreadColumn(embed.name))
        else:
            columns += embed.columns
    return tuple(columns)


def hoist_aggregates(node: ReadPlan) -> Hoisted:
    """Move the aggregates of to-one spreads up to the resource whose rows they are grouped with."""
    below: Hoisted = {}
    for child in node.children:
        below |= hoist_aggregates(child)
    lifted = node.spread == "one"
    hoisted: Hoisted = {}
    if lifted:
        hoisted = {
            (node.embed_alias, selected.alias or selected.column.name): _aggregate(selected)
            for selected in node.select
            if selected.aggregate
        }
        node.select = [replace(s, aggregate=None, aggregate_cast=None) for s in node.select]
        hoisted |= {(node.embed_alias, name): column for (_, name), column in below.items()}
    else:
        node.embeds = [_with_aggregates(embed, below) for embed in node.embeds]
    return hoisted


def _aggregate(selected: Selected) -> SpreadColumn:
    return SpreadColumn("", selected.alias, selected.aggregate, selected.aggregate_cast)


def _with_aggregates(embed: Embed, hoisted: Hoisted) -> Embed:
    if isinstance(embed, JsonEmbed):
        return embed
    columns = tuple(
        replace(found, name=column.name)
        if (found := hoisted.get((embed.alias, column.name)))
        else column
        for column in embed.columns
    )
    return replace(embed, columns=columns)


def order_spread_arrays(node: ReadPlan) -> None:
    """Move the order of a to-many spread into its arrays. Raises ``RestError`` PGRST127.

    What it orders by has to be selected under a name of its own, whatever else is selected.
    """
    if node.spread == "many":
        if _aggregates(node):
            raise errors.not_implemented(
                "Aggregates are not implemented for one-to-many or many-to-many spreads."
            )
        extra: list[tuple[str | None, Selected]] = []
        orders: list[Order] = []
        for place, order in enumerate(node.order, 1):
            name = f"{node.embed_alias}_{order.column.name}_{place}"
            extra.append((order.relation, Selected(order.column, alias=name)))
            orders.append(Order(ColumnRef(name), order.direction, order.nulls))
        node.order = []
        node.spread_order = SpreadOrder(tuple(extra), tuple(orders))
    for child in node.children:
        order_spread_arrays(child)


def _aggregates(node: ReadPlan) -> bool:
    return any(selected.aggregate for selected in node.select) or any(
        column.aggregate
        for embed in node.embeds
        if isinstance(embed, SpreadEmbed)
        for column in embed.columns
    )
