"""Pure parts of the auth service: times, bodies, redirects, passwords, codes, statements, errors."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import backstay.auth
from backstay.auth.addresses import valid_email, valid_phone
from backstay.auth.body import parse_body
from backstay.auth.claims import checked
from backstay.auth.errors import AuthError, Code, legacy_body, oauth_name
from backstay.auth.hooks import _function
from backstay.auth.mailer import verify_link
from backstay.auth.one_time import new_code, same, token_hash
from backstay.auth.passwords import is_hash, random_password, weakness
from backstay.auth.redirects import Redirects
from backstay.auth.service import VERSION, chosen_version
from backstay.auth.statements import Statements, merge_metadata, text_array, update_user
from backstay.auth.times import FOREVER, LONG_AGO, after, read, wire
from backstay.config.auth import AuthSettings
from backstay.config.auth_profile import AuthProfile
from backstay.config.duration import parse_duration

SOURCES = Path(backstay.auth.__file__).parent
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "2026-01-02T03:04:05Z"),
        (NOW.replace(microsecond=120000), "2026-01-02T03:04:05.12Z"),
        (NOW.replace(microsecond=1), "2026-01-02T03:04:05.000001Z"),
        (
            datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-02T03:04:05Z",
        ),
    ],
)
def test_moments_on_the_wire(moment: datetime, text: str) -> None:
    assert wire(moment) == text


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1)))  # noqa: DTZ001
def test_moments_come_back(moment: datetime) -> None:
    assert read(wire(moment)) == moment


def test_moments_beyond_the_calendar() -> None:
    assert read("infinity") == FOREVER
    assert read("-infinity") == LONG_AGO
    assert read("294276-12-31T00:00:00+00:00") == FOREVER
    assert read("0044-03-15T00:00:00+00:00 BC") == LONG_AGO
    assert after(NOW, 1e18) == FOREVER


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h30m", 5400), ("250ms", 0.25), ("-2.5s", -2.5), ("0", 0), ("+1us", 1e-6), (".5h", 1800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "1d", "h", "1h 2m", "--1s", "99999999999999h", "1s\n"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@given(st.binary())
def test_any_body_is_read_or_refused(data: bytes) -> None:
    with suppress(AuthError):
        parse_body(data)


def test_what_cannot_be_stored_is_refused_or_replaced() -> None:
    assert parse_body(b'{"a": "\\ud800"}').text("a") == "\ufffd"
    for text in (b'{"a": "\\u0000"}', b'{"data": {"\\u0000": 1}}', b'{"a": NaN}', b'{"a": 1e400}'):
        with pytest.raises(AuthError):
            parse_body(text)


REDIRECTS = Redirects(
    "https://site.example:8443/app",
    (
        "https://*.preview.example/**",
        "myapp://callback",
        "https://exact.example/x",
        "http://10.0.0.1",
    ),
)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        # To a browser a backslash ends the host; these lead to evil.example.
        (r"https://evil.example\@site.example:8443/app", False),
        (r"http://evil.example\@127.0.0.1/", False),
        (r"https://evil.example:443\@exact.example/x", False),
        (r"https://site.example:8443\@evil.example/", False),
        ("http://evil.example[::1]/", False),
        ("http://[::1]evil.example/", False),
        ("http://[::1]:9/", True),
        ("https://site.example:8443/anything", True),
        ("https://site.example/anything", False),
        ("http://site.example:8443/", False),
        ("https://a.preview.example/x/y?z", True),
        ("https://a.b.preview.example/x", False),
        ("https://a.preview.example/x#frag", True),
        ("myapp://callback", True),
        ("https://exact.example/x", True),
        ("https://exact.example/x/y", False),
        ("https://exact.example.evil.test/x", False),
        ("http://2130706433/", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1:1234/", True),
        ("https://a_b.preview.example/x", False),
        ("https://a.preview.example/\r\nset-cookie:x", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_redirects(url: str, allowed: bool) -> None:
    assert REDIRECTS.allows(url) is allowed


@given(st.text())
def test_any_redirect_is_judged(url: str) -> None:
    assert REDIRECTS.choose(url, "") in (url, REDIRECTS.site_url)


def test_the_link_of_a_mail() -> None:
    link = verify_link("http://x/auth/v1", "abc", "signup", "https://a.b/?c=d&e")
    assert link == (
        "http://x/auth/v1/verify?token=abc&type=signup&redirect_to=https%3A%2F%2Fa.b%2F%3Fc%3Dd%26e"
    )


def test_addresses() -> None:
    assert valid_email("A.B+c@Example.COM") == "a.b+c@example.com"
    assert valid_phone("+49 1234 56") == "49123456"
    for bad in ("", "a", "a@", "@b.co", "a b@c.de", "a@b.co\n", "a@b..co", "é@b.co"):
        with pytest.raises(AuthError):
            valid_email(bad)
    for bad in ("", "0123", "1", "49a", "1" * 16, "4912\n"):
        with pytest.raises(AuthError):
            valid_phone(bad)


@pytest.mark.parametrize(
    "requirements", ["", "letters_digits", "lower_upper_letters_digits_symbols"]
)
def test_random_passwords_please_every_policy(requirements: str) -> None:
    settings = AuthSettings(password_requirements=requirements, minimum_password_length=10)  # type: ignore[arg-type]
    assert weakness(random_password(settings), settings) is None


def test_hashes_are_known_by_their_form() -> None:
    bcrypt = "$2a$10$" + "a" * 53
    argon2 = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"
    assert is_hash(bcrypt)
    assert is_hash(argon2)
    for bad in (
        "",
        "plain",
        bcrypt[:-1],
        argon2.replace("m=65536", "m=9999999"),
        argon2.replace("v=19", "v=16"),
        argon2.replace("argon2id", "argon2d"),
    ):
        assert not is_hash(bad)


def test_codes() -> None:
    assert re.fullmatch(r"\d{8}", new_code(8))
    hashed = token_hash("ada@example.com", "123456")
    assert len(hashed) == 56
    assert same(hashed, hashed)
    assert same(hashed, f"pkce_{hashed}")
    assert not same(hashed, "")
    assert not same("", "")


@pytest.mark.parametrize(
    ("uri", "function"),
    [
        ("pg-functions://postgres/public/hook", '"public"."hook"'),
        ("pg-functions://postgres/auth/before-user-created", '"auth"."before-user-created"'),
        ('pg-functions://postgres/a"b/c', '"a""b"."c"'),
        ("pg-functions://postgres/public", None),
        ("https://example.com/a/b", None),
        ("", None),
    ],
)
def test_where_a_hook_is(uri: str, function: str | None) -> None:
    assert _function(uri) == function


def test_claims_a_hook_may_not_return() -> None:
    good = {
        "aud": "authenticated",
        "exp": 1,
        "iat": 1,
        "sub": "x",
        "email": "",
        "phone": "",
        "role": "authenticated",
        "aal": "aal1",
        "session_id": "x",
        "is_anonymous": False,
    }
    assert checked(good) == good
    for name in good:
        with pytest.raises(AuthError, match=f"{name} is required"):
            checked({key: value for key, value in good.items() if key != name})
    with pytest.raises(AuthError, match="exp: Invalid type"):
        checked(good | {"exp": "soon"})


def test_every_statement_is_named_once_and_used() -> None:
    names = Statements(AuthProfile()).names
    written = [
        name
        for file in (SOURCES / "sql").glob("*.sql")
        for name in re.findall(r"^-- name: (\w+)$", file.read_text(), re.MULTILINE)
    ]
    assert sorted(written) == sorted(names)
    code = "".join(file.read_text() for file in SOURCES.glob("*.py"))
    code = code.replace('f"list_users_{order}"', '"list_users_ascending" "list_users_descending"')
    assert {name for name in names if f'"{name}"' not in code} == set()


def test_a_profile_is_quoted_into_the_statements() -> None:
    profile = AuthProfile(profile_table='pub"lic.people', login_by="ni ck", user_fields=("a'b",))
    statements = Statements(profile)
    assert (
        'select p.id from "pub""lic"."people" p where p."ni ck" = $1'
        in statements("user_by_login").sql
    )
    assert "'a''b', p.\"a'b\"" in statements("user_by_id").sql


def test_the_builder_knows_its_columns() -> None:
    query = update_user("id", NOW, {"email": "x", "role": "y"})
    assert query.sql.endswith('"email" = $3, "role" = $4 where id = $1::uuid')
    with pytest.raises(ValueError, match="not a column"):
        update_user("id", NOW, {"is_super_admin": "true"})
    with pytest.raises(ValueError, match="password"):
        merge_metadata("id", NOW, "encrypted_password", "{}", [])


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"))))
def test_arrays_are_quoted(items: list[str]) -> None:
    text = text_array(items)
    unquoted = re.findall(r'"((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    assert [re.sub(r"\\(.)", r"\1", item, flags=re.DOTALL) for item in unquoted] == items


def test_the_version_of_the_api() -> None:
    assert chosen_version("2024-01-01") == VERSION
    assert chosen_version("2031-05-06") == VERSION
    assert chosen_version("2023-12-31") is None
    assert chosen_version("yesterday") is None
    assert chosen_version("") is None


def test_errors_of_the_old_shape() -> None:
    refused = AuthError(400, Code.INVALID_CREDENTIALS, "no")
    assert legacy_body(refused, "r", oauth_fields=True) == {
        "code": 400,
        "error_code": "invalid_credentials",
        "msg": "no",
        "error": "invalid_grant",
        "error_description": "no",
    }
    failed = AuthError(500, Code.UNEXPECTED_FAILURE, "oops")
    assert legacy_body(failed, "r", oauth_fields=False)["error_id"] == "r"
    assert oauth_name(failed) == "server_error"


def test_every_code_is_reached_by_a_test() -> None:
    tests = Path(__file__).parents[2]
    text = "".join(file.read_text() for file in (tests / "io" / "auth").glob("test_*.py"))
    assert {str(code) for code in Code if f'"{code}"' not in text} <= {"unknown"}
