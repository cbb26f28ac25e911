"""Signs tokens: with a shared secret, or with the private key of a key pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from joserfc.errors import JoseError
from joserfc.jwk import import_key
from joserfc.jws import JWSRegistry

from backstay.errors import OperatorError
from backstay.tokens.keys import Jwk, b64url_encode

_DEFAULT_ALGORITHM = {"oct": "HS256", "RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
_PRIVATE_MEMBERS = ("kty", "k", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi")


class Signer:
    """Signs with one key. The order of the claims is kept, so the same claims with the same HMAC
    secret give the same bytes."""

    def __init__(self, jwk: Jwk) -> None:
        """``jwk`` is symmetric or private. Raises ``OperatorError`` when it cannot sign."""
        self.algorithm: str = jwk.get("alg") or _DEFAULT_ALGORITHM.get(str(jwk.get("kty")), "")
        self.kid: str | None = jwk.get("kid")
        model = JWSRegistry.algorithms.get(self.algorithm)
        try:
            key = import_key({name: jwk[name] for name in _PRIVATE_MEMBERS if name in jwk})
            if model is None or self.algorithm == "none" or not key.is_private:
                raise ValueError(f"a {jwk.get('kty')} key cannot sign {self.algorithm or 'tokens'}")
            model.check_key(key)
        except (JoseError, ValueError, TypeError) as error:
            raise OperatorError(
                f"The signing key {self.kid or ''} cannot be used: {error}",
                next="Make one with: backstay keys signing-key",
            ) from error
        self._key, self._model = key, model
        self._header = _segment(self._header_members())

    @classmethod
    def from_secret(cls, secret: str) -> Self:
        """HS256 with the project's shared secret."""
        return cls({"kty": "oct", "alg": "HS256", "k": b64url_encode(secret.encode())})

    def sign(self, claims: Mapping[str, Any]) -> str:
        """``claims`` as a compact signed token."""
        signed = f"{self._header}.{_segment(claims)}"
        signature = self._model.sign(signed.encode("ascii"), self._key)
        return f"{signed}.{b64url_encode(signature)}"

    def _header_members(self) -> dict[str, str]:
        kid = {"kid": self.kid} if self.kid else {}
        return {"alg": self.algorithm, **kid, "typ": "JWT"}


def _segment(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return b64url_encode(text.encode())
