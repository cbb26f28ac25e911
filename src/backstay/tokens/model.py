"""What a verified token says, and why one was refused.

Services map ``TokenError.reason`` to their own dialect's code (PGRST301/303, ``bad_jwt`` …).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from backstay.errors import BackstayError

Reason = Literal[
    "no_secret",  # nothing configured to verify with
    "malformed",  # not three base64url parts, not JSON, not an object
    "parts",  # the wrong number of parts; detail holds the number found
    "algorithm",  # alg missing, none, or not one the keys allow
    "no_key",  # no key with this kid / no suitable key
    "signature",  # the signature does not verify
    "expired",  # exp passed (30 s leeway)
    "not_yet_valid",  # nbf in the future
    "issued_in_future",  # iat in the future
    "audience",  # aud does not match
    "claims",  # a registered claim has the wrong type; detail names it
]


class TokenError(BackstayError):
    """A token was refused; ``reason`` is closed, ``detail`` is for the message."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """The claims of a verified token.

    ``json`` is the payload as compact JSON text, ready for ``request.jwt.claims``; ``data`` is the
    same decoded. Shared between requests through the verified-token cache: never changed.
    """

    json: str
    data: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """The claim as a string, or None when it is absent or not a string."""
        value = self.data.get(name)
        return value if isinstance(value, str) else None


class Verifier(Protocol):
    """Verifies the tokens of one project. Cached by the exact token until it expires."""

    def verify(self, token: str) -> Claims:
        """The claims of a valid token. Raises ``TokenError``."""
        ...
