"""The keys that verify the tokens of one project.

A key knows which algorithms it may verify: its type decides the family (``oct`` HMAC, ``RSA`` RS
and PS, ``EC`` the one algorithm of its curve, ``OKP`` EdDSA), its ``alg`` narrows that to one. A
token's header only chooses among what the keys allow, so neither ``alg: none`` nor an HMAC made
with a public key has a key to be verified with.

Rules of PostgREST: https://docs.postgrest.org/en/stable/references/auth.html#jwt-authentication
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import Key as JoseKey
from joserfc.jwk import import_key
from joserfc.jws import JWSRegistry

from backstay.errors import OperatorError

Jwk = Mapping[str, Any]
"""One JSON Web Key as decoded JSON."""

MIN_SECRET: Final = 32
"""Bytes a plain-text secret must have at least."""

HMAC: Final = frozenset({"HS256", "HS384", "HS512"})
_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES: Final = {
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
    "Ed25519": frozenset({"EdDSA", "Ed25519"}),
}
SUPPORTED: Final = HMAC | _RSA | frozenset().union(*_CURVES.values())
"""Every algorithm a key can verify; ``none`` is not among them."""

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")
_PUBLISHED_MEMBERS: Final = ("kty", "kid", "alg", "crv", "x", "y", "n", "e")


def b64url_decode(text: str) -> bytes:
    """The bytes of unpadded base64url ``text``. Raises ``ValueError``."""
    if _BASE64URL.fullmatch(text) is None:
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64url_encode(data: bytes) -> str:
    """``data`` as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """One key, able to verify ``algorithms`` and nothing else; holds no private part."""

    kid: str | None
    algorithms: frozenset[str]
    key: JoseKey

    @classmethod
    def from_jwk(cls, jwk: Jwk) -> VerifyKey:
        """The verifying half of a public, private or symmetric JWK. Raises ``ValueError``."""
        kty = jwk.get("kty")
        algorithms = _algorithms(jwk)
        members = {"kty": kty, "k": jwk.get("k")} if kty == "oct" else _public_members(jwk)
        try:
            key = import_key(members)
        except (JoseError, TypeError) as error:
            raise ValueError(str(error)) from error
        kid = jwk.get("kid")
        return cls(kid if isinstance(kid, str) else None, algorithms, key)

    @classmethod
    def from_secret(cls, secret: bytes) -> VerifyKey:
        """A shared secret; as with PostgREST and GoTrue it verifies HS256 only."""
        jwk = {"kty": "oct", "alg": "HS256", "k": b64url_encode(secret)}
        return cls.from_jwk(jwk)

    def verify(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is this key's, over ``message``."""
        if algorithm not in self.algorithms:
            return False
        try:
            return JWSRegistry.algorithms[algorithm].verify(message, signature, self.key)
        except (JoseError, ValueError):
            return False


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of one project, in the order they are tried."""

    keys: tuple[VerifyKey, ...] = ()

    @classmethod
    def from_secret(cls, secret: str, *, is_base64: bool = False) -> KeySet:
        """What PostgREST's ``jwt-secret`` may hold: a JWK set, a JWK, or a plain secret.

        ``is_base64`` decodes it first (standard or URL alphabet). Empty gives an empty set. Raises
        ``OperatorError`` for a secret that is too short, or JSON or PEM that cannot be a key.
        """
        if not secret:
            return cls()
        data = _base64_secret(secret) if is_base64 else secret.encode()
        document = _json_object(data)
        if document is not None and "keys" in document:
            return cls.from_jwks(document)
        if document is not None and "kty" in document:
            return cls.from_jwks({"keys": [document]})
        if len(data) < MIN_SECRET:
            raise OperatorError(
                f"The JWT secret must be at least {MIN_SECRET} characters long.",
                next="Set a longer jwt_secret, for example from: openssl rand -base64 48",
            )
        if data.lstrip().startswith(b"-----BEGIN"):
            # As a plain secret, a public key would let anyone who has it sign tokens.
            raise OperatorError(
                "The JWT secret is a PEM document.",
                why="A plain secret is an HMAC key; a public key there could sign tokens.",
                next="Give the key as a JWK or JWK set.",
            )
        return cls((VerifyKey.from_secret(data),))

    @classmethod
    def from_jwks(cls, document: Mapping[str, Any]) -> KeySet:
        """A JWK set. Keys for encryption are left out; a broken one raises ``OperatorError``."""
        entries = document.get("keys")
        if not isinstance(entries, list) or not all(isinstance(jwk, Mapping) for jwk in entries):
            raise OperatorError('A JWK set must be an object with a list of keys in "keys".')
        return cls.from_keys(entries)

    @classmethod
    def from_keys(cls, jwks: Iterable[Jwk]) -> KeySet:
        """The verifying halves of ``jwks``. Raises ``OperatorError`` naming the broken one."""
        keys: list[VerifyKey] = []
        for position, jwk in enumerate(jwks):
            if jwk.get("use") == "enc":
                continue
            try:
                keys.append(VerifyKey.from_jwk(jwk))
            except ValueError as error:
                name = jwk.get("kid") or f"number {position}"
                raise OperatorError(f"The JSON Web Key {name} cannot be used: {error}") from error
        return cls(tuple(keys))

    def candidates(self, algorithm: str, kid: str | None) -> tuple[VerifyKey, ...]:
        """The keys that may verify ``algorithm``: with a ``kid`` only its own, without one all."""
        return tuple(
            key
            for key in self.keys
            if algorithm in key.algorithms and (kid is None or key.kid == kid)
        )


def parse_signing_keys(text: str, source: str = "signing_keys.json") -> tuple[Jwk, ...]:
    """The private keys of the CLI's ``signing_keys.json``: a JSON list of JWKs, the first signs.

    Raises ``OperatorError`` naming ``source``.
    """
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise OperatorError(f"{source} is not JSON.", why=str(error)) from error
    if not isinstance(entries, list) or not entries:
        raise OperatorError(f"{source} must be a list of JSON Web Keys with at least one key.")
    if not all(isinstance(jwk, dict) and "d" in jwk for jwk in entries):
        raise OperatorError(f"{source} must hold private JSON Web Keys (RSA or EC, with d).")
    KeySet.from_keys(entries)
    return tuple(entries)


def public_jwk(jwk: Jwk) -> dict[str, Any]:
    """``jwk`` without its private parts, as GoTrue publishes it: for verification only."""
    published = {name: jwk[name] for name in _PUBLISHED_MEMBERS if name in jwk}
    return {**published, "use": "sig", "key_ops": ["verify"]}


def _public_members(jwk: Jwk) -> dict[str, Any]:
    return {name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}


def _algorithms(jwk: Jwk) -> frozenset[str]:
    """The algorithms a JWK may verify. Raises ``ValueError`` when there are none."""
    match jwk.get("kty"):
        case "oct":
            family = HMAC
        case "RSA":
            family = _RSA
        case "EC" | "OKP":
            family = _CURVES.get(str(jwk.get("crv")), frozenset())
        case _:
            family = frozenset()
    declared = jwk.get("alg")
    allowed = family if declared is None else family & {declared}
    if not allowed:
        raise ValueError(
            f"unsupported kty {jwk.get('kty')!r}, crv {jwk.get('crv')!r}, alg {declared!r}"
        )
    return allowed


def _base64_secret(secret: str) -> bytes:
    text = secret.strip().translate(str.maketrans("_-.", "/+="))
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise OperatorError("The JWT secret is not base64.", why=str(error)) from error


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
