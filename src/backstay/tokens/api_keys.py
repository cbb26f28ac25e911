"""The keys of a project: what signs its tokens, and what its clients send as ``apikey``.

Without settings of its own a project has the Supabase CLI's well-known development keys, so that a
folder, its ``.env`` and its tests work unchanged. They are public: ``check_keys`` refuses them as
soon as anything but loopback is listened on.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

from joserfc.jwk import ECKey, RSAKey

from backstay.clock import Clock
from backstay.errors import OperatorError
from backstay.tokens.jwks import public_jwks
from backstay.tokens.keys import Jwk, KeySet, b64url_encode, public_jwk
from backstay.tokens.sign import Signer

DEVELOPMENT_SECRET: Final = "super-secret-jwt-token-with-at-least-32-characters-long"  # noqa: S105 - public by design
DEVELOPMENT_EXPIRY: Final = 1983812996
"""When tokens derived from a shared secret expire: the constant that makes them reproducible."""

_PUBLISHABLE: Final = "sb_publishable_"
_SECRET: Final = "sb_secret_"  # noqa: S105 - a prefix
_DEVELOPMENT_PUBLISHABLE: Final = f"{_PUBLISHABLE}ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"
_DEVELOPMENT_SECRET_KEY: Final = f"{_SECRET}N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"
_DEVELOPMENT_S3: Final = (
    "625729a08b95bf1b7ff351a663f3a23c",
    "850181e4652dd023b7a98c58ae0d2d34bd487ee0cc3254aed6eda37307425907",
)
_DEVELOPMENT_SIGNING_KEY: Final[Jwk] = {
    "kty": "EC",
    "kid": "b81269f1-21d8-4f2e-b719-c2240a840d90",
    "use": "sig",
    "key_ops": ["sign", "verify"],
    "alg": "ES256",
    "ext": True,
    "crv": "P-256",
    "x": "M5Sjqn5zwC9Kl1zVfUUGvv9boQjCGd45G8sdopBExB4",
    "y": "P6IXMvA2WYXSHSOMTBH2jsw_9rrzGy89FjPf6oOsIxQ",
    "d": "dIhR8wywJlqlua4y_yMq2SLhlFXDZJBCvFrY1DCHyVU",
}
_MIN_SECRET: Final = 16
_TEN_YEARS: Final = 10 * 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectKeys:
    """Every secret of a project that a client or a service is shown.

    ``signing_keys`` are private JWKs; when there are any, one of them signs the users' tokens and
    the others still verify; when there are none, ``jwt_secret`` signs (HS256).
    ``accept_secret`` says whether REST still accepts tokens made with ``jwt_secret`` beside them.
    """

    jwt_secret: str
    anon_key: str
    service_role_key: str
    publishable_key: str
    secret_key: str
    s3_access_key: str
    s3_secret_key: str
    signing_keys: tuple[Jwk, ...] = ()
    accept_secret: bool = True

    @classmethod
    def development(cls) -> Self:
        """The Supabase CLI's well-known keys, byte for byte."""
        issuer = Signer.from_secret(DEVELOPMENT_SECRET)
        return cls(
            jwt_secret=DEVELOPMENT_SECRET,
            anon_key=_role_token(issuer, "anon", DEVELOPMENT_EXPIRY),
            service_role_key=_role_token(issuer, "service_role", DEVELOPMENT_EXPIRY),
            publishable_key=_DEVELOPMENT_PUBLISHABLE,
            secret_key=_DEVELOPMENT_SECRET_KEY,
            s3_access_key=_DEVELOPMENT_S3[0],
            s3_secret_key=_DEVELOPMENT_S3[1],
            signing_keys=(_DEVELOPMENT_SIGNING_KEY,),
        )

    @classmethod
    def generate(cls, clock: Clock) -> Self:
        """Fresh random keys, with an ES256 key pair; the API tokens are good for ten years."""
        secret = secrets.token_urlsafe(48)
        issuer, expiry = Signer.from_secret(secret), int(clock.time()) + _TEN_YEARS
        return cls(
            jwt_secret=secret,
            anon_key=_role_token(issuer, "anon", expiry),
            service_role_key=_role_token(issuer, "service_role", expiry),
            publishable_key=_opaque_key(_PUBLISHABLE),
            secret_key=_opaque_key(_SECRET),
            s3_access_key=secrets.token_hex(16),
            s3_secret_key=secrets.token_hex(32),
            signing_keys=(generate_signing_key("ES256"),),
        )

    def configured(
        self,
        clock: Clock,
        *,
        jwt_secret: str = "",
        anon_key: str = "",
        service_role_key: str = "",
        publishable_key: str = "",
        secret_key: str = "",
        signing_keys: Sequence[Jwk] = (),
    ) -> Self:
        """These keys with what a config.toml gives in their place, completed as the CLI does.

        An own ``jwt_secret`` without ``signing_keys`` signs by itself: the public development key
        pair must not open a project whose secret was chosen. With ``signing_keys`` the two API
        tokens are signed by them, for ten years from now. Raises ``OperatorError``.
        """
        keys = self
        if jwt_secret:
            keys = keys._with_secret(jwt_secret)
        if signing_keys:
            keys = keys._with_signing_keys(tuple(signing_keys), int(clock.time()) + _TEN_YEARS)
        return replace(
            keys,
            anon_key=anon_key or keys.anon_key,
            service_role_key=service_role_key or keys.service_role_key,
            publishable_key=publishable_key or keys.publishable_key,
            secret_key=secret_key or keys.secret_key,
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What ``to_json`` wrote. Raises ``ValueError``."""
        data = json.loads(text)
        names = {field.name for field in fields(cls)}
        if not isinstance(data, dict) or set(data) != names:
            raise ValueError("not the keys of a project")
        return cls(**{**data, "signing_keys": tuple(data["signing_keys"])})

    def to_json(self) -> str:
        """Every key, private ones too."""
        return json.dumps({field.name: getattr(self, field.name) for field in fields(self)})

    def signer(self) -> Signer:
        """What signs the tokens of the project's users."""
        if self.signing_keys:
            return Signer(signing_key(self.signing_keys))
        return Signer.from_secret(self.jwt_secret)

    def verification_jwks(self) -> str:
        """The JWK set, as JSON, that REST verifies with: PostgREST's ``jwt-secret``."""
        keys = [public_jwk(jwk) for jwk in self.signing_keys]
        if self.accept_secret or not keys:
            keys.append(self._secret_jwk())
        return json.dumps({"keys": keys}, separators=(",", ":"))

    def auth_keys(self) -> KeySet:
        """What Auth verifies with: every key pair, and the secret always."""
        return KeySet.from_keys([*self.signing_keys, self._secret_jwk()])

    def public_jwks(self) -> dict[str, list[dict[str, Any]]]:
        """What ``/.well-known/jwks.json`` shows."""
        return public_jwks(self.signing_keys)

    def well_known(self) -> tuple[str, ...]:
        """The names of those keys that are public development constants."""
        known = {
            "jwt_secret": self.jwt_secret == DEVELOPMENT_SECRET,
            "publishable_key": self.publishable_key == _DEVELOPMENT_PUBLISHABLE,
            "secret_key": self.secret_key == _DEVELOPMENT_SECRET_KEY,
            "signing_keys": any(
                jwk.get("x") == _DEVELOPMENT_SIGNING_KEY["x"] for jwk in self.signing_keys
            ),
        }
        return tuple(name for name, is_known in known.items() if is_known)

    def _with_secret(self, secret: str) -> Self:
        if len(secret) < _MIN_SECRET:
            raise OperatorError(
                f"auth.jwt_secret must be at least {_MIN_SECRET} characters long.",
                next="Generate one with: backstay keys generate",
            )
        if secret == self.jwt_secret:
            return self
        keys = () if secret != DEVELOPMENT_SECRET else (_DEVELOPMENT_SIGNING_KEY,)
        return replace(
            self._with_api_tokens(Signer.from_secret(secret), DEVELOPMENT_EXPIRY),
            jwt_secret=secret,
            signing_keys=keys,
        )

    def _with_signing_keys(self, keys: tuple[Jwk, ...], expiry: int) -> Self:
        issued = self._with_api_tokens(Signer(signing_key(keys)), expiry)
        return replace(issued, signing_keys=keys, accept_secret=False)

    def _with_api_tokens(self, issuer: Signer, expiry: int) -> Self:
        return replace(
            self,
            anon_key=_role_token(issuer, "anon", expiry),
            service_role_key=_role_token(issuer, "service_role", expiry),
        )

    def _secret_jwk(self) -> dict[str, str]:
        return {"kty": "oct", "k": b64url_encode(self.jwt_secret.encode())}


def check_keys(listen: str, keys: ProjectKeys) -> None:
    """Refuse well-known keys when ``listen``, a host name or address, is not loopback.

    Raises ``OperatorError`` with the command that generates keys.
    """
    known = keys.well_known()
    if known and not is_loopback(listen):
        raise OperatorError(
            f"The development keys are public, so they cannot be used on {listen}.",
            why=f"Anyone could sign tokens or read every row with: {', '.join(known)}.",
            next="Give the project keys of its own: backstay keys generate",
        )


def is_loopback(host: str) -> bool:
    """Whether ``host`` is reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def signing_key(keys: Sequence[Jwk]) -> Jwk:
    """The one that signs: the first whose ``key_ops`` has ``sign``, else the first."""
    return next((jwk for jwk in keys if "sign" in jwk.get("key_ops", ())), keys[0])


def generate_signing_key(algorithm: str = "ES256") -> dict[str, Any]:
    """A fresh private JWK for ES256 or RS256, in the form of ``signing_keys.json``."""
    key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)
    members = dict(key.as_dict(private=True))
    return {
        **members,
        "kid": str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)),
        "alg": algorithm,
        "use": "sig",
        "key_ops": ["sign", "verify"],
    }


def _role_token(signer: Signer, role: str, expiry: int) -> str:
    return signer.sign({"iss": "supabase-demo", "role": role, "exp": expiry})


def _opaque_key(prefix: str) -> str:
    """``prefix``, 128 random bits, and a checksum that catches a mistyped key."""
    body = f"{prefix}{secrets.token_urlsafe(16)}"
    checksum = b64url_encode(hashlib.sha256(body.encode()).digest()[:6])
    return f"{body}_{checksum}"
