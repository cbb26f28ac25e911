"""Parameters that libpq would cut short are refused with PostgreSQL's own code."""

from __future__ import annotations

import pytest

from backstay.db.connection import encode
from backstay.db.model import DatabaseError, Param


def test_text_bytes_and_null() -> None:
    assert encode(("é", b"\xff", None, ""), 0) == [b"\xc3\xa9", b"\xff", None, b""]


@pytest.mark.parametrize("param", ["a\0b", b"a\0b", "\ud800"])
def test_what_cannot_be_text_is_refused(param: Param) -> None:
    with pytest.raises(DatabaseError) as caught:
        encode(("fine", param), 3)
    assert (caught.value.sqlstate, caught.value.step) == ("22021", 3)


def test_more_parameters_than_the_protocol_counts() -> None:
    with pytest.raises(DatabaseError) as caught:
        encode(("",) * 65_536, 0)
    assert caught.value.sqlstate == "54000"
