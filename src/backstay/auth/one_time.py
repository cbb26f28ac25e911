"""One-time codes: made, hashed and compared. Only the hash is stored.

https://supabase.com/docs/guides/auth/auth-email-passwordless
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Final

from backstay.auth.errors import Code, bad_request, invalid
from backstay.auth.times import after

PKCE: Final = "pkce_"
"""Prefix of a hash whose link ends in a code to exchange instead of in a session."""

_CHALLENGE: Final = re.compile(r"[a-zA-Z._~0-9-]+")


def new_code(length: int) -> str:
    """``length`` random digits."""
    return f"{secrets.randbelow(10**length):0{length}}"


def token_hash(address: str, code: str) -> str:
    """What is stored of a code sent to ``address``."""
    return hashlib.sha224(f"{address}{code}".encode()).hexdigest()


def expired(sent_at: datetime | None, lifetime: float, now: datetime) -> bool:
    return sent_at is None or now > after(sent_at, lifetime)


def same(actual: str, expected: str) -> bool:
    """Whether the hash ``actual`` is the stored ``expected``, of either flow."""
    if not expected:
        return False
    return hmac.compare_digest(actual.encode(), expected.removeprefix(PKCE).encode()) or (
        hmac.compare_digest(actual.encode(), expected.encode())
    )


def check_challenge(challenge: str, method: str) -> None:
    """Raises ``AuthError`` for a code challenge that is no challenge, or comes alone."""
    if bool(challenge) != bool(method):
        raise invalid("PKCE flow requires code_challenge_method and code_challenge")
    if not challenge:
        return
    if not 43 <= len(challenge) <= 128:
        raise invalid("code challenge has to be between 43 and 128 characters")
    if not _CHALLENGE.fullmatch(challenge):
        raise invalid(
            "code challenge can only contain alphanumeric characters, hyphens, periods,"
            " underscores and tildes"
        )
    if method.lower() not in ("s256", "plain"):
        raise invalid(f'unsupported code_challenge method "{method}"')


def check_verifier(challenge: str, method: str, verifier: str) -> None:
    """Raises ``AuthError`` 400 ``bad_code_verifier`` unless ``verifier`` made ``challenge``."""
    made = verifier
    if method == "s256":
        digest = hashlib.sha256(verifier.encode()).digest()
        made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(made.encode(), challenge.encode()):
        raise bad_request(
            Code.BAD_CODE_VERIFIER,
            "code challenge does not match previously saved code verifier",
        )
