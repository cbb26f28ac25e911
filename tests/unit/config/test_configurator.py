"""PostgREST's configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstay.config.configurator import Value, parse_config, read_config_file


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("# only a comment", {}),
        ('a = "b" # after', {"a": "b"}),
        ("a-b = 10\nc = -1.5", {"a-b": 10, "c": -1.5}),
        ("a = true b = off", {"a": True, "b": False}),
        ('a = ["x", 1, false]', {"a": ("x", 1, False)}),
        ('app.settings.x = "1"', {"app.settings.x": "1"}),
        ('app { settings { x = "1" } }', {"app.settings.x": "1"}),
        (r'a = "q\" b\\ n\n u\u00e9"', {"a": 'q" b\\ n\n ué'}),
        ('a = "$$.role"', {"a": "$.role"}),
        ('a = "$(HOME)/x"', {"a": "/home/x"}),
        ('a = "1" b = "$(a)2"', {"a": "1", "b": "12"}),
        ("a = 1 a = 2", {"a": 2}),
    ],
)
def test_what_is_read(text: str, found: dict[str, Value]) -> None:
    assert parse_config(text, {"HOME": "/home"}) == found


@pytest.mark.parametrize(
    "text",
    ['a = "open', "a =", "= 1", "a = b", "a { b = 1", "}", 'a = "$(NOT_SET)"', "a: 1", "a = [1"],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_config(text, {})


def test_import_reads_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "main.conf").write_text('a = 1\nimport "more.conf"\n')
    (tmp_path / "more.conf").write_text("b = 2\n")
    assert read_config_file(tmp_path / "main.conf", {}) == {"a": 1, "b": 2}
