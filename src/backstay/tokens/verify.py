"""Verifies tokens: signature, then times and audience; remembers what verified.

``TokenError`` reasons, and the detail given with each, so that a dialect can word its answer:

================== ============================================ ==========================
reason             when                                          detail
================== ============================================ ==========================
no_secret          the project has no keys
parts              not three parts                               the number found
malformed          the token is the empty string                 ``empty``
malformed          a part is not base64url                       ``encoding``
malformed          the header is not an object, or has ``crit``  ``header``
malformed          the payload is not a JSON object              ``payload``
algorithm          ``alg`` is none                               ``none``
algorithm          ``alg`` is missing or unknown                 the ``alg``
no_key             no key has this kid and allows this alg       the ``alg``
signature          no suitable key verifies it
claims             exp, nbf, iat or aud has the wrong type       the claim's name
expired …          exp, nbf, iat, aud refuse it (in that order)
================== ============================================ ==========================

Follows PostgREST: https://docs.postgrest.org/en/stable/references/auth.html#jwt-claims-validation
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Self

from backstay.clock import Clock
from backstay.config.rest import RestSettings
from backstay.tokens.keys import HMAC, SUPPORTED, KeySet, VerifyKey, b64url_decode
from backstay.tokens.model import Claims, Reason, TokenError

LEEWAY: Final = 30
"""Seconds two clocks may differ, as PostgREST allows."""

LONGEST_REMEMBERED: Final = 1 << 14
"""Characters of a token that is remembered: users decide how much metadata theirs carry."""

_FOREVER: Final = math.inf
_INT64: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class _Verified:
    """A verified token and the span of time, in seconds since the epoch, it is good for."""

    claims: Claims
    since: float
    until: float


class JwtVerifier:
    """Verifies the tokens of one project.

    ``audience``: a token with an ``aud`` must name it; empty accepts any. ``leeway``: seconds.
    ``cache_size``: verified tokens remembered by their exact text, 0 for none; times are compared
    on every call. ``check_issued_at``: refuse an ``iat`` in the future. ``hmac_fallback``: an HMAC
    token with a ``kid`` no key has is tried with the keys that have none, as GoTrue does.
    """

    def __init__(
        self,
        keys: KeySet,
        clock: Clock,
        *,
        audience: str = "",
        leeway: int = LEEWAY,
        cache_size: int = 1000,
        check_issued_at: bool = True,
        hmac_fallback: bool = False,
    ) -> None:
        self._keys = keys
        self._now = clock.time
        self._audience = audience
        self._leeway = leeway
        self._cache_size = cache_size
        self._check_issued_at = check_issued_at
        self._hmac_fallback = hmac_fallback
        self._cache: dict[str, _Verified] = {}

    @classmethod
    def from_rest_settings(cls, settings: RestSettings, clock: Clock) -> Self:
        """PostgREST's verifier. Raises ``OperatorError`` for a secret that cannot be a key."""
        return cls(
            KeySet.from_secret(settings.jwt_secret, is_base64=settings.jwt_secret_is_base64),
            clock,
            audience=settings.jwt_aud,
            cache_size=settings.jwt_cache_max_entries,
        )

    @classmethod
    def for_auth(cls, keys: KeySet, clock: Clock) -> Self:
        """GoTrue's verifier: no leeway, ``iat`` not compared, any audience, HMAC fallback."""
        return cls(keys, clock, leeway=0, check_issued_at=False, hmac_fallback=True)

    def verify(self, token: str) -> Claims:
        """The claims of a valid token. Raises ``TokenError``."""
        known = self._cache.get(token)
        if known is not None and known.since <= self._now() < known.until:
            return known.claims
        return self._verify_anew(token)

    def _verify_anew(self, token: str) -> Claims:
        self._cache.pop(token, None)
        claims = self._decode(token)
        verified = self._check(claims)
        if self._cache_size > 0 and len(token) <= LONGEST_REMEMBERED:
            if len(self._cache) >= self._cache_size:
                del self._cache[next(iter(self._cache))]
            self._cache[token] = verified
        return claims

    def _decode(self, token: str) -> Claims:
        """Parse and check the signature; times are not looked at."""
        if not self._keys.keys:
            raise TokenError("no_secret")
        if not token:
            raise TokenError("malformed", "empty")
        parts = token.split(".")
        if len(parts) != 3:
            raise TokenError("parts", str(len(parts)))
        algorithm, kid = _header(parts[0])
        candidates = self._candidates(algorithm, kid)
        payload, signature = _decoded(parts[1]), _decoded(parts[2])
        signed = f"{parts[0]}.{parts[1]}".encode("ascii")
        if not any(key.verify(algorithm, signed, signature) for key in candidates):
            raise TokenError("signature")
        return _claims(payload)

    def _candidates(self, algorithm: str, kid: str | None) -> tuple[VerifyKey, ...]:
        found = self._keys.candidates(algorithm, kid)
        if not found and self._hmac_fallback and algorithm in HMAC:
            unnamed = self._keys.candidates(algorithm, None)
            found = tuple(key for key in unnamed if key.kid is None)
        if not found:
            raise TokenError("no_key", algorithm)
        return found

    def _check(self, claims: Claims) -> _Verified:
        data, now = claims.data, math.floor(self._now())
        since, until = -_FOREVER, _FOREVER
        exp = _seconds(data, "exp")
        if exp is not None:
            # Compared in whole seconds: still good during the last second of the leeway.
            until = exp + self._leeway + 1
            _refuse(now >= until, "expired")
        nbf = _seconds(data, "nbf")
        if nbf is not None:
            since = nbf - self._leeway
            _refuse(now < since, "not_yet_valid")
        iat = _seconds(data, "iat")
        if iat is not None and self._check_issued_at:
            since = max(since, iat - self._leeway)
            _refuse(now < since, "issued_in_future")
        self._check_audience(data.get("aud"))
        return _Verified(claims, since, until)

    def _check_audience(self, aud: Any) -> None:
        named = [aud] if isinstance(aud, str) else aud
        if named is None:
            return
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            raise TokenError("claims", "aud")
        # An empty list names no audience, so there is none to differ from.
        _refuse(bool(self._audience and named and self._audience not in named), "audience")


