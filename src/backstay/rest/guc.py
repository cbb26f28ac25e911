"""What a transaction may say of its answer: the settings response.status and response.headers.

https://docs.postgrest.org/en/stable/references/transactions.html#response-headers
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson

from backstay.rest import errors
from backstay.rest.failures import is_header
from backstay.web import Header

_STATUS = re.compile(rb"[0-9]{3}")
_OFFSET = 100


def override_status(status: int, setting: bytes | None) -> int:
    """``status``, or what the database set. Raises ``RestError`` PGRST112."""
    if setting is None:
        return status
    match = re.match(rb"[0-9]+", setting)
    if match is None or not _STATUS.fullmatch(match.group()) or int(match.group()) < _OFFSET:
        raise errors.bad_status_setting()
    return int(match.group())


def override_headers(headers: Sequence[Header], setting: bytes | None) -> list[Header]:
    """``headers``, those the database set taking their place. Raises ``RestError`` PGRST111."""
    if setting is None:
        return list(headers)
    asked = _parsed(setting)
    names = {name.lower() for name, _ in asked}
    return [header for header in headers if header[0].lower() not in names] + asked


def _parsed(setting: bytes) -> list[Header]:
    try:
        found = orjson.loads(setting)
    except orjson.JSONDecodeError:
        raise errors.bad_header_setting() from None
    if not isinstance(found, list):
        raise errors.bad_header_setting()
    asked: list[Header] = []
    for each in found:
        if not isinstance(each, dict) or len(each) != 1:
            raise errors.bad_header_setting()
        ((name, value),) = each.items()
        if not is_header(name, value):
            raise errors.bad_header_setting()
        asked.append((name, value))
    return asked
