"""What the gateway itself refuses, and how it writes an error that no service has worded."""

from __future__ import annotations

import orjson

from backstay.errors import HttpError
from backstay.web import Response

_JSON = ("content-type", "application/json; charset=utf-8")


class NoRoute(HttpError):
    def __init__(self) -> None:
        super().__init__(404, "no_route", "no Route matched with those values")


class NoProject(HttpError):
    def __init__(self, host: str) -> None:
        super().__init__(404, "no_project", f"No project is served on {host}")


class NotOffered(HttpError):
    def __init__(self, service: str) -> None:
        super().__init__(
            404, "not_offered", f"The {service} service is not offered by this project"
        )


class NoApiKey(HttpError):
    def __init__(self) -> None:
        super().__init__(
            401,
            "no_api_key",
            "No API key found in request",
            hint="No `apikey` request header or url param was found.",
        )


class UnknownApiKey(HttpError):
    def __init__(self) -> None:
        super().__init__(
            401,
            "unknown_api_key",
            "Invalid API key",
            hint="Double check your Supabase `anon` or `service_role` API key.",
        )


class BodyRefused(HttpError):
    def __init__(self, limit: int) -> None:
        super().__init__(413, "body_too_large", f"The request body is larger than {limit} bytes")


class TargetRefused(HttpError):
    def __init__(self, limit: int) -> None:
        super().__init__(
            414, "target_too_long", f"The path and query are longer than {limit} bytes"
        )


class Incomplete(HttpError):
    def __init__(self) -> None:
        super().__init__(400, "incomplete", "The request was not complete")


def error_response(error: HttpError, request_id: str = "") -> Response:
    """``error`` in the gateway's own words: message, hint, and for 5xx the request id."""
    body = {"message": error.message}
    if error.hint:
        body["hint"] = error.hint
    if error.status >= 500 and request_id:
        body["request_id"] = request_id
    return Response(error.status, [_JSON, *error.headers], orjson.dumps(body))


def failure_response(request_id: str = "") -> Response:
    """The answer when a service failed: what went wrong is in the log under the request id."""
    return error_response(HttpError(500, "internal", "An unexpected error occurred"), request_id)