def _header(part: str) -> tuple[str, str | None]:
    """The ``alg`` and ``kid`` of a token's header."""
    try:
        header = json.loads(_decoded(part))
    except (ValueError, RecursionError) as error:
        raise TokenError("malformed", "header") from error
    if not isinstance(header, dict) or "crit" in header:
        raise TokenError("malformed", "header")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in SUPPORTED:
        raise TokenError("algorithm", str(algorithm).lower() if algorithm else "")
    if kid is not None and not isinstance(kid, str):
        raise TokenError("malformed", "header")
    return algorithm, kid


def _decoded(part: str) -> bytes:
    try:
        return b64url_decode(part)
    except ValueError as error:
        raise TokenError("malformed", "encoding") from error


def _claims(payload: bytes) -> Claims:
    try:
        data = json.loads(payload, parse_constant=_no_constant)
        if not isinstance(data, dict):
            raise TokenError("malformed", "payload")
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()  # a lone surrogate has no UTF-8 and could not be sent to the database
    except (ValueError, RecursionError) as error:
        raise TokenError("malformed", "payload") from error
    return Claims(text, data)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse(refused: bool, reason: Reason) -> None:
    if refused:
        raise TokenError(reason)


def _seconds(data: Mapping[str, Any], name: str) -> int | None:
    """A time claim in seconds; None when absent or null. What is no 64-bit integer counts as 0."""
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TokenError("claims", name)
    whole = isinstance(value, int) or value.is_integer()
    return int(value) if whole and -_INT64 <= value < _INT64 else 0
