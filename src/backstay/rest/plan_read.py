"""Planning what is read: the tree of resources, each with its columns, conditions, order and rows.

``plan_read`` goes through the tree in passes that build on each other; the catalog decides which
relationship an embedding means and how a column is to be shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from backstay.catalog.model import Catalog, ComputedRelationship, ForeignKey, Name
from backstay.config.rest import RestSettings
from backstay.rest import errors
from backstay.rest.columns import Columns, reference
from backstay.rest.embedding import find_relationship
from backstay.rest.intent import (
    ApiRequest,
    EmbedPath,
    Field,
    Filter,
    Group,
    JoinType,
    Logic,
    SelectField,
    SelectItem,
    SelectRelation,
)
from backstay.rest.planned import (
    SOURCE,
    ColumnRef,
    Condition,
    ConditionGroup,
    EmbedPresence,
    Join,
    Order,
    ReadPlan,
    Selected,
    Where,
    field_ref,
)
from backstay.rest.query_params import embed_path
from backstay.rest.ranges import restricted
from backstay.rest.spread import add_embeds, hoist_aggregates, order_spread_arrays


def plan_read(
    table: Name, request: ApiRequest, catalog: Catalog, settings: RestSettings
) -> ReadPlan:
    """What ``request`` reads of ``table``, or of the rows it writes there or a function gives.

    Raises ``RestError`` PGRST100, PGRST108, PGRST118, PGRST123, PGRST127, PGRST200, PGRST201.
    """
    root = ReadPlan(table.name, table, table)
    _grow(root, request.query.select, table.schema)
    _attach(root, request, legacy=settings.url_use_legacy_target_names)
    if request.verb != "read":
        root.source, root.source_alias = Name("", SOURCE), table.name
    for child in root.children:
        _relate(child, root, catalog, table.schema)
    _resolve(root, catalog, expanding=False)
    _make_distinct(root, request.query.distinct, catalog)
    _order_by_relations(root)
    _find_presence(root)
    add_embeds(root)
    if not settings.db_aggregates_enabled:
        _refuse_aggregates(root)
    hoist_aggregates(root)
    order_spread_arrays(root)
    if not request.mutates:
        _restrict(root, settings.db_max_rows)
    return root


def _grow(node: ReadPlan, items: Iterable[SelectItem], schema: str) -> None:
    """Make the tree that ``select`` describes."""
    for item in items:
        if isinstance(item, SelectField):
            node.items.append(item)
        else:
            child = _child(item, schema, node.depth + 1)
            node.children.append(child)
            _grow(child, item.children, schema)


def _child(item: SelectRelation, schema: str, depth: int) -> ReadPlan:
    name = Name(schema, item.name)
    join: JoinType = item.join
    return ReadPlan(
        item.name,
        name,
        name,
        depth,
        request_alias=item.alias,
        hint=item.hint,
        join=join,
        spread="one" if item.spread else "",
    )


# -- what the query string says of a resource -------------------------------------------------


def _attach(root: ReadPlan, request: ApiRequest, *, legacy: bool) -> None:
    """Give each resource its filters, order and rows. A write keeps the root's for itself."""
    query = request.query
    for path, condition in query.filters:
        if path or not request.mutates:
            _at(root, path, legacy).filters.append(condition)
    for path, terms in query.orders:
        _at(root, path, legacy).order_terms = terms
    if not request.mutates:
        _attach_ranges(root, request, legacy=legacy)
    for path, tree in query.logic:
        if path or not request.mutates:
            _at(root, path, legacy).filters.append(tree)


def _attach_ranges(root: ReadPlan, request: ApiRequest, *, legacy: bool) -> None:
    for key, rows in request.query.ranges.items():
        if key != "limit":
            _at(root, embed_path(key), legacy).rows = rows
    root.rows = request.top_range
    root.rows_open = bool(request.open_rows)


def _at(node: ReadPlan, path: EmbedPath, legacy: bool) -> ReadPlan:
    """The resource at ``path``. ``legacy``: its relation's name serves in spite of an alias."""
    for name in path:
        found = next((child for child in node.children if _answers(child, name, legacy)), None)
        if found is None:
            raise errors.not_embedded(name, None if legacy else _misnamed(node, name))
        if found.name == name and found.request_alias not in (None, name):
            found.legacy_name = True
        node = found
    return node


def _answers(child: ReadPlan, name: str, legacy: bool) -> bool:
    return name == child.shown_name or (legacy and name == child.name)


def _misnamed(node: ReadPlan, name: str) -> tuple[str, str] | None:
    child = next((child for child in node.children if child.name == name), None)
    return (child.name, child.shown_name) if child else None


# -- relationships ----------------------------------------------------------------------------


def _relate(node: ReadPlan, parent: ReadPlan, catalog: Catalog, schema: str) -> None:
    """Find what joins ``node`` to ``parent``, and so which relation it is."""
    found = find_relationship(catalog, schema, parent.table.name, node.name, node.hint)
    node.relationship = found
    node.table = node.source = found.foreign_table
    node.parent_alias = parent.source_alias
    node.embed_alias = f"{found.table.name}_{node.shown_name}_{node.depth}"
    if isinstance(found, ComputedRelationship) or found.junction is None:
        node.source_alias = f"{found.foreign_table.name}_{node.depth}"
    if isinstance(found, ForeignKey):
        node.joins = _joins(found, node.source_alias, parent)
    if node.spread and not found.to_one:
        node.spread = "many"
    for child in node.children:
        _relate(child, node, catalog, schema)


