"""The request id: taken from the client when it is fit to be logged, made otherwise."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

HEADER: Final = "x-request-id"
_FIT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=-]{0,127}")


def request_id(headers: Mapping[str, str]) -> str:
    """The client's ``X-Request-Id``, or a fresh one in the form of a UUID."""
    sent = headers.get(HEADER)
    if sent is not None and _FIT.fullmatch(sent):
        return sent
    fresh = os.urandom(16).hex()
    return f"{fresh[:8]}-{fresh[8:12]}-{fresh[12:16]}-{fresh[16:20]}-{fresh[20:]}"
