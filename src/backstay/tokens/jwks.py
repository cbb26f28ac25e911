"""The public key set other parties verify a project's tokens with.

https://supabase.com/docs/guides/auth/signing-keys. Shared secrets are never part of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backstay.tokens.keys import Jwk, public_jwk


def public_jwks(keys: Iterable[Jwk]) -> dict[str, list[dict[str, Any]]]:
    """``{"keys": […]}`` with the public halves of ``keys``; HMAC keys are left out."""
    return {"keys": [public_jwk(jwk) for jwk in keys if jwk.get("kty") != "oct"]}
