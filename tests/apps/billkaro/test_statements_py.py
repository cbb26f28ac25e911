"""The BillKaro document through supabase-py, and the statements about the schema itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from postgrest.exceptions import APIError
from supabase import Client, create_client

from tests.support.running import Running

ROLES = ("admin", "manager", "operator")


@pytest.fixture(scope="session")
def keys(billkaro: Running) -> dict[str, str]:
    return billkaro.status()


@pytest.fixture(scope="session")
def service(billkaro: Running, keys: dict[str, str]) -> Client:
    return create_client(billkaro.url, keys["SERVICE_ROLE_KEY"])


@pytest.fixture(scope="session")
def clients(billkaro: Running, keys: dict[str, str]) -> dict[str, Client]:
    """A signed-in client per role, by e-mail, as an unmodified client signs in."""
    made: dict[str, Client] = {}
    for role in ROLES:
        client = create_client(billkaro.url, keys["ANON_KEY"])
        client.auth.sign_in_with_password(
            {"email": f"{role}@billkaro.example", "password": f"{role}123"}
        )
        made[role] = client
    return made


@pytest.fixture
def bill(service: Client) -> Iterator[str]:
    number = f"P-{uuid.uuid4().hex[:12]}"
    yield number
    service.table("payments").delete().eq("bill_number", number).execute()


def test_002_03_login_by_username(billkaro: Running, keys: dict[str, str]) -> None:
    reply = httpx.post(
        f"{billkaro.url}/auth/v1/token?grant_type=password",
        headers={"apikey": keys["ANON_KEY"]},
        json={"username": "operator", "password": "operator123"},
    )
    assert reply.status_code == 200
    client = create_client(billkaro.url, keys["ANON_KEY"])
    session = client.auth.set_session(
        reply.json()["access_token"], reply.json()["refresh_token"]
    ).session
    assert session is not None
    assert client.table("payments").select("id").limit(1).execute().data


@pytest.mark.parametrize("role", ROLES)
def test_002_08_machines_by_role(clients: dict[str, Client], role: str) -> None:
    rows: Any = clients[role].table("machines").select("*").order("name").execute().data
    assert len(rows) >= 3
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)


def test_002_14_to_16_a_service_lives_and_dies(clients: dict[str, Client]) -> None:
    manager = clients["manager"]
    values = {"machine_id": "mach_002", "name": "Lassi", "price": 60, "status": "active"}
    created: Any = manager.table("services").insert(values).execute().data
    key = created[0]["id"]
    changed: Any = (
        manager.table("services").update({"status": "inactive"}).eq("id", key).execute().data
    )
    assert changed[0]["status"] == "inactive"
    manager.table("services").delete().eq("id", key).execute()
    assert manager.table("services").select("id").eq("id", key).execute().data == []


def test_002_17_payments_with_their_machine(clients: dict[str, Client]) -> None:
    rows: Any = (
        clients["operator"]
        .table("payments")
        .select("bill_number, machines(name, services(name))")
        .eq("bill_number", "M001-20260204-0001")
        .execute()
        .data
    )
    assert rows[0]["machines"]["name"] == "Main Entrance POS"
    assert {"name": "Locker"} in rows[0]["machines"]["services"]


def test_002_20_and_37_a_bill_number_is_taken_once(clients: dict[str, Client], bill: str) -> None:
    payment = {"machine_id": "mach_001", "bill_number": bill, "amount": 177, "method": "Cash"}
    clients["operator"].table("payments").insert(payment).execute()
    with pytest.raises(APIError) as refused:
        clients["operator"].table("payments").insert(payment).execute()
    assert refused.value.code == "23505"


def test_002_22_summary(clients: dict[str, Client]) -> None:
    summary: Any = (
        clients["manager"]
        .rpc(
            "get_collections_summary",
            {
                "machine_id": "mach_001",
                "start_date": "2026-02-04T00:00:00Z",
                "end_date": "2026-02-04T23:59:59Z",
            },
        )
        .execute()
        .data
    )
    assert summary["total_amount"] == 800
    assert summary["by_method"] == {"Cash": 450, "UPI": 250, "Card": 100}


def test_002_31_indexes(keys: dict[str, str]) -> None:
    with psycopg.connect(keys["DB_URL"]) as connection:
        found: dict[str, str] = dict(
            connection.execute(
                "select indexname, indexdef from pg_indexes where schemaname = 'public'"
            ).fetchall()
        )
    assert "(machine_id)" in found["idx_services_machine_id"]
    assert "(machine_id)" in found["idx_payments_machine_id"]
    assert "(created_at DESC)" in found["idx_payments_created_at"]
    assert "(bill_number)" in found["idx_payments_bill_number"]


def test_002_40_phases_one_to_three(clients: dict[str, Client]) -> None:
    """The endpoints of phases 1 to 3 exist; those of 4 and 5 are not promised."""
    admin = clients["admin"]
    for table in ("machines", "services", "payments"):
        assert admin.table(table).select("id").limit(1).execute().data
    with pytest.raises(APIError) as unknown:
        admin.rpc("customer_analytics", {}).execute()
    assert unknown.value.code == "PGRST202"


def test_002_g16_a_profile_follows_its_account(service: Client) -> None:
    name = f"shift{uuid.uuid4().hex[:8]}"
    user = service.auth.admin.create_user(
        {
            "email": f"{name}@billkaro.example",
            "password": "shift12345",
            "email_confirm": True,
            "user_metadata": {"username": name},
            "app_metadata": {"role": "manager"},
        }
    ).user
    try:
        row: Any = service.table("users").select("*").eq("id", user.id).single().execute().data
        assert (row["username"], row["role"]) == (name, "manager")
        service.auth.admin.update_user_by_id(user.id, {"app_metadata": {"role": "operator"}})
        row = service.table("users").select("role").eq("id", user.id).single().execute().data
        assert row["role"] == "operator"
    finally:
        service.auth.admin.delete_user(user.id)
    assert service.table("users").select("id").eq("id", user.id).execute().data == []
