"""Who is asking: from the ``Authorization`` header to a role and claims.

https://docs.postgrest.org/en/stable/references/auth.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from backstay.catalog.model import Snapshot
from backstay.config.jspath import RolePath, parse_role_path
from backstay.rest import errors
from backstay.tokens.model import Claims, TokenError
from backstay.tokens.verify import LONGEST_REMEMBERED

_NO_KEY = "No suitable key or wrong key type"
_UNREADABLE = ("JWT couldn't be decoded", None)
_DECODING = {
    ("no_key", ""): (_NO_KEY, "No suitable key was found to decode the JWT"),
    ("signature", ""): (_NO_KEY, "None of the keys was able to decode the JWT"),
    ("algorithm", "none"): (
        "Wrong or unsupported encoding algorithm",
        "JWT is unsecured but expected 'alg' was not 'none'",
    ),
    ("algorithm", ""): _UNREADABLE,
    ("malformed", "header"): _UNREADABLE,
    ("malformed", "encoding"): ("JWT cryptographic operation failed", None),
    ("malformed", "empty"): ("Empty JWT is sent in Authorization header", None),
}
"""Message and details by reason and, where it matters, its detail."""

_CLAIM_MESSAGES = {
    "expired": "JWT expired",
    "not_yet_valid": "JWT not yet valid",
    "issued_in_future": "JWT issued at future",
    "audience": "JWT not in audience",
}
_CLAIM_TYPES = {
    "exp": "The JWT 'exp' claim must be a number",
    "nbf": "The JWT 'nbf' claim must be a number",
    "iat": "The JWT 'iat' claim must be a number",
    "aud": "The JWT 'aud' claim must be a string or an array of strings",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The role a request runs as, and its claims as JSON text, the role among them."""

    role: str
    claims: str
    anonymous: bool
    """The role is the one of requests without a token."""


def identify(snapshot: Snapshot, authorization: str | None) -> Caller:
    """The caller of a request. Raises ``RestError`` PGRST300 to PGRST303."""
    settings = snapshot.settings
    token = bearer_token(authorization)
    if token is None:
        if not settings.db_anon_role:
            raise errors.token_required()
        return _anonymous(settings.db_anon_role)
    claims = _verified(snapshot, token)
    known = _known_caller if len(claims.json) <= LONGEST_REMEMBERED else _caller
    return known(claims, settings.jwt_role_claim_key, settings.db_anon_role)


def _caller(claims: Claims, role_path: str, anonymous: str) -> Caller:
    role = _role(claims, role_path) or anonymous
    if not role:
        raise errors.token_required()
    return Caller(role, _claims_with_role(claims, role), role == anonymous)


_known_caller = lru_cache(maxsize=1024)(_caller)
"""Remembered by the very object ``claims``, which a verifier keeps for each known token."""


def bearer_token(authorization: str | None) -> str | None:
    """The token of an ``Authorization: Bearer`` header; None for any other header or none."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


@lru_cache(maxsize=64)
def _anonymous(role: str) -> Caller:
    return Caller(role, orjson.dumps({"role": role}).decode(), anonymous=True)


def _verified(snapshot: Snapshot, token: str) -> Claims:
    try:
        if token:
            return snapshot.verifier.verify(token)
    except TokenError as error:
        raise _refusal(error) from error
    raise errors.bad_token("Empty JWT is sent in Authorization header")


def _refusal(error: TokenError) -> errors.RestError:
    if error.reason == "no_secret":
        return errors.no_secret()
    if error.reason == "parts":
        return errors.bad_token(f"Expected 3 parts in JWT; got {error.detail}")
    if error.reason in _CLAIM_MESSAGES:
        return errors.bad_claims(_CLAIM_MESSAGES[error.reason])
    if error.reason == "claims":
        return errors.bad_claims(_CLAIM_TYPES[error.detail])
    if (error.reason, error.detail) == ("malformed", "payload"):
        return errors.bad_claims("Parsing claims failed")
    known = _DECODING.get((error.reason, error.detail)) or _DECODING.get((error.reason, ""))
    return errors.bad_token(*(known or _UNREADABLE))


def _role(claims: Claims, path: str) -> str:
    if path in (".role", "$.role"):
        found: Any = claims.data.get("role")
    else:
        found = _role_path(path).find(claims.data)
    if found is None:
        return ""
    return found if isinstance(found, str) else orjson.dumps(found).decode()


@lru_cache(maxsize=64)
def _role_path(text: str) -> RolePath:
    return parse_role_path(text)


def _claims_with_role(claims: Claims, role: str) -> str:
    if claims.data.get("role") == role:
        return claims.json
    merged: Mapping[str, Any] = {**claims.data, "role": role}
    return json.dumps(merged, separators=(",", ":"), ensure_ascii=False)
