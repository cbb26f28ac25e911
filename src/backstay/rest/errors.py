"""What the dialect refuses with: closed families of codes, each made by one function.

    PGRST0xx  the connection          PGRST2xx  the catalog
    PGRST1xx  the request             PGRST3xx  the token
    SQLSTATE  PostgreSQL (see ``failures``)

Codes, messages, details and hints are wire names: clients compare them. The table is
https://docs.postgrest.org/en/stable/references/errors.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from backstay.errors import HttpError
from backstay.rest.media import MediaType
from backstay.web import Header, Response

CHALLENGE: Header = ("WWW-Authenticate", "Bearer")


class RestError(HttpError):
    """An error in PostgREST's form. ``structure`` replaces the text of details where it is JSON."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: str | None = None,
        hint: str | None = None,
        headers: Sequence[Header] = (),
        structure: Any = None,
    ) -> None:
        super().__init__(status, code, message, details=details, hint=hint, headers=headers)
        self.structure = structure


class MissInCatalog(RestError):
    """A name was not found in the catalog, which may be out of date."""


def error_body(error: RestError, *, verbose: bool = True) -> bytes:
    """The JSON of an error; ``verbose`` False leaves details and hint out."""
    fields: dict[str, Any] = {"code": error.code}
    if verbose:
        fields["details"] = error.details if error.structure is None else error.structure
        fields["hint"] = error.hint
    fields["message"] = error.message
    return orjson.dumps(fields)


def error_response(error: RestError, *, verbose: bool = True) -> Response:
    headers: list[Header] = [("Content-Type", "application/json; charset=utf-8"), *error.headers]
    if error.code.isascii() and error.code.isprintable():
        headers.append(("Proxy-Status", f"PostgREST; error={error.code}"))
    return Response(error.status, headers, error_body(error, verbose=verbose))


# -- PGRST0xx: the connection -----------------------------------------------------------------


def connection_failed(details: str | None) -> RestError:
    return RestError(503, "PGRST000", "Database connection error.", details=details)


def no_catalog() -> RestError:
    return RestError(
        503, "PGRST002", "Could not query the database for the schema cache. Retrying."
    )


def pool_exhausted() -> RestError:
    return RestError(504, "PGRST003", "Timed out acquiring connection from connection pool.")


def internal() -> RestError:
    return RestError(500, "PGRSTX00", "Internal server error")


# -- PGRST1xx: the request --------------------------------------------------------------------


def unparsed(message: str, details: str) -> RestError:
    return RestError(400, "PGRST100", message, details=details)


def rpc_method(method: str) -> RestError:
    return RestError(405, "PGRST101", f"Cannot use the {method} method on RPC")


def invalid_body(message: str) -> RestError:
    return RestError(400, "PGRST102", message)


def _range(details: str) -> RestError:
    return RestError(416, "PGRST103", "Requested range not satisfiable", details=details)


def negative_limit() -> RestError:
    return _range("Limit should be greater than or equal to zero.")


def reversed_range() -> RestError:
    return _range(
        "The lower boundary must be lower than or equal to the upper boundary in the Range header."
    )


def beyond_last_row(offset: int, total: int) -> RestError:
    return _range(f"An offset of {offset} was requested, but there are only {total} rows.")


def put_filters() -> RestError:
    return RestError(
        405,
        "PGRST105",
        "Filters must include all and only primary key columns with 'eq' operators",
    )


def unknown_schema(name: str, exposed: Sequence[str]) -> RestError:
    return RestError(
        406,
        "PGRST106",
        f"Invalid schema: {name}",
        hint=f"Only the following schemas are exposed: {', '.join(exposed)}",
    )


def not_acceptable(accepted: Iterable[MediaType]) -> RestError:
    names = ", ".join(media.written for media in accepted)
    return RestError(406, "PGRST107", f"None of these media types are available: {names}")


