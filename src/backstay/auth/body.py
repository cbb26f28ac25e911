"""Reads a request's JSON body as upstream's decoder does, whatever its content type.

A missing or null member is the empty value; a member of another type is refused as ``bad_json``.
What PostgreSQL cannot store (a NUL character) is refused here, so that it never becomes a 5xx.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from backstay.auth.errors import AuthError, Code, bad_request
from backstay.web import BodyTooLarge, Request

LIMIT: Final = 1 << 20
"""Bytes a body may have."""

_NAMES: Final = {str: "string", bool: "bool", dict: "object"}


@dataclass(frozen=True, slots=True)
class Body:
    """The members of a JSON object, each read as the type it must have."""

    members: dict[str, Any]

    def text(self, name: str) -> str:
        """The string ``name``; empty when absent."""
        return self.optional_text(name) or ""

    def optional_text(self, name: str) -> str | None:
        """The string ``name``; None when absent or null."""
        value = self.members.get(name)
        return value if value is None or isinstance(value, str) else _mismatch(name, value, str)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The boolean ``name``."""
        value = self.members.get(name)
        if value is None:
            return default
        return value if isinstance(value, bool) else _mismatch(name, value, bool)

    def object(self, name: str) -> dict[str, Any] | None:
        """The object ``name``; None when absent or null."""
        value = self.members.get(name)
        return value if value is None or isinstance(value, dict) else _mismatch(name, value, dict)


async def read_bytes(request: Request) -> bytes:
    """The body. Raises ``AuthError`` 413 above the limit."""
    try:
        return await request.read(LIMIT)
    except BodyTooLarge as error:
        message = f"Request body too large (max {error.limit} bytes)"
        raise AuthError(413, Code.REQUEST_ENTITY_TOO_LARGE, message) from error


def parse_body(data: bytes) -> Body:
    """The JSON object in ``data``. Raises ``AuthError`` 400 ``bad_json``."""
    try:
        value = json.loads(
            data.decode("utf-8", "replace"), parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise _bad_json(_reason(error)) from error
    if value is None:
        return Body({})
    if not isinstance(value, dict):
        raise _bad_json(f"an object is expected, not {_kind(value)}")
    return Body(_storable(value) if b"\\u" in data or b"\0" in data else value)


def _storable(value: Any) -> Any:
    """``value`` with lone surrogates replaced; a NUL character is refused."""
    if isinstance(value, str):
        if "\0" in value:
            raise _bad_json("the character U+0000 cannot be stored")
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text} is too large")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return "unexpected end of JSON input" if not error.doc.strip() else error.msg
    return str(error)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    names = {str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _mismatch(name: str, value: Any, wanted: type) -> NoReturn:
    raise _bad_json(f"{name} must be of type {_NAMES[wanted]}, not {_kind(value)}")


def _bad_json(reason: str) -> AuthError:
    return bad_request(Code.BAD_JSON, f"Could not parse request body as JSON: {reason}")
