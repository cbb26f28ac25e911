"""Relationships derived from keys: junctions, views, inverses, overrides, hidden schemas, order."""

from __future__ import annotations

from backstay.catalog.model import (
    ComputedRelationship,
    ForeignKey,
    Name,
    Relationship,
    Table,
)
from backstay.catalog.relationships import Relationships, derive
from backstay.catalog.views import KeyInView

CLIENTS = Name("api", "clients")
PROJECTS = Name("api", "projects")
USERS = Name("api", "users")
MEMBERS = Name("api", "members")


def table(name: Name, *primary: str) -> Table:
    return Table(
        id=name,
        is_view=False,
        insertable=True,
        updatable=True,
        deletable=True,
        primary_key=primary,
        columns={},
    )


def key(
    source: Name, target: Name, name: str, *columns: tuple[str, str], single: bool = False
) -> ForeignKey:
    return ForeignKey(
        table=source,
        foreign_table=target,
        cardinality="one-to-one" if single else "many-to-one",
        constraint=name,
        columns=columns,
        is_self=source == target,
    )


def between(found: Relationships, source: Name, target: Name) -> list[Relationship]:
    several = found.get((source, target.schema), ())
    return [rel for rel in several if rel.foreign_table == target]


def test_a_foreign_key_is_seen_from_both_sides() -> None:
    direct = key(PROJECTS, CLIENTS, "client", ("client_id", "id"))
    found = derive({}, [direct], [], [], ["api"])
    assert between(found, PROJECTS, CLIENTS) == [direct]
    (inverse,) = between(found, CLIENTS, PROJECTS)
    assert isinstance(inverse, ForeignKey)
    assert (inverse.cardinality, inverse.columns) == ("one-to-many", (("id", "client_id"),))


def test_one_to_one_knows_its_parent() -> None:
    found = derive({}, [key(PROJECTS, CLIENTS, "c", ("id", "id"), single=True)], [], [], ["api"])
    (child,) = between(found, PROJECTS, CLIENTS)
    (parent,) = between(found, CLIENTS, PROJECTS)
    assert isinstance(child, ForeignKey)
    assert isinstance(parent, ForeignKey)
    assert (child.is_parent, parent.is_parent) == (False, True)
    assert child.to_one
    assert parent.to_one


def junction_keys() -> list[ForeignKey]:
    return [
        key(MEMBERS, PROJECTS, "m_project", ("project_id", "id")),
        key(MEMBERS, USERS, "m_user", ("user_id", "id")),
    ]


def test_a_junction_is_one_whose_primary_key_holds_both_foreign_keys() -> None:
    joined = table(MEMBERS, "project_id", "user_id")
    found = derive({MEMBERS: joined}, junction_keys(), [], [], ["api"])
    (rel,) = between(found, PROJECTS, USERS)
    assert isinstance(rel, ForeignKey)
    assert rel.cardinality == "many-to-many"
    assert rel.junction is not None
    assert rel.junction.table == MEMBERS
    assert rel.junction.source_columns == (("id", "project_id"),)
    assert rel.junction.target_columns == (("id", "user_id"),)

    partial = table(MEMBERS, "project_id")
    assert not between(
        derive({MEMBERS: partial}, junction_keys(), [], [], ["api"]), PROJECTS, USERS
    )


def test_a_hidden_junction_leaves_its_ends_known_but_unrelated() -> None:
    hidden = Name("private", "members")
    keys = [
        key(hidden, PROJECTS, "m_project", ("project_id", "id")),
        key(hidden, USERS, "m_user", ("user_id", "id")),
    ]
    found = derive({hidden: table(hidden, "project_id", "user_id")}, keys, [], [], ["api"])
    assert found[PROJECTS, "api"] == ()
    assert (hidden, "api") not in found


def test_each_way_a_view_shows_a_key_is_a_relationship() -> None:
    view = Name("api", "projects_view")
    shown = KeyInView(
        table=PROJECTS,
        view=view,
        constraint="client",
        role="foreign",
        columns=(("client_id", ("client_id", "customer")),),
    )
    found = derive(
        {}, [key(PROJECTS, CLIENTS, "client", ("client_id", "id"))], [shown], [], ["api"]
    )
    columns = [rel.columns for rel in between(found, view, CLIENTS) if isinstance(rel, ForeignKey)]
    assert columns == [(("client_id", "id"),), (("customer", "id"),)]
    assert all(
        rel.foreign_table_is_view
        for rel in between(found, CLIENTS, view)
        if isinstance(rel, ForeignKey)
    )


def test_views_of_both_sides_are_related_to_each_other() -> None:
    left, right = Name("api", "projects_view"), Name("api", "clients_view")
    shown = [
        KeyInView(PROJECTS, left, "client", "foreign", (("client_id", ("cid",)),)),
        KeyInView(CLIENTS, right, "client", "referenced", (("id", ("ident",)),)),
    ]
    found = derive({}, [key(PROJECTS, CLIENTS, "client", ("client_id", "id"))], shown, [], ["api"])
    (rel,) = between(found, left, right)
    assert isinstance(rel, ForeignKey)
    assert rel.columns == (("cid", "ident"),)
    assert rel.table_is_view
    assert rel.foreign_table_is_view


def test_a_computed_relationship_overrides_what_was_detected() -> None:
    own = ComputedRelationship(
        function=CLIENTS,
        table=PROJECTS,
        foreign_table=CLIENTS,
        table_alias=PROJECTS,
        to_one=True,
    )
    direct = key(PROJECTS, CLIENTS, "client", ("client_id", "id"))
    found = derive({}, [direct], [], [own], ["api"])
    assert between(found, PROJECTS, CLIENTS) == [own]
    # The other direction is not the function's.
    assert len(between(found, CLIENTS, PROJECTS)) == 1


def test_the_order_is_target_then_kind_then_constraint() -> None:
    keys = [
        key(PROJECTS, CLIENTS, "z_client", ("z", "id")),
        key(PROJECTS, CLIENTS, "a_client", ("a", "id")),
        key(CLIENTS, PROJECTS, "main", ("main_project", "id")),
    ]
    found = derive({}, keys, [], [], ["api"])
    kinds = [
        (rel.cardinality, rel.constraint)
        for rel in found[PROJECTS, "api"]
        if isinstance(rel, ForeignKey)
    ]
    assert kinds == [
        ("one-to-many", "main"),
        ("many-to-one", "a_client"),
        ("many-to-one", "z_client"),
    ]
