from __future__ import annotations

import pytest

from backstay.rest.hints import GOOD, nearest, ranked


@pytest.mark.parametrize(
    ("names", "wanted", "least", "found"),
    [
        (["projects", "clients"], "projectx", GOOD, "projects"),
        (["projects", "clients"], "projecxx", GOOD, "projects"),
        (["projects", "clients"], "proj", GOOD, None),
        (["Projects"], "projects", GOOD, "Projects"),
        (["(name, param, val)", "(attr, id)"], "(id)", 0.33, "(attr, id)"),
        (["(name, param, val)", "(attr, id)"], "(noclosealternative)", 0.33, None),
        ([], "x", 0.33, None),
        (["x"], "", 0.33, None),
    ],
)
def test_nearest(names: list[str], wanted: str, least: float, found: str | None) -> None:
    assert nearest(names, wanted, least) == found


def test_best_first() -> None:
    scores = ranked(["roles", "rolls", "actors"], "role")
    assert [name for _, name in scores[:2]] == ["roles", "rolls"]
    assert scores[0][0] == pytest.approx(0.8)


def test_a_search_that_would_be_dear_is_not_made() -> None:
    assert nearest([f"table_{number}" for number in range(5000)], "table_x") is None
    assert nearest(["a" * 300], "a" * 299) is None