def not_embedded(name: str, legacy: tuple[str, str] | None = None) -> RestError:
    """``legacy``: the resource was named ``name`` but has an alias: (name, alias)."""
    message = f"'{name}' is not an embedded resource in this request"
    if legacy is None:
        hint = f"Verify that '{name}' is included in the 'select' query parameter."
        return RestError(400, "PGRST108", message, hint=hint)
    return RestError(
        400,
        "PGRST108",
        message,
        details="Target names are not allowed in filters if they have an alias",
        hint=f"Change '{legacy[0]}' to '{legacy[1]}' in filters, orders or limits.",
    )


def bad_header_setting() -> RestError:
    return RestError(
        500,
        "PGRST111",
        "response.headers guc must be a JSON array composed of objects"
        " with a single key and a string value",
    )


def bad_status_setting() -> RestError:
    return RestError(500, "PGRST112", "response.status guc must be a valid status code")


def put_range() -> RestError:
    return RestError(400, "PGRST114", "limit/offset querystring parameters are not allowed for PUT")


def put_mismatch() -> RestError:
    return RestError(400, "PGRST115", "Payload values do not match URL in primary key column(s)")


def not_singular(rows: int) -> RestError:
    return RestError(
        406,
        "PGRST116",
        "Cannot coerce the result to a single JSON object",
        details=f"The result contains {rows} rows",
    )


def unsupported_method(method: str) -> RestError:
    return RestError(405, "PGRST117", f"Unsupported HTTP method: {method}")


def related_order_not_to_one(origin: str, target: str) -> RestError:
    return RestError(
        400,
        "PGRST118",
        f"A related order on '{target}' is not possible",
        details=f"'{origin}' and '{target}' do not form a many-to-one or one-to-one relationship",
    )


def bad_raise(details: str, hint: str) -> RestError:
    return RestError(
        500,
        "PGRST121",
        "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error",
        details=details,
        hint=hint,
    )


def invalid_preferences(names: Iterable[str]) -> RestError:
    return RestError(
        400,
        "PGRST122",
        "Invalid preferences given with handling=strict",
        details=f"Invalid preferences: {', '.join(names)}",
    )


def aggregates_not_allowed() -> RestError:
    return RestError(400, "PGRST123", "Use of aggregate functions is not allowed")


def too_many_affected(rows: int) -> RestError:
    return RestError(
        400,
        "PGRST124",
        "Query result exceeds max-affected preference constraint",
        details=f"The query affects {rows} rows",
    )


def invalid_path() -> RestError:
    return RestError(404, "PGRST125", "Invalid path specified in request URL")


def root_disabled() -> RestError:
    return RestError(404, "PGRST126", "Root endpoint metadata is disabled")


def not_implemented(details: str) -> RestError:
    return RestError(400, "PGRST127", "Feature not implemented", details=details)


def affected_limit_on_single() -> RestError:
    return RestError(
        400,
        "PGRST128",
        "Function must return SETOF or TABLE when max-affected preference"
        " is used with handling=strict",
    )


def nul_byte() -> RestError:
    """What PostgreSQL says of a NUL byte; said before the client library would cut the value."""
    return RestError(400, "22021", 'invalid byte sequence for encoding "UTF8": 0x00')


# -- PGRST2xx: the catalog --------------------------------------------------------------------


def no_relationship(
    origin: str, target: str, hint_used: str | None, schema: str, hint: str | None
) -> RestError:
    by_hint = f"' using the hint '{hint_used}" if hint_used is not None else ""
    return MissInCatalog(
        400,
        "PGRST200",
        f"Could not find a relationship between '{origin}' and '{target}' in the schema cache",
        details="Searched for a foreign key relationship between"
        f" '{origin}' and '{target}{by_hint}' in the schema '{schema}', but no matches were found.",
        hint=hint,
    )


def ambiguous_relationship(
    origin: str, target: str, found: Sequence[dict[str, str]], candidates: Sequence[str]
) -> RestError:
    return RestError(
        300,
        "PGRST201",
        "Could not embed because more than one relationship was found"
        f" for '{origin}' and '{target}'",
        structure=list(found),
        hint=f"Try changing '{target}' to one of the following:"
        f" {', '.join(candidates)}. Find the desired relationship in the 'details' key.",
    )


