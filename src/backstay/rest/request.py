"""From HTTP to intent: what is addressed, which verb, which rows, in which form.

Pure, and ignorant of the database: whatever can be refused by looking at the request alone is
refused here.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache

from backstay.config.rest import RestSettings
from backstay.rest import errors, media
from backstay.rest.holes import SlotValue
from backstay.rest.intent import ApiRequest, Payload, Target, Verb
from backstay.rest.media import parse_accept, parse_media_type
from backstay.rest.payload import parse_payload
from backstay.rest.preferences import Preferences, parse_preferences
from backstay.rest.query_params import decoded, parse_query, ranges_of, split_query
from backstay.rest.ranges import ALL, NOTHING, Range, header_range, intersection

_RELATION_VERBS: Mapping[str, Verb] = {
    "GET": "read",
    "HEAD": "read",
    "POST": "insert",
    "PUT": "upsert",
    "PATCH": "update",
    "DELETE": "delete",
    "OPTIONS": "info",
}
_ROUTINE_VERBS: Mapping[str, Verb] = {
    "GET": "call",
    "HEAD": "call",
    "POST": "call",
    "OPTIONS": "info",
}
_ROOT_VERBS: Mapping[str, Verb] = {"GET": "root", "HEAD": "root", "OPTIONS": "info"}
_WRITING = frozenset({"POST", "PATCH", "PUT", "DELETE"})
TAKES_BODY = frozenset({"POST", "PATCH", "PUT"})


def parse_request(
    settings: RestSettings,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    open_slots: Container[int] = (),
    *,
    distinct: bool = False,
    literal_limits: bool = False,
) -> ApiRequest:
    """Understand a request but for its body. Header names are lower case.

    ``open_slots``: the parameters of the query whose values a plan is to leave open. ``distinct``:
    a read may have that parameter. ``literal_limits``: limits that are not left open may become
    part of the SQL. Raises ``RestError`` PGRST1xx.
    """
    target = parse_target(settings, path)
    schema, negotiated = _schema(settings, method, headers)
    verb = parse_verb(target, method)
    arguments = target.kind == "routine" and method != "POST"
    distinct = distinct and verb == "read"
    params = parse_query(query, open_slots, read_only_call=arguments, distinct=distinct)
    top = _top_range(method, params.ranges, headers.get("range"))
    content_type = parse_media_type(headers.get("content-type", media.JSON.name))
    accept = headers.get("accept")
    return ApiRequest(
        verb=verb,
        target=target,
        method=method,
        schema=schema,
        negotiated=negotiated,
        accept=(media.ANY,) if accept is None else parse_accept(accept),
        content_type=content_type,
        preferences=request_preferences(settings, headers),
        query=params,
        top_range=top,
        open_rows=_open_rows(query, open_slots),
        literal_limits=literal_limits,
    )


def _open_rows(query: str, open_slots: Container[int]) -> tuple[tuple[str, str, int], ...]:
    found = [
        (key, value, slot if slot in open_slots else -1)
        for slot, (key, value) in enumerate(split_query(query))
        if key in ("limit", "offset") and value is not None
    ]
    return tuple(found) if any(slot >= 0 for _, _, slot in found) else ()


def request_payload(request: ApiRequest, body: bytes) -> Payload | None:
    """What the body holds; None for a verb without one. Raises ``RestError`` PGRST102."""
    if request.method not in TAKES_BODY:
        return None
    columns = None if request.verb == "upsert" else request.query.columns
    return parse_payload(body, request.content_type, request.verb, columns)


def request_preferences(settings: RestSettings, headers: Mapping[str, str]) -> Preferences:
    return parse_preferences(
        headers.get("prefer", ""), settings.db_tx_end.endswith("allow-override")
    )


def parse_target(settings: RestSettings, path: str) -> Target:
    """What ``path`` names. Raises ``RestError`` PGRST125, PGRST126."""
    words = [decoded(word.replace("+", "%2B")) for word in path.split("/")[1:]]
    if words and words[-1] == "":
        words.pop()
    match words:
        case []:
            if settings.openapi_mode == "disabled":
                raise errors.root_disabled()
            if settings.db_root_spec:
                return Target("routine", settings.db_root_spec.rpartition(".")[2])
            return Target("schema")
        case [table]:
            return Target("relation", table)
        case ["rpc", function]:
            return Target("routine", function)
    raise errors.invalid_path()


def parse_verb(target: Target, method: str) -> Verb:
    """What to do with the target. Raises ``RestError`` PGRST101, PGRST117."""
    if target.kind == "routine":
        if method not in _ROUTINE_VERBS:
            raise errors.rpc_method(method)
        return _ROUTINE_VERBS[method]
    verbs = _RELATION_VERBS if target.kind == "relation" else _ROOT_VERBS
    if method not in verbs:
        raise errors.unsupported_method(method)
    return verbs[method]


def _schema(settings: RestSettings, method: str, headers: Mapping[str, str]) -> tuple[str, bool]:
    """The schema asked for, and whether the answer has to name it."""
    exposed = settings.db_schemas
    profile = headers.get("content-profile" if method in _WRITING else "accept-profile")
    if profile is None:
        return exposed[0], len(exposed) != 1
    if profile not in exposed:
        raise errors.unknown_schema(profile, exposed)
    return profile, True


def rows_of(
    request: ApiRequest, values: Sequence[SlotValue | None], headers: Mapping[str, str]
) -> Range:
    """The root's rows, for a request of the same shape with its own ``values``.

    Raises ``RestError`` PGRST103.
    """
    if not request.open_rows:
        return request.top_range
    pairs = tuple(
        [(key, text if slot < 0 else str(values[slot])) for key, text, slot in request.open_rows]
    )
    return _rows(request.method, pairs, headers.get("range"))


@lru_cache(maxsize=1024)
def _rows(method: str, pairs: tuple[tuple[str, str], ...], header: str | None) -> Range:
    return _top_range(method, ranges_of(pairs), header)


def _top_range(method: str, ranges: Mapping[str, Range], header: str | None) -> Range:
    """The root's rows; the ``Range`` header counts for GET only."""
    by_header = header_range(header) if method == "GET" else ALL
    by_limit = ranges.get("limit", ALL)
    both = NOTHING if by_limit.asks_for_nothing else intersection(by_header, by_limit)
    if both.empty and not by_limit.asks_for_nothing:
        raise errors.reversed_range() if by_header.empty else errors.negative_limit()
    if method == "PUT" and both != ALL:
        raise errors.put_range()
    return both
