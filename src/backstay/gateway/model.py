"""What the gateway needs to know of a project, and its own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backstay.tokens.api_keys import ProjectKeys
from backstay.web import Service


class Project(Protocol):
    """A project as the gateway sees it.

    ``services`` maps the names of ``router.ROUTES`` (``rest``, ``auth`` …) to what answers there.
    """

    @property
    def name(self) -> str: ...

    @property
    def hosts(self) -> Sequence[str]:
        """Host names beside ``NAME.localhost``, without port."""
        ...

    @property
    def port(self) -> int | None:
        """The port that is this project's alone."""
        ...

    @property
    def keys(self) -> ProjectKeys: ...

    @property
    def services(self) -> Mapping[str, Service]: ...

    @property
    def asleep(self) -> bool:
        """Whether ``awake`` must be called before a request; read for every request."""
        ...

    async def awake(self) -> None:
        """Wake the project; returns when its database answers. Raises ``HttpError`` 503."""
        ...

    async def ready(self) -> bool:
        """Whether its database answers, or would after waking."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What the gateway is told; ``config.own`` declares the settings it is told from.

    ``require_api_key``: refuse requests without a key, as the hosted platform does. ``max_body``:
    bytes of a body, Storage excepted; ``max_target``: bytes of path and query; 0 for no limit.
    ``trusted_proxies``: networks whose ``X-Forwarded`` headers are believed. ``metrics``: show
    ``/metrics`` to clients on this machine.
    """

    require_api_key: bool = False
    max_body: int = 50 << 20
    max_target: int = 64 << 10
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    metrics: bool = True
