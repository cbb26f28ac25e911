"""Reading a project folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from backstay.cluster.folder import NotText, fingerprint, names, read, seed_files


def test_seed_files_follow_the_patterns_each_once(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    for name in ("seed.sql", "seeds/2.sql", "seeds/10.sql", "seeds/note.txt"):
        (tmp_path / name).write_text("select 1")
    found, unmatched = seed_files(tmp_path, ["./seeds/*.sql", "seed.sql", "./seed.sql", "no/*.sql"])
    assert found == ["seeds/10.sql", "seeds/2.sql", "seed.sql"]
    assert unmatched == ["no/*.sql"]


def test_a_byte_order_mark_is_not_sql(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"\xef\xbb\xbfselect 1")
    assert read(tmp_path / "a.sql") == "select 1"


def test_other_encodings_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"select 1;\nselect '\xe9'")
    with pytest.raises(NotText) as caught:
        read(tmp_path / "a.sql")
    assert caught.value.line == 2


def test_no_folder_has_no_files(tmp_path: Path) -> None:
    assert names(tmp_path / "migrations") == []


def test_the_fingerprint_changes_with_what_is_applied_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "1_a.sql").write_text("select 1")
    (tmp_path / "seed.sql").write_text("select 2")
    before = fingerprint(tmp_path, ["seed.sql"])
    (tmp_path / "migrations" / "notes.sql").write_text("not applied")
    assert fingerprint(tmp_path, ["seed.sql"]) == before
    (tmp_path / "seed.sql").write_text("select 3")
    assert fingerprint(tmp_path, ["seed.sql"]) != before
    assert fingerprint(tmp_path) != before
