"""The request id: taken from the client when it is fit to be logged, made otherwise."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Mapping
from typing import Final

HEADER: Final = "x-request-id"
_FIT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=-]{0,127}")


class RequestIds:
    """Makes ids in the form of UUIDs: a random part of this process's own, and a count.

    They are unique, not secret; random bits for each would cost a system call for each.
    """

    def __init__(self) -> None:
        own = secrets.token_hex(10)
        self._own = f"{own[:8]}-{own[8:12]}-{own[12:16]}-{own[16:]}"
        self._count = itertools.count(1)

    def of(self, headers: Mapping[str, str]) -> str:
        """The client's ``X-Request-Id``, or a fresh id."""
        sent = headers.get(HEADER)
        if sent is not None and _FIT.fullmatch(sent):
            return sent
        return f"{self._own}-{next(self._count):012x}"
