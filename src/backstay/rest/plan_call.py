"""Planning function calls: which overload is meant, and where its arguments come from.

https://docs.postgrest.org/en/stable/references/api/functions.html
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from backstay.catalog.model import Catalog, Name, Routine
from backstay.rest import errors, media
from backstay.rest.hints import FAIR, GOOD, nearest
from backstay.rest.intent import ApiRequest, Argument
from backstay.rest.media import MediaType
from backstay.rest.plan_read import returned_columns
from backstay.rest.planned import CallPlan, Condition, ConditionGroup, ReadPlan, Where

_UNNAMED = {
    media.JSON: ("json", "jsonb"),
    media.TEXT: ("text",),
    media.XML: ("xml",),
    media.OCTET_STREAM: ("bytea",),
}
_RAW = (media.TEXT, media.XML, media.OCTET_STREAM)


def find_routine(request: ApiRequest, catalog: Catalog) -> Routine:
    """The function ``request`` calls. Raises ``RestError`` PGRST202, PGRST203."""
    name = Name(request.schema, request.target.name)
    given = argument_names(request)
    overloads = catalog.routines.get(name, ())
    posted = request.method == "POST"
    content = request.content_type
    named = [each for each in overloads if _takes(each, given, content, posted=posted)]
    found = named or [each for each in overloads if posted and _takes_whole_body(each, content)]
    if len(found) == 1:
        return found[0]
    if found:
        raise errors.ambiguous_function([_signature(each) for each in found])
    raise _no_function(name, given, content, overloads, catalog, posted=posted)


def argument_names(request: ApiRequest) -> frozenset[str]:
    if request.method == "POST":
        return request.payload.keys if request.payload else frozenset()
    return frozenset(argument.name for argument in request.query.arguments)


def _takes(routine: Routine, given: AbstractSet[str], content: MediaType, *, posted: bool) -> bool:
    """The arguments given are all it requires, and none it does not know."""
    if not routine.parameters:
        return not given and not (posted and content in _RAW)
    required = {each.name for each in routine.parameters if each.required}
    optional = {each.name for each in routine.parameters if not each.required}
    return given - optional == required if required else given <= optional


def _takes_whole_body(routine: Routine, content: MediaType) -> bool:
    if len(routine.parameters) != 1:
        return False
    only = routine.parameters[0]
    return only.name == "" and only.type in _UNNAMED.get(content, ())


def _signature(routine: Routine) -> str:
    parameters = ", ".join(f"{each.name} => {each.type}" for each in routine.parameters)
    return f"{routine.id.schema}.{routine.id.name}({parameters})"


def _no_function(
    name: Name,
    given: AbstractSet[str],
    content: MediaType,
    overloads: tuple[Routine, ...],
    catalog: Catalog,
    *,
    posted: bool,
) -> errors.RestError:
    arguments = sorted(given)
    unnamed = "/".join(_UNNAMED.get(content, ())) if posted else ""
    hint = None
    if not (posted and content in _RAW):
        hint = _hint(name, arguments, overloads, catalog)
    return errors.no_function(name.schema, name.name, arguments, unnamed, hint)


def _hint(
    name: Name, arguments: list[str], overloads: tuple[Routine, ...], catalog: Catalog
) -> str | None:
    if overloads:
        known = [_listed([each.name for each in o.parameters]) for o in overloads]
        found = nearest(known, _listed(arguments), FAIR)
        similar = f"{name.name}{found}" if found else None
    else:
        names = [each.name for each in catalog.routines if each.schema == name.schema]
        similar = nearest(names, name.name, GOOD)
    return f"Perhaps you meant to call the function {name.schema}.{similar}" if similar else None


def _listed(names: list[str]) -> str:
    return f"({', '.join(sorted(names))})"


def plan_call(routine: Routine, request: ApiRequest, read: ReadPlan) -> CallPlan:
    """How ``routine`` is called, and which of its columns ``read`` needs."""
    given = argument_names(request)
    positional = len(routine.parameters) == 1 and routine.parameters[0].name == ""
    parameters = routine.parameters
    if not positional:
        parameters = tuple(each for each in routine.parameters if each.name in given)
    returning = returned_columns(read)
    if returning not in ((), ("*",)):
        returning = tuple(sorted({*returning, *_filtered(read.where)}))
    return CallPlan(routine, parameters, positional, _arguments(request), returning)


def _arguments(request: ApiRequest) -> tuple[Argument, ...] | None:
    if request.method != "POST":
        return request.query.arguments
    payload = request.payload
    if payload is None or payload.pairs is None:
        return None
    return tuple(Argument(name, value) for name, value in payload.pairs)


def _filtered(conditions: list[Where] | tuple[Where, ...]) -> set[str]:
    names: set[str] = set()
    for found in conditions:
        if isinstance(found, Condition):
            names.add(found.column.name)
        elif isinstance(found, ConditionGroup):
            names |= _filtered(found.children)
    return names
