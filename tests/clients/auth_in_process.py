"""An httpx transport that hands requests to the auth service, without a socket."""

from __future__ import annotations

import httpx

from backstay.auth.service import AuthService
from backstay.web import Request, bytes_body

PREFIX = "/auth/v1"


class InProcess(httpx.AsyncBaseTransport):
    """What the gateway does for the service: the prefix removed, an API key as the bearer."""

    def __init__(self, service: AuthService, keys: dict[str, str]) -> None:
        self._service = service
        self._keys = keys

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        headers["authorization"] = f"{scheme} {self._keys.get(bearer, bearer)}"
        response = await self._service(
            Request(
                request.method,
                request.url.raw_path.decode().partition("?")[0].removeprefix(PREFIX),
                request.url.query.decode(),
                headers,
                bytes_body(await request.aread()),
                client="127.0.0.1",
            )
        )
        assert isinstance(response.body, bytes)
        return httpx.Response(response.status, headers=response.headers, content=response.body)
