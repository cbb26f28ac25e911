"""Planning: the one stage that consults the catalog. Intent goes in, a ``Plan`` comes out."""

from __future__ import annotations

from backstay.catalog.model import Catalog, MediaHandler, Name
from backstay.config.rest import RestSettings
from backstay.rest import errors, media
from backstay.rest.hints import GOOD, nearest
from backstay.rest.intent import ApiRequest
from backstay.rest.media import MediaType
from backstay.rest.plan_call import find_routine, plan_call
from backstay.rest.plan_read import plan_read
from backstay.rest.plan_write import plan_write
from backstay.rest.planned import Handler, HandlerKind, Plan, ReadPlan

_BUILT_IN: dict[MediaType, tuple[HandlerKind, MediaType]] = {
    media.ANY: ("json", media.JSON),
    media.JSON: ("json", media.JSON),
    media.CSV: ("csv", media.CSV),
    media.GEO_JSON: ("geojson", media.GEO_JSON),
}
_FIXED: dict[MediaType, HandlerKind] = {
    media.SINGULAR: "object",
    media.SINGULAR_STRIPPED: "object_stripped",
    media.ARRAY_STRIPPED: "json_stripped",
}


def make_plan(request: ApiRequest, catalog: Catalog, settings: RestSettings) -> Plan:
    """Plan a read, write or call.

    Raises ``RestError``; a ``MissInCatalog`` when a name was not found, which a newer catalog may
    know.
    """
    if request.verb == "call":
        return _call(request, catalog, settings)
    table = find_table(request, catalog)
    read = plan_read(table, request, catalog, settings)
    if request.verb == "read":
        handler, produced = _negotiated(request, catalog, settings, table, read)
        _check_preferences(request)
        return Plan("read", read, handler, produced, read_only=True)
    write = plan_write(table, request, read, catalog)
    _check_preferences(request)
    handler, produced = _negotiated(request, catalog, settings, table, read)
    return Plan("write", read, handler, produced, read_only=False, write=write)


def _call(request: ApiRequest, catalog: Catalog, settings: RestSettings) -> Plan:
    routine = find_routine(request, catalog)
    rows = Name(routine.id.schema, routine.table or routine.id.name)
    read = plan_read(rows, request, catalog, settings)
    handler, produced = _negotiated(request, catalog, settings, rows, read)
    _check_preferences(request)
    if request.preferences.affected_limit is not None and routine.returns_single:
        raise errors.affected_limit_on_single()
    read_only = request.method != "POST" or routine.volatility != "volatile"
    call = plan_call(routine, request, read)
    return Plan("call", read, handler, produced, read_only, call=call)


def find_table(request: ApiRequest, catalog: Catalog) -> Name:
    """The relation ``request`` is about. Raises ``RestError`` PGRST205."""
    table = Name(request.schema, request.target.name)
    if table not in catalog.tables:
        names = [name.name for name in catalog.tables if name.schema == table.schema]
        raise errors.no_table(table.schema, table.name, nearest(names, table.name, GOOD))
    return table


def _check_preferences(request: ApiRequest) -> None:
    preferences = request.preferences
    if preferences.strict and preferences.invalid:
        raise errors.invalid_preferences(preferences.invalid)


def _negotiated(
    request: ApiRequest,
    catalog: Catalog,
    settings: RestSettings,
    rows: Name,
    read: ReadPlan,
) -> tuple[Handler, MediaType]:
    """The first acceptable media type that the rows can become. Raises ``RestError`` PGRST107."""
    plain = _selects_everything(read)
    for accepted in request.accept:
        found = _handler(accepted, catalog, settings, rows, plain=plain)
        if found is None:
            continue
        handler, produced = found
        unseen = request.head or (
            request.mutates and request.preferences.representation != "representation"
        )
        return (Handler("none") if unseen else handler), produced
    raise errors.not_acceptable(request.accept)


def _selects_everything(read: ReadPlan) -> bool:
    return not read.children and len(read.select) == 1 and read.select[0].column.name == "*"


def _handler(
    accepted: MediaType, catalog: Catalog, settings: RestSettings, rows: Name, *, plain: bool
) -> tuple[Handler, MediaType] | None:
    if accepted in _FIXED:
        return Handler(_FIXED[accepted]), accepted
    if accepted.plan is None:
        return _overridable(accepted, catalog, rows, plain=plain)
    if not settings.db_plan_enabled:
        return None
    subject = accepted.plan.subject
    if subject in _FIXED:
        return Handler(_FIXED[subject]), accepted
    found = _overridable(subject, catalog, rows, plain=plain)
    return (found[0], accepted) if found else None


def _overridable(
    accepted: MediaType, catalog: Catalog, rows: Name, *, plain: bool
) -> tuple[Handler, MediaType] | None:
    """A handler of the relation when all its columns are selected, else one of any rows."""
    own = catalog.media_handlers
    name = accepted.name.lower()
    found: MediaHandler | None = None
    if plain:
        found = own.get((rows, "*/*")) or own.get((rows, name))
    found = found or own.get((None, name))
    if found is not None:
        produced = media.parse_media_type(found.media_type)
        return Handler("custom", found.function, found.target), produced
    built_in = _BUILT_IN.get(accepted)
    return (Handler(built_in[0]), built_in[1]) if built_in else None
