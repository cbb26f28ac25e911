"""I/O: the RSGI adapter behind a real Granian, spoken to in raw bytes over a socket.

Some of these pin down what Granian does that its documentation does not say; when one fails after an
upgrade, ``gateway/rsgi.py`` has to be read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from backstay.gateway.rsgi import SMALL_BODY, RsgiApp, rsgi_app
from backstay.gateway.server import HttpServer, bind
from backstay.gateway.shutdown import shut_down
from backstay.observe.bus import Bus
from backstay.observe.events import ClientLeft, Event, RequestFailed
from backstay.web import Request, Response
from tests.support.gateway import echo

HOST = b"Host: shop.localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


async def chunks(count: int, *, pause: float = 0, fail: bool = False) -> AsyncIterator[bytes]:
    for n in range(count):
        await asyncio.sleep(pause)
        yield b"%d;" % n
    if fail:
        raise RuntimeError("mid-stream")


class Server:
    """A served application, the events it emitted, and whether its slow handler was cancelled."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.arrived = asyncio.Event()
        self.cancelled = asyncio.Event()
        bus = Bus()
        bus.subscribe(Event, self.events.append)
        self.app: RsgiApp = rsgi_app(self.handle, bus)
        self.port = 0

    async def handle(self, request: Request) -> Response:
        match request.path:
            case "/stream":
                return Response(200, [("content-type", "text/plain")], chunks(3))
            case "/endless":
                return Response(200, [], chunks(10**9, pause=0.01))
            case "/cut":
                return Response(200, [("content-length", "100")], chunks(3, fail=True))
            case "/cookies":
                return Response(200, [("set-cookie", "a=1"), ("set-cookie", "b=2")], b"x")
            case "/split":
                return Response(200, [("x-bad", "a\r\nx-evil: 1"), ("x-good", "1")], b"x")
            case "/status":
                return Response(42, [], b"x")
            case "/nothing":
                return Response(204)
            case "/raise":
                raise RuntimeError("the password is hunter2")
            case "/unread":
                return Response(200, [], b"unread")
            case "/pause":
                self.arrived.set()
                await asyncio.sleep(0.2)
                return Response(200, [], b"paused")
            case "/slow":
                return await self.slow()
            case _:
                return await echo(request)

    async def slow(self) -> Response:
        self.arrived.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return Response(200)

    async def send(self, data: bytes, *, answers: int = 1) -> list[Answer]:
        """Write ``data`` on one connection and read that many answers."""
        async with self.connected() as (reader, writer):
            writer.write(data)
            await writer.drain()
            method = data.split(b" ", 1)[0].decode()
            return [await asyncio.wait_for(read(reader, method), 10) for _ in range(answers)]

    async def get(self, path: bytes, method: bytes = b"GET", headers: bytes = b"") -> Answer:
        head = method + b" " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"
        return (await self.send(head))[0]

    @asynccontextmanager
    async def connected(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            yield reader, writer
        finally:
            writer.close()
            await writer.wait_closed()


class Answer:
    """One HTTP answer; ``cut`` when the connection ended before the body did."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes, cut: bool) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.cut = cut

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def json(self) -> Any:
        return orjson.loads(self.body)


async def read(reader: asyncio.StreamReader, method: str) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    if " 100 " in head.partition("\r\n")[0]:
        return await read(reader, method)
    first, *lines = head.strip().split("\r\n")
    headers = [(k.lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines)]
    named = dict(headers)
    body, cut = b"", False
    try:
        if method == "HEAD":
            pass
        elif "content-length" in named:
            body = await reader.readexactly(int(named["content-length"]))
        elif named.get("transfer-encoding") == "chunked":
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
    except asyncio.IncompleteReadError as error:
        body, cut = error.partial, True
    return Answer(int(first.split()[1]), headers, body, cut)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    listener = HttpServer(running.app, bind("127.0.0.1", 0))
    running.port = listener.address[1]
    listener.start()
    yield running
    await listener.stop()


class TestRequests:
    async def test_head_of_a_request(self, server: Server) -> None:
        seen = (await server.get(b"/a%20b/%C3%A9?x=%20+&y", headers=b"X-A: 1\r\nx-a: 2\r\n")).json()
        assert seen["path"] == "/a%20b/%C3%A9"
        assert seen["query"] == "x=%20+&y"
        assert seen["headers"]["x-a"] == "1, 2"
        assert (seen["client"], seen["host"], seen["scheme"]) == (
            "127.0.0.1",
            "shop.localhost",
            "http",
        )

    @pytest.mark.parametrize(
        "framing", [b"Content-Length: 5\r\n\r\nhello", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"]
    )
    async def test_a_body_arrives_whole(self, server: Server, framing: bytes) -> None:
        (answer,) = await server.send(b"POST /p HTTP/1.1\r\n" + HOST + framing)
        assert answer.json()["body"] == "hello"

    async def test_expect_continue(self, server: Server) -> None:
        framing = b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
        (answer,) = await server.send(b"POST /p HTTP/1.1\r\n" + HOST + framing)
        assert answer.json()["body"] == "hello"

    async def test_a_chunked_body_that_breaks_off_is_never_taken_for_whole(
        self, server: Server
    ) -> None:
        broken = CHUNKED + b"5\r\nhello\r\nnonsense\r\n"
        (answer,) = await server.send(b"POST /p HTTP/1.1\r\n" + HOST + broken)
        assert answer.status == 400

    async def test_a_body_shorter_than_announced_is_never_taken_for_whole(
        self, server: Server
    ) -> None:
        async with server.connected() as (reader, writer):
            writer.write(b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nhello")
            writer.write_eof()
            assert b"200 OK" not in await asyncio.wait_for(reader.read(), 10)

    async def test_a_large_body_arrives_whole_or_not_at_all(self, server: Server) -> None:
        data = b"x" * (SMALL_BODY + 1)
        head = b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(data)
        (answer,) = await server.send(head + data)
        assert answer.json()["body"] == data.decode()
        async with server.connected() as (reader, writer):
            writer.write(head + data[:-1])
            writer.write_eof()
            assert b"200 OK" not in await asyncio.wait_for(reader.read(), 10)

    async def test_trailers_are_allowed_when_announced(self, server: Server) -> None:
        body = b"Trailer: x-sum\r\n" + CHUNKED + b"5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n"
        (answer,) = await server.send(b"POST /p HTTP/1.1\r\n" + HOST + body)
        assert answer.json()["body"] == "hello"

    async def test_r129_a_request_line_of_60_kb(self, server: Server) -> None:
        answer = await server.get(b"/x?id=in.(" + b"1," * 30_000 + b")")
        assert len(answer.json()["query"]) == 60_008

    async def test_a_longer_one_is_414(self, server: Server) -> None:
        assert (await server.get(b"/" + b"a" * 70_000)).status == 414

    async def test_too_many_headers_are_431(self, server: Server) -> None:
        many = b"".join(b"x-%d: 1\r\n" % n for n in range(200))
        assert (await server.get(b"/x", headers=many)).status == 431

    @pytest.mark.parametrize(
        "data",
        [
            b"\x00\x01\x02\r\n\r\n",
            b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
            b"GET /x HTTP/1.1\r\n" + HOST + b"x: a\x01b\r\n\r\n",
            b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        ],
    )
    async def test_what_is_not_http_is_400(self, server: Server, data: bytes) -> None:
        assert (await server.send(data))[0].status == 400

    async def test_no_request_is_smuggled_behind_two_framings(self, server: Server) -> None:
        smuggled = b"GET /raise HTTP/1.1\r\n" + HOST + b"\r\n"
        framing = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        await server.send(b"POST /p HTTP/1.1\r\n" + HOST + framing + smuggled)
        await server.get(b"/x")
        assert not any(isinstance(event, RequestFailed) for event in server.events)

    async def test_http_2_is_not_spoken(self, server: Server) -> None:
        async with server.connected() as (reader, writer):
            writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"))
            assert not (await asyncio.wait_for(reader.read(), 10)).startswith(b"\x00")

    async def test_pipelined_requests_are_answered_in_order(self, server: Server) -> None:
        one = b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\none"
        two = b"POST /unread HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\ntwo"
        first, second, third = await server.send(one + two + one, answers=3)
        assert (first.json()["body"], second.body) == ("one", b"unread")
        assert third.json()["body"] == "one"


class TestAnswers:
    async def test_a_stream(self, server: Server) -> None:
        assert (await server.get(b"/stream")).body == b"0;1;2;"

    @pytest.mark.parametrize("path", [b"/x", b"/stream"])
    async def test_head_has_the_headers_and_no_body(self, server: Server, path: bytes) -> None:
        wanted = await server.get(path)
        async with server.connected() as (reader, writer):
            request = b" " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n"
            writer.write(b"HEAD" + request + b"GET" + request)
            head = await asyncio.wait_for(read(reader, "HEAD"), 10)
            again = await asyncio.wait_for(read(reader, "GET"), 10)
        assert head.status == 200
        assert head.all("content-type") == wanted.all("content-type")
        assert again.status == 200

    async def test_repeated_headers_stay_apart(self, server: Server) -> None:
        assert (await server.get(b"/cookies")).all("set-cookie") == ["a=1", "b=2"]

    async def test_a_header_cannot_bring_another_along(self, server: Server) -> None:
        answer = await server.get(b"/split")
        assert answer.all("x-evil") == []
        assert answer.all("x-good") == ["1"]

    async def test_a_status_no_server_can_send_is_500(self, server: Server) -> None:
        assert (await server.get(b"/status")).status == 500

    async def test_204_has_no_length(self, server: Server) -> None:
        answer = await server.get(b"/nothing")
        assert (answer.status, answer.all("content-length")) == (204, [])

    async def test_a_failure_is_a_plain_500(self, server: Server) -> None:
        answer = await server.get(b"/raise")
        assert answer.status == 500
        assert b"hunter2" not in answer.body
        assert [type(event) for event in server.events] == [RequestFailed]

    async def test_a_stream_that_fails_is_cut_short_of_its_length(self, server: Server) -> None:
        assert (await server.get(b"/cut")).cut
        assert [type(event) for event in server.events] == [RequestFailed]


class TestClientsThatLeave:
    async def test_the_handler_is_cancelled(self, server: Server) -> None:
        async with server.connected() as (_, writer):
            writer.write(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
            await asyncio.wait_for(server.arrived.wait(), 5)
            assert not server.cancelled.is_set()
        await asyncio.wait_for(server.cancelled.wait(), 5)
        assert await server.app.drain(5) == 0
        assert [type(event) for event in server.events] == [ClientLeft]

    async def test_a_stream_ends(self, server: Server) -> None:
        async with server.connected() as (reader, writer):
            writer.write(b"GET /endless HTTP/1.1\r\n" + HOST + b"\r\n")
            await asyncio.wait_for(reader.read(100), 5)
        assert await server.app.drain(5) == 0
        assert [type(event) for event in server.events] == [ClientLeft]

    async def test_drain_cancels_what_does_not_end(self, server: Server) -> None:
        async with server.connected() as (_, writer):
            writer.write(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
            await asyncio.wait_for(server.arrived.wait(), 5)
            assert server.app.in_flight == 1
            assert await server.app.drain(0.05) == 1
            await asyncio.wait_for(server.cancelled.wait(), 5)
        assert server.app.in_flight == 0


class TestShutdown:
    async def test_a_stream_without_end_does_not_keep_the_server(self) -> None:
        endless, bus = Server(), Bus()
        http = HttpServer(endless.app, bind("127.0.0.1", 0))
        endless.port = http.address[1]
        http.start()
        async with endless.connected() as (reader, writer):
            writer.write(b"GET /endless HTTP/1.1\r\n" + HOST + b"\r\n")
            await asyncio.wait_for(reader.read(100), 5)
            assert await asyncio.wait_for(shut_down([(http, endless.app)], bus, grace=0.05), 5) == 1

    async def test_what_ends_in_time_is_answered(self) -> None:
        polite = Server()
        http = HttpServer(polite.app, bind("127.0.0.1", 0))
        polite.port = http.address[1]
        http.start()
        async with polite.connected() as (reader, writer):
            writer.write(b"GET /pause HTTP/1.1\r\n" + HOST + b"\r\n")
            await asyncio.wait_for(polite.arrived.wait(), 5)
            stopping = asyncio.create_task(shut_down([(http, polite.app)], Bus(), grace=5))
            answer = await asyncio.wait_for(read(reader, "GET"), 5)
        assert (answer.status, answer.body) == (200, b"paused")
        assert await asyncio.wait_for(stopping, 5) == 0
