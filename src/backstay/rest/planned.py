"""What planning makes of an intent: every name resolved, ready to be written as SQL.

A ``ReadPlan`` is a tree, one node for the root and each embedded resource. The planner fills it in
over several passes; once ``plan_read`` has returned it, nothing changes it any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from backstay.catalog.model import Name, Parameter, Relationship, Routine
from backstay.rest.intent import (
    Aggregate,
    Argument,
    Field,
    Filter,
    JoinType,
    JsonStep,
    Logic,
    OrderTerm,
    SelectField,
)
from backstay.rest.media import MediaType
from backstay.rest.ranges import ALL, Range

SOURCE = "pgrst_source"
"""Name of the query that holds the rows a write or a function gave."""


@dataclass(frozen=True, slots=True)
class TextSearch:
    """The column is searched as text: ``to_tsvector(language, column)``."""

    language: str | None


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column, with what has to be done to it where it is used."""

    name: str
    path: tuple[JsonStep, ...] = ()
    to_json: bool = False
    """It has to become jsonb before its path can be followed."""
    search: TextSearch | None = None
    type: str = ""
    """Its declared type; empty when the column is not known."""
    transform: str | None = None
    """The function of a domain representation to apply."""
    default: str | None = None
    whole_row: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    column: ColumnRef
    filter: Filter


@dataclass(frozen=True, slots=True)
class EmbedPresence:
    """An embedded resource has rows (``present``) or none."""

    alias: str
    present: bool


@dataclass(frozen=True, slots=True)
class ConditionGroup:
    operator: Literal["and", "or"]
    children: tuple[Where, ...]
    negated: bool


Where = Condition | EmbedPresence | ConditionGroup


@dataclass(frozen=True, slots=True)
class Order:
    """``relation`` is the alias of the embedded resource whose column it is, if any."""

    column: ColumnRef
    direction: str = ""
    nulls: str = ""
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    column: ColumnRef
    alias: str | None = None
    cast: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class SpreadColumn:
    """A column of a spread resource, in the row of its parent."""

    name: str
    alias: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class JsonEmbed:
    """An embedded resource as one JSON value: an object (``to_one``) or an array."""

    name: str
    alias: str
    to_one: bool
    empty: bool
    """Nothing of it is selected: it only filters."""


@dataclass(frozen=True, slots=True)
class SpreadEmbed:
    columns: tuple[SpreadColumn, ...]
    alias: str


Embed = JsonEmbed | SpreadEmbed


@dataclass(frozen=True, slots=True)
class SpreadOrder:
    """How the arrays of a to-many spread are ordered: by columns selected only for that."""

    extra: tuple[tuple[str | None, Selected], ...] = ()
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """``left = right``: each is (table or alias, column)."""

    left: tuple[Name, str]
    right: tuple[Name, str]


@dataclass(slots=True)
class ReadPlan:
    """One resource of a read: the root, or one embedded in its parent."""

    name: str
    """What the request calls it."""
    table: Name
    """The relation it is, for looking up its columns."""
    source: Name
    """What it is read from: the relation, or the rows of a write or call."""
    depth: int = 0
    source_alias: str | None = None
    request_alias: str | None = None
    hint: str | None = None
    join: JoinType = ""
    spread: Literal["", "one", "many"] = ""
    relationship: Relationship | None = None
    joins: tuple[Join, ...] = ()
    parent_alias: str | None = None
    """What its parent's rows are called, when that is an alias."""
    embed_alias: str = ""
    """Name of its rows in the parent's query."""
    legacy_name: bool = False
    """A filter named it by its relation though it has an alias."""
    items: list[SelectField] = field(default_factory=list)
    filters: list[Logic] = field(default_factory=list)
    order_terms: tuple[OrderTerm, ...] = ()
    rows: Range = ALL
    rows_open: bool = False
    """Which rows they are differs between requests of the same shape."""
    select: list[Selected] = field(default_factory=list)
    where: list[Where] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    distinct: tuple[ColumnRef, ...] | None = None
    """Rows differ in these columns, or as a whole when there is none."""
    embeds: list[Embed] = field(default_factory=list)
    spread_order: SpreadOrder = SpreadOrder()
    children: list[ReadPlan] = field(default_factory=list)

    @property
    def shown_name(self) -> str:
        return self.name if self.request_alias is None else self.request_alias


@dataclass(frozen=True, slots=True)
class WritePlan:
    """An insert, update or delete.

    ``keys`` are the columns of the primary key; ``on_conflict`` those that find a duplicate,
    None when duplicates are not to be resolved.
    """

    verb: Literal["insert", "update", "upsert", "delete"]
    table: Name
    columns: tuple[ColumnRef, ...] = ()
    where: tuple[Where, ...] = ()
    returning: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    on_conflict: tuple[str, ...] | None = None
    merge: bool = False
    """Duplicates are updated rather than ignored."""
    defaults: bool = False
    """Columns missing in the body get their defaults."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A call of a function.

    ``arguments`` are the query's or form's; None when the body is JSON to take them from.
    ``positional``: the function's one parameter has no name and receives the whole body.
    """

    routine: Routine
    parameters: tuple[Parameter, ...]
    positional: bool
    arguments: tuple[Argument, ...] | None
    returning: tuple[str, ...]


HandlerKind = Literal[
    "json", "json_stripped", "object", "object_stripped", "csv", "geojson", "custom", "none"
]


@dataclass(frozen=True, slots=True)
class Handler:
    """How rows become a body; a ``custom`` one is a ``function``, over ``target`` or any row."""

    kind: HandlerKind
    function: Name | None = None
    target: Name | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A request, planned."""

    kind: Literal["read", "write", "call"]
    read: ReadPlan
    handler: Handler
    media: MediaType
    read_only: bool
    write: WritePlan | None = None
    call: CallPlan | None = None

    @property
    def legacy_names(self) -> list[tuple[str, str]]:
        """(relation, alias) of each resource named by its relation in spite of an alias."""
        found: list[tuple[str, str]] = []
        _collect_legacy(self.read, found)
        return found


def _collect_legacy(node: ReadPlan, found: list[tuple[str, str]]) -> None:
    if node.legacy_name and node.request_alias is not None:
        found.append((node.name, node.request_alias))
    for child in node.children:
        _collect_legacy(child, found)


def field_ref(source: Field) -> ColumnRef:
    """A column that is not looked up."""
    return ColumnRef(source.name, source.path)
