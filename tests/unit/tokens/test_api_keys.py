"""Unit: a project's keys, and where the development ones are refused."""

from __future__ import annotations

import hashlib
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backstay.clock import ManualClock
from backstay.errors import OperatorError
from backstay.tokens.api_keys import (
    DEVELOPMENT_SECRET,
    ProjectKeys,
    check_keys,
    generate_signing_key,
    is_loopback,
)
from backstay.tokens.key_store import load_keys, load_or_generate_keys, save_keys
from backstay.tokens.keys import KeySet, b64url_encode
from backstay.tokens.model import TokenError
from backstay.tokens.verify import JwtVerifier

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
DEVELOPMENT = ProjectKeys.development()
OWN_SECRET = "a secret of this project's own, long enough"


def rest_verifier(keys: ProjectKeys) -> JwtVerifier:
    return JwtVerifier(KeySet.from_secret(keys.verification_jwks()), CLOCK)


class TestDevelopment:
    def test_c042_secret(self) -> None:
        assert DEVELOPMENT.jwt_secret == "super-secret-jwt-token-with-at-least-32-characters-long"

    def test_c043_tokens_byte_for_byte(self) -> None:
        assert DEVELOPMENT.anon_key == (
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
            ".eyJpc3MiOiJzdXBhYmFzZS1kZW1vIiwicm9sZSI6ImFub24iLCJleHAiOjE5ODM4MTI5OTZ9"
            ".CRXP1A7WOeoJeXxjNni43kdQwgnWNReilDMblYTn_I0"
        )
        assert DEVELOPMENT.service_role_key == (
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
            ".eyJpc3MiOiJzdXBhYmFzZS1kZW1vIiwicm9sZSI6InNlcnZpY2Vfcm9sZSIsImV4cCI6MTk4MzgxMjk5Nn0"
            ".EGIM96RAZx35lJzdJsyH-qQwv8Hdp7fsn3W0YpN81IU"
        )

    def test_c044_opaque_keys(self) -> None:
        assert DEVELOPMENT.publishable_key == "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH"
        assert DEVELOPMENT.secret_key == "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"

    def test_c045_s3(self) -> None:
        assert DEVELOPMENT.s3_access_key == "625729a08b95bf1b7ff351a663f3a23c"
        assert DEVELOPMENT.s3_secret_key.startswith("850181e4652dd023")

    def test_users_tokens_are_signed_es256_and_both_kinds_verify_a074(self) -> None:
        signer = DEVELOPMENT.signer()
        assert (signer.algorithm, signer.kid) == ("ES256", "b81269f1-21d8-4f2e-b719-c2240a840d90")
        rest = rest_verifier(DEVELOPMENT)
        auth = JwtVerifier.for_auth(DEVELOPMENT.auth_keys(), CLOCK)
        for verifier in (rest, auth):
            assert verifier.verify(signer.sign({"role": "authenticated"})).text("role")
            assert verifier.verify(DEVELOPMENT.anon_key).text("role") == "anon"

    def test_the_public_set_shows_no_secret(self) -> None:
        shown = json.dumps(DEVELOPMENT.public_jwks())
        assert '"d"' not in shown
        assert '"oct"' not in shown
        assert "b81269f1-21d8-4f2e-b719-c2240a840d90" in shown