def no_function(
    schema: str,
    name: str,
    arguments: Sequence[str],
    unnamed: str,
    hint: str | None,
) -> RestError:
    """``unnamed``: the type of the one unnamed parameter that would have been accepted as well.

    ``json/jsonb`` stands beside the arguments; any other type stands in their place.
    """
    function = f"{schema}.{name}"
    listed = ", ".join(arguments)
    if unnamed and unnamed != "json/jsonb":
        message, searched = function, f"{function} with a single unnamed {unnamed} parameter"
    else:
        message = f"{function}({listed})" if arguments else f"{function} without parameters"
        plural = "s" if len(arguments) > 1 else ""
        searched = f"{function} with parameter{plural} {listed}"
        if not arguments:
            searched = f"{function} without parameters"
        if unnamed:
            searched += f" or with a single unnamed {unnamed} parameter"
    return MissInCatalog(
        404,
        "PGRST202",
        f"Could not find the function {message} in the schema cache",
        details=f"Searched for the function {searched},"
        " but no matches were found in the schema cache.",
        hint=hint,
    )


def ambiguous_function(signatures: Sequence[str]) -> RestError:
    return RestError(
        300,
        "PGRST203",
        f"Could not choose the best candidate function between: {', '.join(signatures)}",
        hint="Try renaming the parameters or the function itself in the database"
        " so function overloading can be resolved",
    )


def no_column(table: str, column: str) -> RestError:
    return MissInCatalog(
        400,
        "PGRST204",
        f"Could not find the '{column}' column of '{table}' in the schema cache",
    )


def no_table(schema: str, name: str, similar: str | None) -> RestError:
    return MissInCatalog(
        404,
        "PGRST205",
        f"Could not find the table '{schema}.{name}' in the schema cache",
        hint=f"Perhaps you meant the table '{schema}.{similar}'" if similar else None,
    )


# -- PGRST3xx: the token ----------------------------------------------------------------------


def no_secret() -> RestError:
    return RestError(500, "PGRST300", "Server lacks JWT secret")


def _refused(code: str, message: str, details: str | None = None) -> RestError:
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    headers = [(CHALLENGE[0], challenge)]
    return RestError(401, code, message, details=details, headers=headers)


def bad_token(message: str, details: str | None = None) -> RestError:
    return _refused("PGRST301", message, details)


def token_required() -> RestError:
    return RestError(401, "PGRST302", "Anonymous access is disabled", headers=[CHALLENGE])


def bad_claims(message: str) -> RestError:
    return _refused("PGRST303", message)


# -- BSTAY1xx: beyond PostgREST ---------------------------------------------------------------


def bad_batch(details: str) -> RestError:
    return RestError(400, "BSTAY100", "The batch cannot be read", details=details)


def batch_too_long(count: int, limit: int) -> RestError:
    return RestError(
        413,
        "BSTAY101",
        f"A batch may hold {limit} requests, this one holds {count}",
        hint="Send several batches, or raise batch_limit in [backstay.rest].",
    )


def bad_override(details: str) -> RestError:
    return RestError(400, "BSTAY102", "The query in the body cannot be read", details=details)


def isolation_too_late(level: str) -> RestError:
    return RestError(
        400,
        "BSTAY103",
        f"A function that needs isolation {level} must come first in its transaction",
    )


def bad_nesting(details: str) -> RestError:
    return RestError(400, "BSTAY110", "The nested insert cannot be done", details=details)


def bad_key() -> RestError:
    return RestError(400, "BSTAY120", "An Idempotency-Key has 1 to 255 characters, printable ASCII")


def key_reused() -> RestError:
    return RestError(
        422,
        "BSTAY121",
        "The Idempotency-Key was used for another request",
        hint="Send a new key with every new request, and the same key only to repeat one.",
    )


def keys_not_set_up(details: str) -> RestError:
    return RestError(
        500,
        "BSTAY122",
        "Idempotency keys cannot be kept in this database",
        details=details,
        hint="docs/reference/rest-extensions.md has the table to make.",
    )
