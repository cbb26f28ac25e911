"""Reading a view's stored rule, and which keys it shows."""

from __future__ import annotations

from backstay.catalog.constraints import Constraint
from backstay.catalog.model import Name, Table
from backstay.catalog.views import KeyInView, View, keys, origins, primary_keys

TABLE = Name("api", "t")


def entry(number: int, table: int, column: int, name: str = "c") -> str:
    return (
        "{TARGETENTRY :expr {VAR :varno 1 :varattno 1 :vartype 23} "
        f":resno {number} :resname {name} :ressortgroupref 0 "
        f":resorigtbl {table} :resorigcol {column} :resjunk false}}"
    )


def query(*entries: str, before: str = "") -> str:
    return "({QUERY :commandType 1 " + before + f" :targetList ({' '.join(entries)}) :limit <>}})"


def test_origins_are_those_of_the_outermost_query() -> None:
    inner = query(entry(1, 7, 7))[1:-1]
    subquery = "{RANGETBLENTRY :rtekind 1 :subquery " + inner + "}"
    rule = query(entry(1, 42, 3), entry(2, 0, 0), before=f":rtable ({subquery})")
    assert origins(rule) == {1: (42, 3)}


def test_names_that_look_like_structure_are_escaped_and_passed_over() -> None:
    name = r"a\{TARGETENTRY\ :resno\ 9\ :resorigtbl\ 9\}"
    assert origins(query(entry(1, 42, 3, name), entry(2, 42, 4))) == {1: (42, 3), 2: (42, 4)}


def test_no_target_list_has_no_origins() -> None:
    assert origins("({QUERY :commandType 1 :targetList <>})") == {}
    assert origins("") == {}


def view(oid: int, name: str, shown: dict[int, tuple[int, int]], *, exposed: bool = True) -> View:
    columns = {number: f"{name}_{number}" for number in shown}
    return View(oid, Name("api", name), exposed, columns, shown)


def primary(relation: int, *columns: tuple[int, str]) -> Constraint:
    return Constraint("p", "pk", False, relation, TABLE, columns)


def test_a_key_counts_only_when_all_its_columns_are_shown() -> None:
    key = primary(10, (1, "a"), (2, "b"))
    assert keys([view(20, "v", {1: (10, 1)})], [key]) == []
    (found,) = keys([view(20, "v", {1: (10, 2), 2: (10, 1), 3: (10, 2)})], [key])
    assert found.columns == (("a", ("v_2",)), ("b", ("v_1", "v_3")))


def test_a_view_over_a_view_is_followed_and_a_circle_ends() -> None:
    inner = view(20, "inner", {1: (10, 1)}, exposed=False)
    outer = view(30, "outer", {5: (20, 1)})
    circle = view(40, "circle", {1: (40, 1)})
    (found,) = keys([inner, outer, circle], [primary(10, (1, "a"))])
    assert found.view == Name("api", "outer")
    assert found.columns == (("a", ("outer_5",)),)


def test_a_foreign_key_is_shown_from_either_side() -> None:
    key = Constraint(
        "f", "fk", False, 10, TABLE, ((2, "ref"),), 11, Name("api", "other"), ((1, "id"),)
    )
    views = [view(20, "left", {1: (10, 2)}), view(21, "right", {1: (11, 1)})]
    assert [(found.view.name, found.role) for found in keys(views, [key])] == [
        ("left", "foreign"),
        ("right", "referenced"),
    ]


def test_a_view_takes_the_first_column_that_shows_its_key() -> None:
    name = Name("api", "v")
    made = Table(name, True, True, True, True, (), {})
    shown = KeyInView(TABLE, name, "pk", "primary", (("a", ("x", "y")), ("b", ("z",))))
    assert primary_keys({name: made}, [shown])[name].primary_key == ("x", "z")
    assert primary_keys({name: made}, [])[name].primary_key == ()
