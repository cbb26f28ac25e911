"""What the database holds, as the REST planner and OpenAPI need it: frozen facts, no queries.

A ``Catalog`` is loaded whole (``catalog.load``) or rebuilt in part, and swapped in one assignment;
readers never wait and never see half of one. The vocabulary is PostgREST's schema cache:
https://docs.postgrest.org/en/stable/references/schema_cache.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from backstay.config.rest import RestSettings
from backstay.tokens.model import Verifier


class Name(NamedTuple):
    """A schema-qualified identifier, unquoted. An empty schema means "found by search_path"."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    """Type as PostgreSQL names it, domains resolved to their base: ``character varying``."""
    nominal_type: str
    """The declared type, domains kept; the key for domain representations."""
    nullable: bool = True
    default: str | None = None
    max_length: int | None = None
    enum: tuple[str, ...] = ()
    description: str | None = None
    identity: bool = False
    generated: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table, partitioned table, view, materialised view or foreign table of any schema."""

    id: Name
    is_view: bool
    insertable: bool
    updatable: bool
    deletable: bool
    primary_key: tuple[str, ...]
    columns: Mapping[str, Column]
    """By name, in attribute order."""
    description: str | None = None


Cardinality = Literal["many-to-one", "one-to-many", "one-to-one", "many-to-many"]


@dataclass(frozen=True, slots=True)
class Junction:
    table: Name
    constraint1: str
    constraint2: str
    source_columns: tuple[tuple[str, str], ...]
    """(column of the source table, column of the junction)."""
    target_columns: tuple[tuple[str, str], ...]
    """(column of the target table, column of the junction)."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A relationship PostgreSQL knows: by foreign key, or two of them through a junction."""

    table: Name
    foreign_table: Name
    cardinality: Cardinality
    constraint: str
    """Name of the foreign key; empty for many-to-many."""
    columns: tuple[tuple[str, str], ...]
    """(column of ``table``, column of ``foreign_table``); empty for many-to-many."""
    is_self: bool = False
    is_parent: bool = False
    """For one-to-one: ``table`` is the referenced side."""
    table_is_view: bool = False
    foreign_table_is_view: bool = False
    junction: Junction | None = None

    @property
    def to_one(self) -> bool:
        return self.cardinality in ("many-to-one", "one-to-one")


@dataclass(frozen=True, slots=True)
class ComputedRelationship:
    """A function of one row-type argument that returns rows of another relation."""

    function: Name
    table: Name
    foreign_table: Name
    table_alias: Name
    """The relation in the argument's type, as it must be cast to."""
    to_one: bool
    is_self: bool = False


Relationship = ForeignKey | ComputedRelationship

Volatility = Literal["volatile", "stable", "immutable"]


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: str
    type_max_length: str
    """The type with its length modifier, as a cast target in ``json_to_record``."""
    required: bool
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class Routine:
    """A function of an exposed schema, or one overload of it."""

    id: Name
    parameters: tuple[Parameter, ...]
    return_type: Name
    returns_set: bool
    returns_composite: bool
    returns_composite_alias: bool
    """The composite is a domain over a composite."""
    volatility: Volatility
    has_variadic: bool = False
    isolation: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    """``SET`` clauses of the function that are hoisted to the transaction."""
    description: str | None = None

    @property
    def returns_void(self) -> bool:
        return not self.returns_set and self.return_type == Name("pg_catalog", "void")

    @property
    def returns_scalar(self) -> bool:
        return not self.returns_set and not self.returns_composite

    @property
    def returns_set_of_scalar(self) -> bool:
        return self.returns_set and not self.returns_composite

    @property
    def returns_single(self) -> bool:
        return not self.returns_set

    @property
    def table(self) -> str | None:
        """Name of the relation whose rows it returns, if it returns a composite."""
        return self.return_type.name if self.returns_composite else None


@dataclass(frozen=True, slots=True)
class Representation:
    """A cast between a domain and json or text: how a column is shown, read and filtered."""

    source_type: str
    target_type: str
    function: str
    """Qualified and quoted, ready for SQL."""


@dataclass(frozen=True, slots=True)
class MediaHandler:
    """A custom media type: a function or aggregate over a relation, or over any element."""

    function: Name
    target: Name | None
    """The relation handled; None means ``anyelement``."""
    media_type: str
    """What the answer is called; differs from the key for a ``*/*`` handler."""


ANY_ELEMENT: Name | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything loaded from one database at one moment."""

    version: int
    """Increases with every load; part of every plan cache's key."""
    tables: Mapping[Name, Table] = field(default_factory=dict)
    relationships: Mapping[tuple[Name, str], tuple[Relationship, ...]] = field(default_factory=dict)
    """By (source table, schema of the target), in PostgREST's order."""
    routines: Mapping[Name, tuple[Routine, ...]] = field(default_factory=dict)
    """Overloads in order of fewest parameters."""
    representations: Mapping[tuple[str, str], Representation] = field(default_factory=dict)
    """By (source type, target type)."""
    media_handlers: Mapping[tuple[Name | None, str], MediaHandler] = field(default_factory=dict)
    """By (relation or None for anyelement, media type); built-in ones are not listed."""
    timezones: frozenset[str] = frozenset()
    """Always empty: PostgreSQL judges ``Prefer: timezone``, so that no list has to be loaded."""
    role_settings: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Settings of each role the authenticator may switch to, superuser-only ones left out."""
    role_isolation: Mapping[str, str] = field(default_factory=dict)
    """Roles with ``default_transaction_isolation``."""
    server_version: int = 0
    """As ``server_version_num``: 180006."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one request works with from start to end: read once, never half old, half new."""

    catalog: Catalog
    settings: RestSettings
    verifier: Verifier


class Source(Protocol):
    """Where a service gets the present snapshot."""

    @property
    def current(self) -> Snapshot | None:
        """The newest snapshot; None before the first load."""
        ...

    async def look_again(self) -> bool:
        """After a miss: load anew if the database changed since; True if the snapshot changed."""
        ...
