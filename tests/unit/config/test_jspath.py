"""The role's place in the claims, in both syntaxes."""

from __future__ import annotations

from typing import Any

import pytest

from backstay.config.jspath import parse_role_path

CLAIMS: dict[str, Any] = {
    "role": "plain",
    "realm": {"roles": ["other", "editor"], "count": 2, "off": False},
    "https://example.com/roles": [{"value": "deep"}],
    "dollar$": "d",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.role", "plain"),
        ("$.realm.roles[1]", "editor"),
        ("$.realm.roles[-1]", "editor"),
        ("$.realm.roles[0:1]", "other"),
        ("$['role']", "plain"),
        ('$["https://example.com/roles"][0].value', "deep"),
        ("$..value", "deep"),
        ("$.realm.roles[?(@ == 'editor')]", "editor"),
        ('$.realm.roles[?@ != "other"]', "editor"),
        ("$.realm.roles[?search(@, '^edi')]", "editor"),
        ("$.realm.roles[?length(@) > 5 && @ != 'x']", "editor"),
        ("$[?@.count >= 2].count", 2),
        ("$[?@.off].count", 2),
        ("$.missing", None),
        ("$.realm.roles[9]", None),
        (".role", "plain"),
        (".realm.roles[1]", "editor"),
        ('."https://example.com/roles"[0].value', "deep"),
        (".dollar$", "d"),
        ('.realm.roles[?(@ ^== "edit")]', "editor"),
        ('.realm.roles[?(@ ==^ "tor")]', "editor"),
        ('.realm.roles[?(@ *== "dit")]', "editor"),
        ('.realm.roles[?(@ != "other")]', "editor"),
        ('.realm[?(@ == "x")]', None),
        (".role.deeper", None),
    ],
)
def test_what_is_found(path: str, found: object) -> None:
    assert parse_role_path(path).find(CLAIMS) == found


@pytest.mark.parametrize(
    "path",
    ["", "role", "role.other", ".role##", "$.a;;b", "@@.role", "1234", ".role[?(@ =)]", "$[", "$."],
)
def test_what_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="failed to parse role-claim-key value"):
        parse_role_path(path)


def test_the_older_syntax_is_told_and_shown_quoted() -> None:
    path = parse_role_path('.roles[?(@ == "a")]')
    assert path.old
    assert path.text == '."roles"[?(@ == "a")]'
    assert parse_role_path(path.text).text == path.text
    assert not parse_role_path("$.role").old
