"""What a request wants, in the words of the dialect: the result of parsing, before any catalog.

Nothing here is known to make sense: names are not resolved, types are not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from backstay.rest.media import MediaType
from backstay.rest.preferences import Preferences
from backstay.rest.ranges import ALL, Range

EmbedPath = tuple[str, ...]
"""Names of embedded resources from the root down: ``clients.projects.name`` has two."""

Aggregate = Literal["sum", "avg", "count", "max", "min"]
JoinType = Literal["", "inner", "left"]


@dataclass(frozen=True, slots=True)
class JsonStep:
    """One arrow of a JSON path. ``text`` is ``->>``; an ``index`` keeps its sign, ``+1``."""

    key: str
    text: bool = False
    index: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A column, possibly followed into its JSON. ``*`` means every column."""

    name: str
    path: tuple[JsonStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: ``field=[not.]operator[(quantifier or language)].value``.

    ``value`` is a tuple for ``in`` and the canonical word for ``is``. ``slot`` is the place in the
    query string whose value this is, or -1 where the value is but a part of what stands there.
    """

    field: Field
    operator: str
    value: str | tuple[str, ...]
    negated: bool = False
    quantifier: Literal["", "any", "all"] = ""
    language: str | None = None
    slot: int = -1


@dataclass(frozen=True, slots=True)
class Group:
    """``and(...)`` or ``or(...)``, possibly negated."""

    operator: Literal["and", "or"]
    children: tuple[Logic, ...]
    negated: bool = False


Logic = Filter | Group


@dataclass(frozen=True, slots=True)
class SelectField:
    """``alias:field::cast.aggregate()::aggregate_cast``."""

    field: Field
    alias: str | None = None
    cast: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class SelectRelation:
    """``alias:name!hint!join(children)``, or ``...name(children)`` when ``spread``."""

    name: str
    children: tuple[SelectItem, ...]
    alias: str | None = None
    hint: str | None = None
    join: JoinType = ""
    spread: bool = False


SelectItem = SelectField | SelectRelation


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """``field.direction.nulls``, of an embedded to-one resource when ``relation`` is given."""

    field: Field
    relation: str | None = None
    direction: Literal["", "asc", "desc"] = ""
    nulls: Literal["", "nullsfirst", "nullslast"] = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """A query parameter that is an argument of a function; ``slot`` as for a filter."""

    name: str
    value: str
    slot: int = -1


@dataclass(frozen=True, slots=True)
class QueryParams:
    """A parsed query string."""

    select: tuple[SelectItem, ...] = (SelectField(Field("*")),)
    filters: tuple[tuple[EmbedPath, Filter], ...] = ()
    logic: tuple[tuple[EmbedPath, Logic], ...] = ()
    orders: tuple[tuple[EmbedPath, tuple[OrderTerm, ...]], ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """By key with its last word replaced by ``limit``: ``limit``, ``clients.limit``."""
    columns: frozenset[str] | None = None
    on_conflict: tuple[str, ...] | None = None
    arguments: tuple[Argument, ...] = ()
    distinct: tuple[str, ...] | None = None
    """Rows are to differ in these columns, or as a whole when none is named."""
    filter_names: frozenset[str] = frozenset()
    """The keys of all filters, as they were written."""


Verb = Literal["read", "insert", "update", "upsert", "delete", "call", "root", "info"]
TargetKind = Literal["relation", "routine", "schema"]


@dataclass(frozen=True, slots=True)
class Target:
    """What the path names."""

    kind: TargetKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """A request body that was accepted.

    ``keys`` are the names it holds (or the ``columns`` parameter's, when that was sent). ``raw`` is
    the JSON text, or the body itself for a function with one unnamed parameter; ``pairs`` is a
    decoded form. ``is_object`` tells a JSON object from an array of them.
    """

    raw: bytes = b""
    keys: frozenset[str] = frozenset()
    is_object: bool = False
    pairs: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request, understood as far as its own text goes."""

    verb: Verb
    target: Target
    method: str
    schema: str
    negotiated: bool
    """The schema was chosen by a profile header, or could have been."""
    accept: tuple[MediaType, ...]
    content_type: MediaType
    preferences: Preferences
    query: QueryParams
    top_range: Range = ALL
    """Rows asked for of the root, from ``limit``, ``offset`` and the ``Range`` header."""
    open_rows: tuple[tuple[str, str, int], ...] = ()
    """Where the plan leaves the root's rows open: its limits and offsets as (key, value, place),
    the place -1 where the value is the same for all requests of the shape."""
    payload: Payload | None = None
    literal_limits: bool = False
    """Limits are written into the SQL, where an offset does not make that useless."""

    @property
    def read_only_call(self) -> bool:
        """A function is called by GET or HEAD: arguments are query parameters."""
        return self.verb == "call" and self.method != "POST"

    @property
    def head(self) -> bool:
        return self.method == "HEAD"

    @property
    def mutates(self) -> bool:
        return self.verb in ("insert", "update", "upsert", "delete")