def _joins(key: ForeignKey, alias: str | None, parent: ReadPlan) -> tuple[Join, ...]:
    above = Name("", parent.source_alias) if parent.source_alias else key.table
    if key.junction:
        between = key.junction.table
        return (
            *(
                Join((between, theirs), (key.foreign_table, column))
                for column, theirs in key.junction.target_columns
            ),
            *(
                Join((between, theirs), (above, column))
                for column, theirs in key.junction.source_columns
            ),
        )
    below = Name("", alias) if alias else key.foreign_table
    return tuple(Join((below, theirs), (above, column)) for column, theirs in key.columns)


# -- columns ----------------------------------------------------------------------------------


def _resolve(node: ReadPlan, catalog: Catalog, *, expanding: bool) -> None:
    """Resolve every column. ``expanding``: an aggregate above needs each column named."""
    columns = Columns(catalog, node.table)
    aggregated = any(item.aggregate for item in node.items)
    expanding = expanding or aggregated or node.spread == "many"
    for item in node.items:
        node.select += _selected(item, node, columns, expanding=expanding)
    node.where = [where(columns, condition) for condition in node.filters]
    node.order = [
        Order(
            columns.for_order(term.field) if term.relation is None else field_ref(term.field),
            term.direction,
            term.nulls,
            term.relation,
        )
        for term in node.order_terms
    ]
    for child in node.children:
        _resolve(child, catalog, expanding=expanding)


def _make_distinct(root: ReadPlan, names: tuple[str, ...] | None, catalog: Catalog) -> None:
    """Of rows that agree in the columns ``names`` the first is kept, by the order asked for."""
    if names is None:
        return
    columns = Columns(catalog, root.table)
    root.distinct = tuple(columns.for_order(Field(name)) for name in names)
    if not root.order:
        root.order = [Order(column) for column in root.distinct]


def _selected(
    item: SelectField, node: ReadPlan, columns: Columns, *, expanding: bool
) -> list[Selected]:
    """What one item of ``select`` selects; ``*`` is written out where something has to be done."""
    whole = item.field.name == "*" and not item.field.path
    if whole and (expanding or columns.has_representation()):
        if item.aggregate is None:
            known = [columns.to_json(reference(column)) for column in columns.known()]
            return [_named(item, column, node) for column in known]
        if item.aggregate == "count" and node.spread:
            return [_named(item, ColumnRef("*", whole_row=True), node)]
    return [_named(item, columns.for_output(item.field), node)]


def _named(item: SelectField, column: ColumnRef, node: ReadPlan) -> Selected:
    """``column``, with an alias where PostgreSQL would name it otherwise than is expected."""
    alias = item.alias
    if alias is None and item.aggregate:
        # The parent of a spread selects its columns by name, so the aggregate needs one.
        alias = item.aggregate if node.spread else None
    elif alias is None and column.path:
        keys = [step.key for step in column.path if not step.index]
        alias = keys[-1] if keys else column.name
    elif alias is None and column.transform:
        alias = column.name
    return Selected(column, alias, item.cast, item.aggregate, item.aggregate_cast)


def where(columns: Columns, condition: Logic) -> Where:
    """A condition with its columns resolved."""
    if isinstance(condition, Group):
        children = tuple(where(columns, child) for child in condition.children)
        return ConditionGroup(condition.operator, children, condition.negated)
    return Condition(columns.for_filter(condition), condition)


# -- what refers to embedded resources --------------------------------------------------------


def _order_by_relations(node: ReadPlan) -> None:
    """An order by a column of an embedded resource, which has to be embedded, and to-one."""
    for place, order in enumerate(node.order):
        if order.relation is None:
            continue
        child = _named_child(node, order.relation)
        if child is None:
            raise errors.not_embedded(order.relation)
        if child.relationship is None or not child.relationship.to_one:
            raise errors.related_order_not_to_one(node.table.name, child.shown_name)
        node.order[place] = replace(order, relation=child.embed_alias)
    for child in node.children:
        _order_by_relations(child)


def _find_presence(node: ReadPlan) -> None:
    """``clients=not.is.null`` asks for rows of the embedded ``clients``, not for a column."""

    def presence(found: Where) -> Where:
        if isinstance(found, ConditionGroup):
            return replace(found, children=tuple(map(presence, found.children)))
        if isinstance(found, EmbedPresence) or found.column.path:
            return found
        asked: Filter = found.filter
        child = _named_child(node, found.column.name)
        if child is None or asked.operator != "is" or asked.value != "null":
            return found
        return EmbedPresence(child.embed_alias, present=asked.negated)

    if node.children:
        node.where = [presence(found) for found in node.where]
    for child in node.children:
        _find_presence(child)


def _named_child(node: ReadPlan, name: str) -> ReadPlan | None:
    return next((child for child in node.children if child.shown_name == name), None)


# -- limits -----------------------------------------------------------------------------------


def _refuse_aggregates(node: ReadPlan) -> None:
    if any(selected.aggregate for selected in node.select):
        raise errors.aggregates_not_allowed()
    for child in node.children:
        _refuse_aggregates(child)


def _restrict(node: ReadPlan, limit: int | None) -> None:
    node.rows = restricted(node.rows, limit)
    for child in node.children:
        _restrict(child, limit)


def returned_columns(root: ReadPlan, keys: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns a write or call has to give for ``root`` to be read from them, and ``keys``."""
    names = {selected.column.name for selected in root.select}
    if "*" in names:
        return ("*",)
    for child in root.children:
        found = child.relationship
        if isinstance(found, ComputedRelationship):
            return ("*",)
        if found is not None:
            names |= {column for column, _ in _parent_columns(found)}
    return tuple(sorted(names | set(keys)))


def _parent_columns(key: ForeignKey) -> tuple[tuple[str, str], ...]:
    return key.junction.source_columns if key.junction else key.columns