class TestConfigured:
    def test_an_own_secret_signs_by_itself_and_shuts_the_development_key_pair_out(self) -> None:
        keys = DEVELOPMENT.configured(CLOCK, jwt_secret=OWN_SECRET)
        assert keys.signer().algorithm == "HS256"
        assert keys.public_jwks() == {"keys": []}
        for token in (DEVELOPMENT.signer().sign({"role": "x"}), DEVELOPMENT.service_role_key):
            with pytest.raises(TokenError):
                rest_verifier(keys).verify(token)
        assert rest_verifier(keys).verify(keys.service_role_key).text("role") == "service_role"

    def test_the_development_secret_written_out_changes_nothing(self) -> None:
        assert DEVELOPMENT.configured(CLOCK, jwt_secret=DEVELOPMENT_SECRET) == DEVELOPMENT

    def test_a_secret_under_16_characters_is_refused(self) -> None:
        with pytest.raises(OperatorError, match="16 characters"):
            DEVELOPMENT.configured(CLOCK, jwt_secret="x" * 15)

    @pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
    def test_c047_signing_keys_sign_the_api_tokens_for_ten_years(self, algorithm: str) -> None:
        keys = DEVELOPMENT.configured(CLOCK, signing_keys=[generate_signing_key(algorithm)])
        claims = rest_verifier(keys).verify(keys.anon_key).data
        assert claims["exp"] - CLOCK.time() == 10 * 365 * 24 * 3600
        assert keys.signer().algorithm == algorithm
        with pytest.raises(TokenError):
            rest_verifier(keys).verify(DEVELOPMENT.anon_key)

    def test_the_key_meant_for_signing_signs(self) -> None:
        old = generate_signing_key() | {"key_ops": ["verify"], "kid": "old"}
        new = generate_signing_key() | {"kid": "new"}
        keys = DEVELOPMENT.configured(CLOCK, signing_keys=[old, new])
        assert keys.signer().kid == "new"
        assert {jwk["kid"] for jwk in keys.public_jwks()["keys"]} == {"old", "new"}

    def test_given_keys_stay(self) -> None:
        keys = DEVELOPMENT.configured(
            CLOCK, anon_key="a", service_role_key="s", publishable_key="p", secret_key="k"
        )
        given = (keys.anon_key, keys.service_role_key, keys.publishable_key, keys.secret_key)
        assert given == ("a", "s", "p", "k")


class TestGenerated:
    def test_nothing_is_shared_with_another_project(self) -> None:
        one, two = ProjectKeys.generate(CLOCK), ProjectKeys.generate(CLOCK)
        assert one.well_known() == ()
        for token in (one.anon_key, one.service_role_key, one.signer().sign({"role": "x"})):
            assert rest_verifier(one).verify(token)
            with pytest.raises(TokenError):
                rest_verifier(two).verify(token)

    def test_opaque_keys_end_in_a_checksum(self) -> None:
        body, _, checksum = ProjectKeys.generate(CLOCK).secret_key.rpartition("_")
        # The random part may itself hold an underscore, the checksum may too: take it by length.
        key = f"{body}_{checksum}"
        digest = hashlib.sha256(key[:-9].encode()).digest()[:6]
        assert key[-8:] == b64url_encode(digest)
        assert key.startswith("sb_secret_")


class TestCheckKeys:
    @pytest.mark.parametrize("listen", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
    def test_development_keys_are_fine_on_loopback(self, listen: str) -> None:
        check_keys(listen, DEVELOPMENT)
        assert is_loopback(listen)

    @pytest.mark.parametrize("listen", ["0.0.0.0", "::", "10.0.0.5", "example.com", ""])
    def test_development_keys_are_refused_elsewhere(self, listen: str) -> None:
        with pytest.raises(OperatorError) as refused:
            check_keys(listen, DEVELOPMENT)
        assert "backstay keys generate" in refused.value.next

    def test_one_well_known_key_is_enough(self) -> None:
        keys = DEVELOPMENT.configured(CLOCK, jwt_secret=OWN_SECRET)
        with pytest.raises(OperatorError, match="secret_key"):
            check_keys("0.0.0.0", keys)

    def test_own_keys_may_be_used_anywhere(self) -> None:
        check_keys("0.0.0.0", ProjectKeys.generate(CLOCK))


class TestStore:
    def test_generated_once_and_kept(self, tmp_path: Path) -> None:
        folder = tmp_path / ".backstay"
        assert load_keys(folder) is None
        keys = load_or_generate_keys(folder, CLOCK)
        assert load_or_generate_keys(folder, CLOCK) == keys
        assert load_keys(folder) == keys
        assert [path.name for path in folder.iterdir()] == ["keys.json"]

    def test_only_the_owner_can_read_them(self, tmp_path: Path) -> None:
        save_keys(tmp_path, ProjectKeys.generate(CLOCK))
        assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600

    def test_saving_replaces(self, tmp_path: Path) -> None:
        load_or_generate_keys(tmp_path, CLOCK)
        keys = ProjectKeys.generate(CLOCK)
        save_keys(tmp_path, keys)
        assert load_keys(tmp_path) == keys

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"jwt_secret": 1}', "\ufeff"])
    def test_a_broken_file_is_named_never_replaced(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "keys.json").write_text(text, "utf-8")
        with pytest.raises(OperatorError, match=r"keys\.json"):
            load_or_generate_keys(tmp_path, CLOCK)
        assert (tmp_path / "keys.json").read_text("utf-8") == text
