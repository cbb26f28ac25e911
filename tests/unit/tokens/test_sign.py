"""Unit: what a signer writes."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import ECKey

from backstay.errors import OperatorError
from backstay.tokens.api_keys import generate_signing_key
from backstay.tokens.keys import b64url_decode
from backstay.tokens.sign import Signer

SECRET = "reallyreallyreallyreallyverysafe"


def test_hmac_keeps_the_order_of_the_claims_and_is_reproducible() -> None:
    one = Signer.from_secret(SECRET).sign({"b": 1, "a": 2})
    assert one == Signer.from_secret(SECRET).sign({"b": 1, "a": 2})
    assert one != Signer.from_secret(SECRET).sign({"a": 2, "b": 1})
    assert b64url_decode(one.split(".")[1]) == b'{"b":1,"a":2}'


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_key_pair_names_itself(algorithm: str) -> None:
    jwk = generate_signing_key(algorithm)
    header = json.loads(b64url_decode(Signer(jwk).sign({}).split(".")[0]))
    assert header == {"alg": algorithm, "kid": jwk["kid"], "typ": "JWT"}


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "EC"},
        ECKey.generate_key("P-256").as_dict(private=False),
        {"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAA", "alg": "none"},
        {"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAA", "alg": "ES256"},
        {**ECKey.generate_key("P-384").as_dict(private=True), "alg": "ES256"},
    ],
)
def test_a_key_that_cannot_sign_is_refused(jwk: dict[str, str]) -> None:
    with pytest.raises(OperatorError, match="cannot be used"):
        Signer(jwk)
