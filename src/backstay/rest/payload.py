"""Request bodies: JSON, CSV, form fields, or raw bytes for a function with one unnamed parameter.

JSON goes on to PostgreSQL as it came; here it is decoded only to learn which names it holds.
https://docs.postgrest.org/en/stable/references/api/tables_views.html#insert
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import orjson

from backstay.rest import errors, media
from backstay.rest.intent import Payload, Verb
from backstay.rest.media import MediaType
from backstay.rest.query_params import split_query

_BLANKS = b" \t\n\r"
_NO_ROWS = Payload(b"[]")
_MAX_CSV_FIELD = 1 << 30


def parse_payload(
    body: bytes, content_type: MediaType, verb: Verb, columns: frozenset[str] | None
) -> Payload:
    """The body of an insert, update, upsert or call.

    ``columns``: the names the request says to use, which spares looking for them. Raises
    ``RestError`` PGRST102.
    """
    calls = verb == "call"
    if content_type == media.JSON:
        if columns is not None:
            return Payload(_without_nul(body), columns, looks_like_object(body))
        return _json(b"{}" if calls and not body else body)
    if content_type == media.CSV:
        return _csv(body)
    if content_type == media.URL_ENCODED:
        return _form(body, calls=calls)
    if calls and content_type in (media.TEXT, media.XML):
        return Payload(_without_nul(body))
    if calls and content_type == media.OCTET_STREAM:
        return Payload(b"\\x" + body.hex().encode())
    raise errors.invalid_body(f"Content-Type not acceptable: {content_type.written}")


def looks_like_object(body: bytes) -> bool:
    """Whether JSON text that PostgreSQL will check is an object rather than an array."""
    return body.lstrip(_BLANKS)[:1] == b"{"


def _without_nul(body: bytes) -> bytes:
    if b"\0" in body:
        raise errors.nul_byte()
    return body


def _json(body: bytes) -> Payload:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.invalid_body("Empty or invalid json") from None
    return _with_keys(body, value, "All object keys must match")


def _with_keys(body: bytes, value: Any, complaint: str) -> Payload:
    """What holds neither an object nor objects of the same keys holds no rows."""
    if isinstance(value, dict):
        return Payload(body, frozenset(value), is_object=True)
    if not isinstance(value, list) or not value:
        return _NO_ROWS
    first = value[0]
    if not isinstance(first, dict):
        raise errors.invalid_body(complaint)
    keys = first.keys()
    if any(not isinstance(row, dict) or row.keys() != keys for row in value):
        raise errors.invalid_body(complaint)
    return Payload(body, frozenset(keys))


def _csv(body: bytes) -> Payload:
    # Row by row: as Python objects the whole would take a hundred times the body's memory.
    text = io.TextIOWrapper(io.BytesIO(body), "utf-8", newline="")
    try:
        lines = (line for line in csv.reader(text, strict=True) if line)
        header = next(lines, None)
        if header is None:
            raise errors.invalid_body('parse error (not enough input) at ""')
        rows, even = _csv_rows(header, lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise errors.invalid_body(f"parse error ({error})") from None
    if not even:
        raise errors.invalid_body("All lines must have same number of fields")
    return Payload(rows, frozenset(header)) if len(rows) > len(_NO_ROWS.raw) else _NO_ROWS


def _csv_rows(header: list[str], lines: Iterable[list[str]]) -> tuple[bytes, bool]:
    """The lines as a JSON array, and whether each has as many fields as the header."""
    rows, even = bytearray(b"["), True
    for line in lines:
        even = even and len(line) == len(header)
        if even:
            values = [None if text == "NULL" else text for text in line]
            rows += orjson.dumps(dict(zip(header, values, strict=True))) + b","
    return bytes(rows.removesuffix(b",")) + b"]", even


def _form(body: bytes, *, calls: bool) -> Payload:
    fields = split_query(body.decode("latin-1"))
    pairs = tuple((key, value or "") for key, value in fields)
    keys = frozenset(key for key, _ in pairs)
    if calls:
        return Payload(keys=keys, pairs=pairs)
    return Payload(orjson.dumps(dict(pairs)), keys, is_object=True)
