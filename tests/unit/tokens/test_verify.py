"""Unit: which tokens a verifier accepts, and the reason it gives for the others."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from backstay.clock import ManualClock
from backstay.config.rest import RestSettings
from backstay.tokens.keys import KeySet, b64url_encode, public_jwk
from backstay.tokens.model import TokenError
from backstay.tokens.sign import Signer
from backstay.tokens.verify import LONGEST_REMEMBERED, JwtVerifier

SECRET = "reallyreallyreallyreallyverysafe"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
T = int(NOW.timestamp())


def verifier(clock: ManualClock | None = None, **options: Any) -> JwtVerifier:
    return JwtVerifier(KeySet.from_secret(SECRET), clock or ManualClock(NOW), **options)


def token(claims: dict[str, Any], secret: str = SECRET) -> str:
    return Signer.from_secret(secret).sign(claims)


def forged(header: Any, payload: Any = None, signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload or {}).encode(), signature]
    return ".".join(b64url_encode(part) for part in parts)


def signed(header: dict[str, Any], payload: bytes, key: Any) -> str:
    """A token signed with exactly this header and payload."""
    head = f"{b64url_encode(json.dumps(header).encode())}.{b64url_encode(payload)}"
    signature = JWSRegistry.algorithms[header["alg"]].sign(head.encode(), key)
    return f"{head}.{b64url_encode(signature)}"


def refusal(verifier: JwtVerifier, text: str) -> tuple[str, str]:
    with pytest.raises(TokenError) as refused:
        verifier.verify(text)
    return refused.value.reason, refused.value.detail


class TestShapeR096:
    def test_a_valid_token_gives_its_claims(self) -> None:
        claims = verifier().verify(token({"role": "anon", "n": 12345678901234567890123, "u": "é"}))
        assert claims.json == '{"role":"anon","n":12345678901234567890123,"u":"é"}'
        assert claims.text("role") == "anon"
        assert claims.text("n") is None

    @pytest.mark.parametrize(
        ("text", "refused"),
        [
            ("", ("malformed", "empty")),
            ("a.b", ("parts", "2")),
            ("a", ("parts", "1")),
            ("a.b.c.d.e", ("parts", "5")),
            ("quifquirndsjagnrgniur.fonvoienqhhdj.iuqvnvhojah", ("malformed", "encoding")),
            ("bm90anNvbg.e30.AA", ("malformed", "header")),
            ("W10.e30.AA", ("malformed", "header")),
            ("é.é.é", ("malformed", "encoding")),
            (forged({"alg": "HS256"}) + "*", ("malformed", "encoding")),
            (forged({"alg": "HS256", "crit": ["b64"], "b64": False}), ("malformed", "header")),
            (forged({"alg": "HS256", "kid": 7}), ("malformed", "header")),
        ],
    )
    def test_refused(self, text: str, refused: tuple[str, str]) -> None:
        assert refusal(verifier(), text) == refused

    @pytest.mark.parametrize("alg", ["none", "None", "NONE"])
    def test_alg_none_is_refused(self, alg: str) -> None:
        assert refusal(verifier(), forged({"alg": alg}, {"role": "x"})) == ("algorithm", "none")

    @pytest.mark.parametrize(("alg", "detail"), [("HS999", "hs999"), (None, ""), (5, "5")])
    def test_an_unknown_algorithm_is_refused(self, alg: Any, detail: str) -> None:
        assert refusal(verifier(), forged({"alg": alg})) == ("algorithm", detail)

    @pytest.mark.parametrize(
        "payload",
        [
            b"[]",
            b"nonsense",
            b'{"n":NaN}',
            b'{"n":1e999}',
            b'{"s":"\\ud800"}',
            b"\xff",
            b"[" * 9999,
        ],
    )
    def test_a_signed_payload_that_is_no_object_is_refused(self, payload: bytes) -> None:
        text = signed({"alg": "HS256"}, payload, OctKey.import_key(SECRET))
        assert refusal(verifier(), text) == ("malformed", "payload")

    def test_without_keys_nothing_is_verified_pgrst300(self) -> None:
        empty = JwtVerifier(KeySet(), ManualClock(NOW))
        assert refusal(empty, token({})) == ("no_secret", "")


class TestSignatureR098:
    def test_another_secret_is_refused(self) -> None:
        assert refusal(verifier(), token({}, "x" * 40)) == ("signature", "")

    def test_a_changed_payload_is_refused(self) -> None:
        head, _, signature = token({"role": "anon"}).split(".")
        changed = b64url_encode(b'{"role":"service_role"}')
        assert refusal(verifier(), f"{head}.{changed}.{signature}") == ("signature", "")

    def test_a_plain_secret_allows_hs256_only(self) -> None:
        text = signed({"alg": "HS512"}, b"{}", OctKey.import_key(SECRET))
        assert refusal(verifier(), text) == ("no_key", "HS512")

    @pytest.mark.parametrize(
        ("alg", "make"),
        [
            ("ES256", lambda: ECKey.generate_key("P-256")),
            ("ES384", lambda: ECKey.generate_key("P-384")),
            ("ES512", lambda: ECKey.generate_key("P-521")),
            ("EdDSA", lambda: OKPKey.generate_key("Ed25519")),
            ("RS256", lambda: RSAKey.generate_key(2048)),
            ("RS512", lambda: RSAKey.generate_key(2048)),
            ("PS384", lambda: RSAKey.generate_key(2048)),
            ("HS384", lambda: OctKey.generate_key(512)),
        ],
    )
    def test_every_algorithm_verifies_with_its_key_and_not_with_another(
        self, alg: str, make: Any
    ) -> None:
        right, wrong = make(), make()
        text = signed({"alg": alg}, b'{"role":"x"}', right)
        accepts = JwtVerifier(KeySet.from_keys([right.as_dict(private=True)]), ManualClock(NOW))
        refuses = JwtVerifier(KeySet.from_keys([wrong.as_dict(private=True)]), ManualClock(NOW))
        assert accepts.verify(text).text("role") == "x"
        assert refusal(refuses, text) == ("signature", "")

    @pytest.mark.parametrize("length", [0, 63, 65, 2000])
    def test_a_signature_of_the_wrong_length_is_refused(self, length: int) -> None:
        jwk = ECKey.generate_key("P-256").as_dict(private=True)
        keys = JwtVerifier(KeySet.from_keys([jwk]), ManualClock(NOW))
        text = forged({"alg": "ES256"}, {"role": "x"}, b"\x01" * length)
        assert refusal(keys, text) == ("signature", "")

    @pytest.mark.parametrize("kty", ["RSA", "EC"])
    def test_a_public_key_cannot_be_used_as_a_shared_secret(self, kty: str) -> None:
        key = RSAKey.generate_key(2048) if kty == "RSA" else ECKey.generate_key("P-256")
        keys = JwtVerifier(KeySet.from_keys([key.as_dict(private=False)]), ManualClock(NOW))
        for public in (key.as_pem(private=False), key.as_der(private=False)):
            unsigned = forged({"alg": "HS256"}, {"role": "service_role"}).rstrip(".")
            mac = hmac.digest(public, unsigned.encode(), "sha256")
            text = f"{unsigned}.{b64url_encode(mac)}"
            assert refusal(keys, text) == ("no_key", "HS256")


class TestKidR098:
    ours = ECKey.generate_key("P-256").as_dict(private=True) | {"kid": "ours"}
    other = ECKey.generate_key("P-256").as_dict(private=True) | {"kid": "other"}
    keys = KeySet.from_keys([other, ours, {"kty": "oct", "k": b64url_encode(SECRET.encode())}])

    def test_a_known_kid_uses_its_key(self) -> None:
        text = Signer(self.ours).sign({"role": "x"})
        assert JwtVerifier(self.keys, ManualClock(NOW)).verify(text).text("role") == "x"

    def test_a_kid_that_names_another_key_is_refused(self) -> None:
        text = Signer(self.ours | {"kid": "other"}).sign({})
        assert refusal(JwtVerifier(self.keys, ManualClock(NOW)), text) == ("signature", "")

    def test_an_unknown_kid_is_refused(self) -> None:
        text = Signer(self.ours | {"kid": "gone"}).sign({})
        assert refusal(JwtVerifier(self.keys, ManualClock(NOW)), text) == ("no_key", "ES256")

    def test_without_kid_every_key_is_tried(self) -> None:
        unnamed = {name: value for name, value in self.ours.items() if name != "kid"}
        assert JwtVerifier(self.keys, ManualClock(NOW)).verify(Signer(unnamed).sign({}))

    def test_auth_falls_back_to_the_secret_for_an_unknown_kid_a074(self) -> None:
        text = signed({"alg": "HS256", "kid": "gone"}, b"{}", OctKey.import_key(SECRET))
        assert JwtVerifier.for_auth(self.keys, ManualClock(NOW)).verify(text).json == "{}"
        assert refusal(JwtVerifier(self.keys, ManualClock(NOW)), text) == ("no_key", "HS256")

    def test_auth_has_no_fallback_for_key_pairs(self) -> None:
        text = Signer(self.ours | {"kid": "gone"}).sign({})
        assert refusal(JwtVerifier.for_auth(self.keys, ManualClock(NOW)), text)[0] == "no_key"


class TestTimesR095:
    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"exp": T - 30}, None),
            ({"exp": T - 31}, "expired"),
            ({"nbf": T + 30}, None),
            ({"nbf": T + 31}, "not_yet_valid"),
            ({"iat": T + 30}, None),
            ({"iat": T + 31}, "issued_in_future"),
            ({"exp": None, "nbf": None, "iat": None}, None),
            ({"exp": float(T)}, None),
            ({"exp": T + 0.5}, "expired"),  # as upstream: what is no integer counts as 0
            ({"exp": 2**63}, "expired"),
            ({"exp": T - 31, "nbf": T + 31, "iat": T + 31}, "expired"),
            ({"nbf": T + 31, "iat": T + 31}, "not_yet_valid"),
        ],
    )
    def test_with_thirty_seconds_of_leeway(
        self, claims: dict[str, Any], reason: str | None
    ) -> None:
        if reason is None:
            assert verifier().verify(token(claims))
        else:
            assert refusal(verifier(), token(claims)) == (reason, "")

    @pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
    @pytest.mark.parametrize("value", ["1", True, [], {}])
    def test_a_time_must_be_a_number(self, name: str, value: Any) -> None:
        assert refusal(verifier(), token({name: value})) == ("claims", name)

    def test_auth_allows_no_leeway_and_ignores_iat(self) -> None:
        auth = JwtVerifier.for_auth(KeySet.from_secret(SECRET), ManualClock(NOW))
        assert auth.verify(token({"iat": T + 999}))
        assert refusal(auth, token({"exp": T - 1})) == ("expired", "")


class TestAudienceR095:
    @pytest.mark.parametrize(
        ("aud", "reason"),
        [
            ("ours", None),
            ("theirs", "audience"),
            ("", "audience"),
            (["theirs", "ours"], None),
            (["theirs"], "audience"),
            ([], None),
            (None, None),
            ({"a": 1}, "claims"),
            (["ours", 1], "claims"),
            (7, "claims"),
        ],
    )
    def test_configured(self, aud: Any, reason: str | None) -> None:
        ours = verifier(audience="ours")
        if reason is None:
            assert ours.verify(token({"aud": aud}))
        else:
            assert refusal(ours, token({"aud": aud}))[0] == reason

    @pytest.mark.parametrize("aud", ["theirs", "", ["theirs"], [], None])
    def test_not_configured_accepts_any(self, aud: Any) -> None:
        assert verifier().verify(token({"aud": aud}))


class TestCacheR099:
    def test_a_known_token_expires_all_the_same(self) -> None:
        clock = ManualClock(NOW)
        cached, text = verifier(clock), token({"exp": T + 60})
        assert cached.verify(text) is cached.verify(text)
        clock.set(NOW + timedelta(seconds=90.9))
        assert cached.verify(text)
        clock.set(NOW + timedelta(seconds=91))
        assert refusal(cached, text) == ("expired", "")

    def test_a_clock_set_back_is_noticed(self) -> None:
        clock = ManualClock(NOW)
        cached, text = verifier(clock), token({"nbf": T})
        assert cached.verify(text)
        clock.set(NOW - timedelta(seconds=31))
        assert refusal(cached, text) == ("not_yet_valid", "")

    def test_it_forgets_the_oldest_and_never_grows_beyond_its_size(self) -> None:
        small = verifier(cache_size=2)
        texts = [token({"n": n}) for n in range(3)]
        kept = [small.verify(text) for text in texts]
        assert small.verify(texts[2]) is kept[2]
        assert small.verify(texts[1]) is kept[1]
        assert small.verify(texts[0]) is not kept[0]

    def test_a_token_that_carries_much_is_not_remembered(self) -> None:
        cached, text = verifier(), token({"user_metadata": "x" * LONGEST_REMEMBERED})
        assert cached.verify(text) is not cached.verify(text)

    def test_size_0_remembers_nothing(self) -> None:
        none, text = verifier(cache_size=0), token({})
        assert none.verify(text) is not none.verify(text)


def test_from_rest_settings() -> None:
    settings = RestSettings(jwt_secret=SECRET, jwt_aud="ours", jwt_cache_max_entries=0)
    rest = JwtVerifier.from_rest_settings(settings, ManualClock(NOW))
    assert rest.verify(token({"aud": "ours"}))
    assert refusal(rest, token({"aud": "x"})) == ("audience", "")


ANY = JwtVerifier(
    KeySet.from_keys(
        [
            {"kty": "oct", "k": b64url_encode(SECRET.encode())},
            public_jwk(ECKey.generate_key("P-256").as_dict(private=True)),
        ]
    ),
    ManualClock(NOW),
)
PARTS = st.one_of(
    st.binary(max_size=90).map(b64url_encode),
    st.text(max_size=40),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
        max_leaves=6,
    ).map(lambda value: b64url_encode(json.dumps(value).encode())),
    st.sampled_from(["HS256", "ES256", "none", "RS256"]).map(
        lambda alg: b64url_encode(json.dumps({"alg": alg}).encode())
    ),
)


@given(st.lists(PARTS, max_size=5).map(".".join) | st.text(max_size=80))
def test_no_text_without_a_signature_is_verified_or_breaks_the_verifier(text: str) -> None:
    with pytest.raises(TokenError):
        ANY.verify(text)
