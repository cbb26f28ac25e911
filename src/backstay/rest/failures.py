"""What PostgreSQL refused, as the dialect's error: by its SQLSTATE, or as a RAISE asks for.

https://docs.postgrest.org/en/stable/references/errors.html#pg-errors
"""

from __future__ import annotations

from typing import Any

import orjson

from backstay.db.model import DatabaseError, DatabaseUnavailable, PoolTimeout
from backstay.errors import BackstayError
from backstay.rest import errors
from backstay.rest.errors import CHALLENGE, RestError
from backstay.rest.statements import MARKED

_EXACT = {
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "42P01": 404,
    "42P17": 500,
    "53400": 500,
    "57P01": 503,
    "P0001": 400,
}
_CLASSES = {
    "08": 503,
    "09": 500,
    "0L": 403,
    "0P": 403,
    "25": 500,
    "28": 403,
    "2D": 500,
    "38": 500,
    "39": 500,
    "3B": 500,
    "40": 500,
    "53": 503,
    "54": 500,
    "55": 500,
    "57": 500,
    "58": 500,
    "F0": 500,
    "HV": 500,
    "P0": 500,
    "XX": 500,
}
_STATUSES = range(100, 1000)


def failure(error: BackstayError, *, authenticated: bool) -> RestError:
    """The answer to a request whose transaction failed."""
    if isinstance(error, PoolTimeout):
        return errors.pool_exhausted()
    if isinstance(error, DatabaseError):
        return _reported(error, authenticated=authenticated)
    if isinstance(error, DatabaseUnavailable):
        return errors.connection_failed(str(error))
    return errors.internal()


def _reported(error: DatabaseError, *, authenticated: bool) -> RestError:
    if error.sqlstate == "PGRST":
        return _raised(error.message, error.detail)
    if error.sqlstate == "22P02" and (limit := _limit(error.message)):
        return limit
    status = _status(error, authenticated=authenticated)
    return RestError(
        status,
        error.sqlstate,
        error.message,
        details=error.detail,
        hint=error.hint,
        headers=[CHALLENGE] if status == 401 else [],
    )


def _limit(message: str) -> RestError | None:
    """The limit on affected rows that our own statement raised, if it was that."""
    match = MARKED.search(message)
    if match is None:
        return None
    code, rows = match.group(1), int(match.group(2))
    if code == "PGRST115":
        return errors.put_mismatch()
    return errors.too_many_affected(rows) if code == "PGRST124" else errors.not_singular(rows)


def _status(error: DatabaseError, *, authenticated: bool) -> int:
    code, message = error.sqlstate, error.message
    if code == "42501":
        return 403 if authenticated else 401
    if code == "21000":
        # pg-safeupdate, whose complaint is about the request.
        return 400 if message.endswith("requires a WHERE clause") else 500
    if code == "22023":
        unknown_role = message.startswith("role") and message.endswith("does not exist")
        return 401 if unknown_role else 400
    if code == "42883":
        return 406 if message.startswith("function xmlagg(") else 404
    if code.startswith("PT"):
        number = int(code[2:]) if code[2:].isdecimal() else 0
        return number if number in _STATUSES else 500
    return _EXACT.get(code) or _CLASSES.get(code[:2], 400)


def _raised(message: str, detail: str | None) -> RestError:
    """``RAISE sqlstate 'PGRST'``: message and detail are JSON that say what to answer."""
    said = _object(message, required={"code": str, "message": str}, optional=("details", "hint"))
    if said is None:
        return errors.bad_raise(
            f"Invalid JSON value for MESSAGE: '{message}'",
            "MESSAGE must be a JSON object with obligatory keys: 'code', 'message'"
            " and optional keys: 'details', 'hint'.",
        )
    form = (
        "DETAIL must be a JSON object with obligatory keys: 'status', 'headers'"
        " and optional key: 'status_text'."
    )
    if detail is None:
        return errors.bad_raise("DETAIL is missing in the RAISE statement", form)
    answer = _object(detail, required={"status": int, "headers": dict}, optional=("status_text",))
    if answer is None or answer["status"] not in _STATUSES or not _texts(answer["headers"]):
        return errors.bad_raise(f"Invalid JSON value for DETAIL: '{detail}'", form)
    return RestError(
        answer["status"],
        said["code"],
        said["message"],
        details=said.get("details"),
        hint=said.get("hint"),
        headers=sorted(answer["headers"].items()),
    )


def _object(
    text: str, *, required: dict[str, type], optional: tuple[str, ...]
) -> dict[str, Any] | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    complete = all(type(found.get(name)) is kind for name, kind in required.items())
    texts = all(isinstance(found.get(name), str | None) for name in optional)
    return found if complete and texts else None


def _texts(headers: dict[str, Any]) -> bool:
    return all(is_header(name, value) for name, value in headers.items())


def is_header(name: str, value: object) -> bool:
    """Whether a header the database asks for can be sent."""
    return (
        isinstance(value, str)
        and name != ""
        and name.isascii()
        and name.isprintable()
        and not any(character in value for character in "\r\n\0")
    )
