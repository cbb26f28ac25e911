"""The OpenAPI document, made from facts, in both versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from backstay.catalog.model import (
    Catalog,
    Column,
    ForeignKey,
    Name,
    Parameter,
    Routine,
    Snapshot,
    Table,
)
from backstay.config.rest import OpenApiMode, RestSettings
from backstay.db.model import Query, Result, Session
from backstay.rest import openapi_31
from backstay.rest.openapi import document
from backstay.rest.openapi_2 import describe
from backstay.tokens.model import Claims

ORDERS = Name("api", "orders")
CLIENTS = Name("api", "clients")


class NoVerifier:
    def verify(self, token: str) -> Claims:
        raise NotImplementedError


def column(name: str, kind: str, **more: Any) -> Column:
    return Column(name=name, type=kind, nominal_type=kind, **more)


def table(name: Name, *columns: Column, writable: bool = True, **more: Any) -> Table:
    return Table(
        id=name,
        is_view=not writable,
        insertable=writable,
        updatable=writable,
        deletable=writable,
        primary_key=("id",),
        columns={each.name: each for each in columns},
        **more,
    )


CATALOG = Catalog(
    version=1,
    tables={
        ORDERS: table(
            ORDERS,
            column("id", "integer", nullable=False, description="Number"),
            column("client_id", "bigint"),
            column("state", "api.state", enum=("new", "paid"), default="'new'::api.state"),
            column("note", "character varying", max_length=40, default="'x'::character varying"),
            column("tags", "text[]"),
            column("extra", "jsonb", default="'{}'::jsonb"),
            column("done", "boolean", default="false"),
            column("made", "timestamp with time zone", default="now()"),
            description="Orders\n\nof clients",
        ),
        CLIENTS: table(CLIENTS, column("id", "bigint", nullable=False), writable=False),
        Name("other", "hidden"): table(Name("other", "hidden")),
    },
    relationships={
        (ORDERS, "api"): (
            ForeignKey(ORDERS, Name("api", "a_view"), "many-to-one", "fk", (("client_id", "cid"),),
                       foreign_table_is_view=True),
            ForeignKey(ORDERS, CLIENTS, "many-to-one", "fk", (("client_id", "id"),)),
        )
    },
    routines={
        Name("api", "sum"): (
            Routine(
                id=Name("api", "sum"),
                parameters=(
                    Parameter("list", "integer[]", "integer[]", False, variadic=True),
                    Parameter("of", "integer[]", "integer[]", True),
                ),
                return_type=Name("pg_catalog", "int4"),
                returns_set=False,
                returns_composite=False,
                returns_composite_alias=False,
                volatility="stable",
                description="Adds up",
            ),
        ),
        Name("api", "act"): (
            Routine(
                id=Name("api", "act"),
                parameters=(),
                return_type=Name("pg_catalog", "void"),
                returns_set=False,
                returns_composite=False,
                returns_composite_alias=False,
                volatility="volatile",
            ),
        ),
    },
)  # fmt: skip


def snapshot(**settings: Any) -> Snapshot:
    return Snapshot(CATALOG, RestSettings(db_schemas=("api",), **settings), NoVerifier())


def described(comment: str | None = None, **settings: Any) -> dict[str, Any]:
    tables = [each for name, each in CATALOG.tables.items() if name.schema == "api"]
    routines = [each for several in CATALOG.routines.values() for each in several]
    return describe(snapshot(**settings), tables, routines, comment)


def test_columns_tell_type_default_key_and_target() -> None:
    properties = described()["definitions"]["orders"]["properties"]
    assert properties["id"] == {
        "type": "integer",
        "format": "int32",
        "description": "Number\n\nNote:\nThis is a Primary Key.<pk/>",
    }
    # A table is named rather than a view of it.
    assert "`clients.id`" in properties["client_id"]["description"]
    assert properties["state"] == {
        "type": "string",
        "format": "api.state",
        "default": "new",
        "enum": ["new", "paid"],
    }
    assert properties["note"]["maxLength"] == 40
    assert properties["note"]["default"] == "x"
    assert properties["tags"]["items"] == {"type": "string"}
    assert properties["extra"] == {"format": "jsonb"}
    assert properties["done"]["default"] is False
    assert properties["made"]["default"] == "now()"


def test_required_are_the_columns_that_cannot_be_null() -> None:
    definitions = described()["definitions"]
    assert definitions["orders"]["required"] == ["id"]
    assert definitions["orders"]["description"] == "Orders\n\nof clients"


def test_paths_follow_what_can_be_done() -> None:
    paths = described()["paths"]
    assert set(paths["/orders"]) == {"get", "post", "patch", "delete"}
    assert set(paths["/clients"]) == {"get"}
    assert set(paths["/rpc/act"]) == {"post"}
    assert set(paths["/rpc/sum"]) == {"get", "post"}
    assert paths["/orders"]["get"]["summary"] == "Orders"
    assert paths["/orders"]["get"]["description"] == "of clients"
    many, one = paths["/rpc/sum"]["get"]["parameters"]
    assert many["collectionFormat"] == "multi"
    assert many["items"] == {"type": "integer", "format": "int32"}
    assert (one["type"], one["required"]) == ("string", True)


def test_the_schemas_comment_is_title_and_description() -> None:
    assert described()["info"]["title"] == "PostgREST API"
    info = described("Shop\n\nSells\nthings")["info"]
    assert (info["title"], info["description"]) == ("Shop", "Sells\nthings")


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("", ("http", "0.0.0.0:3000", "/")),
        ("https://api.example.com", ("https", "api.example.com:443", "/")),
        ("http://example.com:8080/v1", ("http", "example.com:8080", "/v1")),
    ],
)
def test_the_server_is_the_proxy_if_there_is_one(
    proxy: str, expected: tuple[str, str, str]
) -> None:
    found = described(openapi_server_proxy_uri=proxy)
    assert (found["schemes"][0], found["host"], found["basePath"]) == expected


def test_security_is_described_on_demand() -> None:
    assert "security" not in described()
    found = described(openapi_security_active=True)
    assert found["security"] == [{"JWT": []}]
    assert found["securityDefinitions"]["JWT"]["name"] == "Authorization"


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return {found for each in node for found in references(each)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own | references(list(node.values()))


def resolves(document: dict[str, Any], reference: str) -> bool:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node.get(part, {})
    return bool(node)


def test_every_reference_leads_somewhere_in_both_versions() -> None:
    old = described(openapi_security_active=True)
    new = openapi_31.convert(old)
    for version in (old, new):
        found = references(version)
        assert found
        assert [each for each in found if not resolves(version, each)] == []


def test_31_moves_bodies_and_schemas_to_their_places() -> None:
    new = openapi_31.convert(described(openapi_security_active=True))
    assert new["openapi"] == "3.1.0"
    post = new["paths"]["/orders"]["post"]
    assert post["requestBody"] == {"$ref": "#/components/requestBodies/body.orders"}
    rows = new["paths"]["/orders"]["get"]["responses"]["200"]["content"]["application/json"]
    assert rows["schema"]["items"] == {"$ref": "#/components/schemas/orders"}
    assert new["components"]["securitySchemes"]["JWT"]["scheme"] == "bearer"
    many = new["paths"]["/rpc/sum"]["get"]["parameters"][0]
    assert (many["explode"], many["schema"]["type"]) == (True, "array")


def test_31_names_components_as_it_must() -> None:
    old = described()
    old["definitions"]["odd name;"] = old["definitions"].pop("clients")
    assert "odd_x0020_name_x003b_" in openapi_31.convert(old)["components"]["schemas"]


class Runner:
    """Answers as a database would whose caller may see ``orders`` and no function."""

    def __init__(self) -> None:
        self.trips: list[tuple[Session, int]] = []

    async def run_all(self, session: Session, queries: Sequence[Query]) -> list[Result]:
        self.trips.append((session, len(queries)))
        answers = [Result([[b'["orders"]']]), Result([]), Result([[b"Title"]])]
        return answers[-len(queries) :]


CALLER = Session(role="anon", search_path='"api"')


async def test_follow_privileges_asks_as_the_caller_in_one_round_trip() -> None:
    runner = Runner()
    found = await document(runner, CALLER, snapshot(), "api")
    assert found is not None
    paths = orjson.loads(found)["paths"]
    assert set(paths) == {"/", "/orders"}
    assert runner.trips == [(CALLER, 3)]


@pytest.mark.parametrize(("mode", "shown"), [("ignore-privileges", True), ("disabled", False)])
async def test_the_other_modes(mode: OpenApiMode, shown: bool) -> None:
    found = await document(Runner(), CALLER, snapshot(openapi_mode=mode), "api")
    assert (found is not None) == shown
    if found is not None:
        paths = orjson.loads(found)["paths"]
        assert {"/orders", "/clients", "/rpc/act", "/rpc/sum"} < set(paths)
        assert "/hidden" not in paths
