"""Unit: the way of a request through the gateway, without a socket."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.errors import HttpError
from backstay.observe.events import RequestFailed, RequestFinished
from backstay.web import ClientDisconnected, Request, Response
from tests.support.gateway import (
    DEVELOPMENT,
    OTHER,
    FakeProject,
    World,
    decoded,
    header,
)


def project_with(service: Any, **more: Any) -> FakeProject:
    return FakeProject(services={"rest": service}, **more)


class TestRoutesC048:
    async def test_a_service_sees_its_path_without_the_prefix(self) -> None:
        seen = await World().seen("/rest/v1/todos", query="select=*&id=eq.1")
        assert (seen["prefix"], seen["path"]) == ("/rest/v1", "/todos")
        assert seen["query"] == "select=*&id=eq.1"

    async def test_an_unknown_path_has_no_route(self) -> None:
        response = await World().send("/nowhere")
        assert response.status == 404
        assert decoded(response) == {"message": "no Route matched with those values"}

    async def test_a_service_not_offered_says_so(self) -> None:
        response = await World(FakeProject(services={})).send("/functions/v1/hello")
        assert response.status == 404
        assert "functions" in decoded(response)["message"]

    async def test_graphql_is_a_function_of_rest_c053(self) -> None:
        seen = await World().seen("/graphql/v1", method="POST", body=b"{}")
        assert seen["path"] == "/rpc/graphql"
        assert seen["headers"]["content-profile"] == "graphql_public"


class TestKeys:
    async def test_a_publishable_key_is_anon_c049(self) -> None:
        seen = await World().seen("/rest/v1/todos", headers={"apikey": DEVELOPMENT.publishable_key})
        assert seen["headers"]["authorization"] == f"Bearer {DEVELOPMENT.anon_key}"

    async def test_no_key_is_anon_on_the_local_stack_c055(self) -> None:
        seen = await World().seen("/rest/v1/todos")
        assert "authorization" not in seen["headers"]

    async def test_no_key_is_refused_when_keys_are_required_c055(self) -> None:
        response = await World(require_api_key=True).send("/rest/v1/todos")
        assert response.status == 401
        assert decoded(response) == {
            "message": "No API key found in request",
            "hint": "No `apikey` request header or url param was found.",
        }

    @pytest.mark.parametrize(
        "path", ["/auth/v1/verify", "/auth/v1/callback", "/auth/v1/authorize", "/storage/v1/s3/b"]
    )
    async def test_open_paths_need_no_key_and_are_not_rewritten_c050(self, path: str) -> None:
        sent = {"authorization": "AWS4-HMAC-SHA256 x", "apikey": DEVELOPMENT.secret_key}
        seen = await World(require_api_key=True).seen(path, headers=sent)
        assert seen["headers"]["authorization"] == sent["authorization"]
        assert (await World(require_api_key=True).send(path)).status == 200

    async def test_a_key_of_another_project_is_refused(self) -> None:
        response = await World().send("/rest/v1/todos", headers={"apikey": OTHER.secret_key})
        assert response.status == 401
        assert decoded(response)["message"] == "Invalid API key"

    async def test_a_key_in_the_query_counts_and_is_taken_out(self) -> None:
        query = f"select=*&apikey={DEVELOPMENT.secret_key}&limit=1"
        seen = await World(require_api_key=True).seen("/rest/v1/todos", query=query)
        assert seen["query"] == "select=*&limit=1"
        assert seen["headers"]["authorization"] == f"Bearer {DEVELOPMENT.service_role_key}"

    async def test_a_websockets_query_is_translated_c051(self) -> None:
        query = f"apikey={DEVELOPMENT.publishable_key}&vsn=1.0.0"
        seen = await World().seen("/realtime/v1/websocket", query=query)
        assert seen["query"] == f"apikey={DEVELOPMENT.anon_key}&vsn=1.0.0"


class TestProjects:
    async def test_each_host_reaches_its_project_with_its_keys(self) -> None:
        world = World(FakeProject("one"), FakeProject("two", OTHER))
        sent = {"apikey": OTHER.publishable_key}
        two = await world.seen("/rest/v1/t", headers=sent, host="two.localhost:54321")
        assert two["headers"]["authorization"] == f"Bearer {OTHER.anon_key}"
        assert (await world.send("/rest/v1/t", headers=sent)).status == 401

    async def test_a_host_of_nobody(self) -> None:
        world = World(FakeProject("one"), FakeProject("two"))
        response = await world.send("/rest/v1/t", host="three.localhost:54321")
        assert response.status == 404
        assert "three.localhost" in decoded(response)["message"]

    async def test_a_sleeping_project_is_woken_first(self) -> None:
        asleep = FakeProject(asleep=True)
        await World(asleep).seen("/rest/v1/t")
        assert not asleep.asleep

    async def test_a_project_that_does_not_wake_is_unavailable(self) -> None:
        class Broken(FakeProject):
            async def awake(self) -> None:
                raise HttpError(503, "asleep", "Try again", headers=[("retry-after", "1")])

        response = await World(Broken(asleep=True)).send("/rest/v1/t")
        assert response.status == 503
        assert header(response, "retry-after") == "1"


class TestCorsC052:
    async def test_every_answer_may_be_read_by_any_page(self) -> None:
        for path in ("/rest/v1/t", "/nowhere", "/health"):
            response = await World().send(path, headers={"origin": "http://localhost:3000"})
            assert header(response, "access-control-allow-origin") == "*"
            assert "Content-Range" in (header(response, "access-control-expose-headers") or "")

    async def test_a_preflight_ends_here_and_echoes(self) -> None:
        async def never(_: Request) -> Response:
            raise AssertionError

        asked = {
            "origin": "http://localhost:3000",
            "access-control-request-method": "PATCH",
            "access-control-request-headers": "authorization,x-mine",
            "access-control-request-private-network": "true",
        }
        world = World(project_with(never), require_api_key=True)
        response = await world.send("/rest/v1/t", method="OPTIONS", headers=asked)
        assert response.status == 200
        assert header(response, "access-control-allow-headers") == "authorization,x-mine"
        assert "PATCH" in (header(response, "access-control-allow-methods") or "")
        assert header(response, "access-control-allow-private-network") == "true"
        assert header(response, "access-control-allow-origin") == "*"

    async def test_other_options_reach_the_service(self) -> None:
        assert (await World().seen("/rest/v1/t", method="OPTIONS"))["method"] == "OPTIONS"

    async def test_what_a_service_allows_itself_stays(self) -> None:
        async def picky(_: Request) -> Response:
            return Response(200, [("access-control-allow-origin", "http://a.example")])

        response = await World(project_with(picky)).send("/rest/v1/t")
        assert header(response, "access-control-allow-origin") == "http://a.example"


class TestLimits:
    async def test_a_body_announced_too_large_is_refused_unread(self) -> None:
        response = await World(max_body=10).send(
            "/rest/v1/t", method="POST", headers={"content-length": "11"}
        )
        assert response.status == 413

    @pytest.mark.parametrize("headers", [{"transfer-encoding": "chunked"}, {}])
    async def test_a_body_that_grows_too_large_is_refused(self, headers: dict[str, str]) -> None:
        response = await World(max_body=10).send(
            "/rest/v1/t", method="POST", headers=headers, body=b"x" * 11
        )
        assert response.status == 413

    async def test_a_body_of_just_the_limit_passes(self) -> None:
        sent = {"transfer-encoding": "chunked"}
        seen = await World(max_body=10).seen(
            "/rest/v1/t", method="POST", headers=sent, body=b"x" * 10
        )
        assert seen["body"] == "x" * 10

    async def test_storage_limits_bodies_itself(self) -> None:
        headers = {"content-length": "11"}
        await World(max_body=10).seen("/storage/v1/object/b/f", method="POST", headers=headers)

    async def test_a_long_target_is_refused(self) -> None:
        response = await World(max_target=20).send("/rest/v1/t", query="x" * 20)
        assert response.status == 414

    async def test_16_kb_of_target_pass_r129(self) -> None:
        assert len((await World().seen("/rest/v1/t", query="x" * 16384))["query"]) == 16384


class TestRequestIds:
    async def test_the_clients_id_travels(self) -> None:
        response = await World().send("/rest/v1/t", headers={"x-request-id": "abc-1"})
        assert header(response, "x-request-id") == header(response, "sb-request-id") == "abc-1"
        assert decoded(response)["id"] == "abc-1"

    @pytest.mark.parametrize("sent", ["", "a b", "x" * 129, '"', "<script>", "é"])
    async def test_an_id_unfit_for_a_log_is_replaced(self, sent: str) -> None:
        response = await World().send("/rest/v1/t", headers={"x-request-id": sent})
        made = header(response, "x-request-id") or ""
        assert made != sent
        assert len(made) == 36

    async def test_ids_differ(self) -> None:
        world = World()
        ids = {header(await world.send("/health"), "x-request-id") for _ in range(100)}
        assert len(ids) == 100


class TestFailures:
    async def test_a_service_that_fails_gives_a_plain_500_and_an_event(self) -> None:
        async def broken(_: Request) -> Response:
            raise RuntimeError("the password is hunter2")

        world = World(project_with(broken))
        response = await world.send("/rest/v1/t", headers={"x-request-id": "r1"})
        assert response.status == 500
        assert decoded(response) == {"message": "An unexpected error occurred", "request_id": "r1"}
        failed, finished = world.events
        assert isinstance(failed, RequestFailed)
        assert (failed.request_id, failed.service, str(failed.error)) == (
            "r1",
            "rest",
            "the password is hunter2",
        )
        assert isinstance(finished, RequestFinished)
        assert (finished.status, finished.project) == (500, "shop")

    async def test_a_client_that_leaves_while_sending_is_no_failure(self) -> None:
        async def reads(_: Request) -> Response:
            raise ClientDisconnected

        world = World(project_with(reads))
        assert (await world.send("/rest/v1/t")).status == 400
        assert not any(isinstance(event, RequestFailed) for event in world.events)

    async def test_the_event_of_a_request_has_no_query(self) -> None:
        world = World()
        await world.send("/rest/v1/t", query="token=secret")
        (event,) = world.events
        assert "secret" not in repr(event)
        assert isinstance(event, RequestFinished)
        assert (event.method, event.path, event.service) == ("GET", "/rest/v1/t", "rest")


class TestOwnPaths:
    async def test_health(self) -> None:
        assert decoded(await World().send("/health")) == {"status": "ok"}

    @pytest.mark.parametrize(("answers", "status"), [(True, 200), (False, 503)])
    async def test_ready_names_the_projects(self, answers: bool, status: int) -> None:
        response = await World(FakeProject("a"), FakeProject("b", answers=answers)).send("/ready")
        assert response.status == status
        assert decoded(response)["projects"] == {"a": True, "b": answers}

    async def test_metrics_count_requests_for_this_machine_only(self) -> None:
        world = World()
        await world.send("/rest/v1/t")
        shown = await world.send("/metrics")
        assert isinstance(shown.body, bytes)
        line = b'backstay_requests_total{project="shop",service="rest",status="200"} 1.0'
        assert line in shown.body
        assert (await world.send("/metrics", client="10.0.0.1")).status == 404
        proxied = {"x-forwarded-for": "10.0.0.1"}
        assert (await world.send("/metrics", headers=proxied)).status == 404

    async def test_metrics_can_be_turned_off(self) -> None:
        assert (await World(metrics=False).send("/metrics")).status == 404

    @pytest.mark.parametrize("path", ["/rest-admin/v1/config", "/pg/tables"])
    async def test_what_shows_secrets_is_for_this_machine_only(self, path: str) -> None:
        assert (await World().send(path)).status == 200
        assert (await World().send(path, client="10.0.0.1")).status == 404
        assert (await World().send(path, headers={"x-forwarded-for": "8.8.8.8"})).status == 404

    @pytest.mark.parametrize("path", ["/metrics", "/rest-admin/v1/config"])
    @pytest.mark.parametrize(
        "sent",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://localhost.evil.example:3000"},
            {"origin": "null"},
            {"forwarded": "for=8.8.8.8"},
            {"via": "1.1 proxy"},
            {"x-real-ip": "8.8.8.8"},
        ],
    )
    async def test_nor_for_web_pages_and_proxies_on_it(
        self, path: str, sent: dict[str, str]
    ) -> None:
        assert (await World().send(path, headers=sent)).status == 404

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:54321", "8.8.8.8"])
    async def test_nor_for_a_name_that_was_made_to_point_here(self, host: str) -> None:
        assert (await World().send("/metrics", host=host)).status == 404

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1:54321", "[::1]:1", "shop.localhost"])
    async def test_but_for_pages_of_this_machine(self, host: str) -> None:
        own = {"origin": f"http://{host}"}
        assert (await World().send("/metrics", headers=own, host=host)).status == 200


NAMES = st.sampled_from(
    [
        "authorization",
        "apikey",
        "host",
        "origin",
        "x-request-id",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-port",
        "content-length",
        "transfer-encoding",
        "access-control-request-method",
        "access-control-request-headers",
    ]
)
PREFIXES = st.sampled_from(
    ["", "/rest/v1", "/auth/v1/verify", "/realtime/v1", "/graphql/v1", "/pg"]
)
WORLD = World(FakeProject("one"), FakeProject("two", OTHER))


@given(
    method=st.sampled_from(["GET", "POST", "OPTIONS", "HEAD", "BREW"]),
    prefix=PREFIXES,
    path=st.text(max_size=20),
    query=st.text(max_size=30),
    headers=st.dictionaries(NAMES, st.text(max_size=30)),
    host=st.text(max_size=20),
    client=st.sampled_from(["127.0.0.1", "203.0.113.5", "", "unix"]),
)
async def test_whatever_a_client_sends_it_is_never_told_of_a_failure(
    method: str,
    prefix: str,
    path: str,
    query: str,
    headers: dict[str, str],
    host: str,
    client: str,
) -> None:
    response = await WORLD.send(
        prefix + path,
        method=method,
        query=query,
        headers=headers,
        host=host,
        client=client,
    )
    assert response.status < 500
