"""Unit: what a project's verification keys accept, without any I/O."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from backstay.errors import OperatorError
from backstay.tokens.keys import (
    KeySet,
    VerifyKey,
    b64url_decode,
    b64url_encode,
    parse_signing_keys,
    public_jwk,
)

K = "AAAAAAAAAAAAAAAAAAAAAA"
SECRET = "reallyreallyreallyreallyverysafe"


def ec(curve: str = "P-256", **extra: Any) -> dict[str, Any]:
    return {**ECKey.generate_key(curve).as_dict(private=True), **extra}


class TestFromSecretR098:
    def test_plain_text_of_32_characters_verifies_hs256_only(self) -> None:
        (key,) = KeySet.from_secret(SECRET).keys
        assert key.algorithms == {"HS256"}
        assert key.kid is None

    def test_plain_text_of_31_characters_is_refused(self) -> None:
        with pytest.raises(OperatorError, match="at least 32 characters"):
            KeySet.from_secret(SECRET[:-1])

    def test_length_is_counted_in_bytes(self) -> None:
        assert KeySet.from_secret("é" * 16).keys

    def test_empty_is_no_key(self) -> None:
        assert KeySet.from_secret("").keys == ()

    @pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
    def test_base64_in_either_alphabet(self, encode: Any) -> None:
        raw = bytes(range(224, 256))
        same = VerifyKey.from_secret(raw)
        key = KeySet.from_secret(encode(raw).decode(), is_base64=True).keys[0]
        assert key.key.as_dict(private=True) == same.key.as_dict(private=True)

    def test_base64_with_dots_for_padding(self) -> None:
        text = base64.urlsafe_b64encode(b"x" * 34).decode().replace("=", ".")
        assert KeySet.from_secret(text, is_base64=True).keys

    def test_what_is_not_base64_is_refused(self) -> None:
        with pytest.raises(OperatorError, match="not base64"):
            KeySet.from_secret("!" * 40, is_base64=True)

    def test_a_jwk(self) -> None:
        (key,) = KeySet.from_secret(json.dumps(ec(alg="ES256", kid="a"))).keys
        assert key.kid == "a"
        assert key.algorithms == {"ES256"}

    def test_a_jwk_set_without_its_encryption_keys(self) -> None:
        document = {"keys": [ec(use="enc"), ec(kid="sig")]}
        assert [key.kid for key in KeySet.from_secret(json.dumps(document)).keys] == ["sig"]

    @pytest.mark.parametrize(
        "document",
        [
            {"kty": "EC", "crv": "P-256"},
            {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
            {"kty": "moon"},
            {"kty": "oct", "k": ""},
            {"kty": "oct", "k": K, "alg": "RS256"},
            {"kty": "RSA", "n": 5, "e": "AQAB"},
            {"keys": "none"},
            {"keys": ["text"]},
        ],
    )
    def test_a_broken_jwk_never_becomes_a_plain_secret(self, document: dict[str, Any]) -> None:
        with pytest.raises(OperatorError):
            KeySet.from_secret(json.dumps(document))

    def test_a_pem_never_becomes_a_plain_secret(self) -> None:
        pem = RSAKey.generate_key(2048).as_pem(private=False).decode()
        with pytest.raises(OperatorError, match="PEM"):
            KeySet.from_secret(pem)


class TestAlgorithms:
    @pytest.mark.parametrize(
        ("jwk", "allowed"),
        [
            (lambda: {"kty": "oct", "k": K}, {"HS256", "HS384", "HS512"}),
            (lambda: {"kty": "oct", "k": K, "alg": "HS512"}, {"HS512"}),
            (lambda: ec("P-384"), {"ES384"}),
            (lambda: ec("P-521"), {"ES512"}),
            (lambda: OKPKey.generate_key("Ed25519").as_dict(private=True), {"EdDSA", "Ed25519"}),
            (
                lambda: RSAKey.generate_key(2048).as_dict(private=True),
                {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
            ),
        ],
    )
    def test_the_type_of_a_key_decides(self, jwk: Any, allowed: set[str]) -> None:
        assert VerifyKey.from_jwk(jwk()).algorithms == allowed

    def test_a_key_holds_no_private_part(self) -> None:
        assert not VerifyKey.from_jwk(ec()).key.is_private

    def test_an_algorithm_the_key_does_not_allow_never_verifies(self) -> None:
        key = VerifyKey.from_secret(SECRET.encode())
        assert not key.verify("none", b"message", b"")
        assert not key.verify("HS512", b"message", b"")


class TestCandidatesR098:
    keys = KeySet.from_keys([ec(kid="a"), ec(kid="b"), {"kty": "oct", "k": K}])

    def test_a_kid_finds_its_own_key(self) -> None:
        assert [key.kid for key in self.keys.candidates("ES256", "b")] == ["b"]

    def test_without_kid_every_key_of_the_algorithm(self) -> None:
        assert [key.kid for key in self.keys.candidates("ES256", None)] == ["a", "b"]

    def test_an_unknown_kid_finds_none(self) -> None:
        assert self.keys.candidates("ES256", "c") == ()

    def test_a_kid_does_not_find_a_key_without_one(self) -> None:
        assert self.keys.candidates("HS256", "a") == ()


class TestSigningKeys:
    def test_a_list_of_private_keys(self) -> None:
        keys = [ec(kid="a"), ec(kid="b")]
        assert parse_signing_keys(json.dumps(keys)) == tuple(keys)

    @pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", "nonsense", '[{"kty":"EC"}]'])
    def test_anything_else_is_refused_by_name(self, text: str) -> None:
        with pytest.raises(OperatorError, match=r"my\.json"):
            parse_signing_keys(text, "my.json")

    def test_a_public_key_cannot_sign(self) -> None:
        public = {name: value for name, value in ec().items() if name != "d"}
        with pytest.raises(OperatorError, match="private"):
            parse_signing_keys(json.dumps([public]))

    @pytest.mark.parametrize("jwk", [ec(kid="a"), RSAKey.generate_key(2048).as_dict(private=True)])
    def test_the_public_half_has_no_private_member(self, jwk: dict[str, Any]) -> None:
        published = public_jwk(jwk)
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(published)
        assert published["key_ops"] == ["verify"]


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xfb\xff\xfe", bytes(range(256))])
def test_base64url_without_padding_comes_back(data: bytes) -> None:
    text = b64url_encode(data)
    assert "=" not in text
    assert b64url_decode(text) == data


@pytest.mark.parametrize("text", ["a", "ab+/", "é", "a b=", "\x00\x00"])
def test_what_is_not_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        b64url_decode(text)
