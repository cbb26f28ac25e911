"""supabase-py's auth client, unmodified, against the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthApiError, AuthSessionMissingError, AuthWeakPasswordError

from tests.clients.auth_in_process import InProcess
from tests.io.auth.harness import EXTERNAL, Auth, serving, settings
from tests.support.cluster import Database

ADA = {"email": "ada@example.com", "password": "correct1"}


@pytest.fixture
async def auth(database: Database) -> AsyncIterator[Auth]:
    async with serving(database, settings(enable_anonymous_sign_ins=True)) as service:
        # The client compares expiry with the real clock.
        from datetime import UTC, datetime

        service.clock.set(datetime.now(UTC))
        yield service


def client_of(auth: Auth, key: str, *, flow: str = "implicit") -> AsyncGoTrueClient:
    return AsyncGoTrueClient(
        url=EXTERNAL,
        headers={"apikey": key, "Authorization": f"Bearer {key}"},
        auto_refresh_token=False,
        flow_type=flow,  # type: ignore[arg-type]
        http_client=httpx.AsyncClient(
            transport=InProcess(auth.service, {}), follow_redirects=False
        ),
    )


@pytest.fixture
async def client(auth: Auth) -> AsyncIterator[AsyncGoTrueClient]:
    made = client_of(auth, auth.anon_key)
    yield made
    await made._http_client.aclose()


@pytest.fixture
async def service(auth: Auth) -> AsyncIterator[AsyncGoTrueClient]:
    made = client_of(auth, auth.service_key)
    yield made
    await made._http_client.aclose()


async def test_the_life_of_a_session(client: AsyncGoTrueClient) -> None:
    credentials = {**ADA, "options": {"data": {"name": "Ada"}}}
    signed_up = await client.sign_up(credentials)  # type: ignore[arg-type]
    assert signed_up.session is not None
    assert signed_up.user is not None
    assert signed_up.user.user_metadata["name"] == "Ada"
    signed_in = await client.sign_in_with_password(ADA)  # type: ignore[arg-type]
    assert signed_in.session is not None
    me = await client.get_user()
    assert me is not None
    assert me.user.email == "ada@example.com"
    assert me.user.identities is not None
    assert me.user.identities[0].provider == "email"
    changed = await client.update_user({"data": {"name": None, "town": "London"}})
    assert changed.user.user_metadata["town"] == "London"
    assert "name" not in changed.user.user_metadata
    refreshed = await client.refresh_session()
    assert refreshed.session is not None
    assert refreshed.session.refresh_token != signed_in.session.refresh_token
    claims = await client.get_claims()
    assert claims is not None
    assert claims["claims"]["sub"] == me.user.id
    await client.sign_out()
    with pytest.raises(AuthSessionMissingError):
        await client.refresh_session()


async def test_signing_out_others(auth: Auth, client: AsyncGoTrueClient) -> None:
    await client.sign_up(ADA)  # type: ignore[arg-type]
    other = client_of(auth, auth.anon_key)
    await other.sign_in_with_password(ADA)  # type: ignore[arg-type]
    await client.sign_out({"scope": "others"})
    with pytest.raises(AuthApiError) as refused:
        await other.get_user()
    assert refused.value.code == "session_not_found"
    await client.sign_in_with_password(ADA)  # type: ignore[arg-type]
    assert await client.get_user() is not None
    await other._http_client.aclose()


async def test_refusals_carry_their_codes(client: AsyncGoTrueClient) -> None:
    await client.sign_up(ADA)  # type: ignore[arg-type]
    with pytest.raises(AuthApiError) as wrong:
        await client.sign_in_with_password({"email": "ada@example.com", "password": "wrong"})
    assert (wrong.value.status, wrong.value.code) == (400, "invalid_credentials")
    assert wrong.value.message == "Invalid login credentials"
    with pytest.raises(AuthWeakPasswordError) as weak:
        await client.sign_up({"email": "bob@example.com", "password": "short"})
    assert weak.value.reasons == ["length"]
    with pytest.raises(AuthApiError) as again:
        await client.sign_up(ADA)  # type: ignore[arg-type]
    assert again.value.code == "user_already_exists"


async def test_anonymous(client: AsyncGoTrueClient) -> None:
    answer = await client.sign_in_anonymously({"options": {"data": {"seat": 1}}})
    assert answer.user is not None
    assert answer.user.is_anonymous


async def test_codes_by_mail(auth: Auth, client: AsyncGoTrueClient) -> None:
    await client.sign_in_with_otp({"email": "new@example.com"})
    code = auth.mailer.outbox[-1].token
    answer = await client.verify_otp({"type": "email", "email": "new@example.com", "token": code})
    assert answer.session is not None
    auth.wait(2)
    await client.reset_password_for_email("new@example.com")
    hashed = auth.mailer.outbox[-1].token_hash
    again = await client.verify_otp({"type": "recovery", "token_hash": hashed})
    assert again.session is not None
    await client.update_user({"password": "another1"})
    await client.sign_in_with_password({"email": "new@example.com", "password": "another1"})


async def test_a_code_exchanged_for_a_session(auth: Auth) -> None:
    client = client_of(auth, auth.anon_key, flow="pkce")
    await client.sign_up(ADA)  # type: ignore[arg-type]
    await client.reset_password_for_email("ada@example.com")
    link = auth.mailer.outbox[-1].link
    reply = await auth.call("GET", link.removeprefix(EXTERNAL))
    code = parse_qs(urlsplit(reply.headers["location"]).query)["code"][0]
    answer = await client.exchange_code_for_session({"auth_code": code})
    assert answer.user is not None
    assert answer.user.email == "ada@example.com"
    await client._http_client.aclose()


async def test_the_admin_api(service: AsyncGoTrueClient, client: AsyncGoTrueClient) -> None:
    created = await service.admin.create_user(
        {**ADA, "email_confirm": True, "app_metadata": {"role": "operator"}}  # type: ignore[typeddict-item]
    )
    user_id = created.user.id
    assert created.user.app_metadata["role"] == "operator"
    assert (await service.admin.get_user_by_id(user_id)).user.email == "ada@example.com"
    changed = await service.admin.update_user_by_id(user_id, {"user_metadata": {"a": 1}})
    assert changed.user.user_metadata["a"] == 1
    assert [user.id for user in await service.admin.list_users(page=1, per_page=10)] == [user_id]
    session = (await client.sign_in_with_password(ADA)).session  # type: ignore[arg-type]
    assert session is not None
    await service.admin.sign_out(session.access_token, "global")
    with pytest.raises(AuthApiError):
        await client.get_user()
    assert await service.admin.mfa.list_factors({"user_id": user_id}) == []
    await service.admin.delete_user(user_id)
    with pytest.raises(AuthApiError) as gone:
        await service.admin.get_user_by_id(user_id)
    assert (gone.value.status, gone.value.code) == (404, "user_not_found")
    with pytest.raises(AuthApiError) as refused:
        await client.admin.list_users()
    assert refused.value.code == "not_admin"
