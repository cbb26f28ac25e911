"""What the gateway needs to know of a project, and its own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backstay.config.declare import setting
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
    """``[backstay.gateway]``."""

    require_api_key: bool = setting(
        False, "Refuse requests without an API key, as the hosted platform does."
    )
    max_body: int = setting(
        50 << 20, "Bytes a request body may have, except for uploads to Storage; 0 for no limit."
    )
    max_target: int = setting(
        64 << 10, "Bytes the path and query of a request may have; 0 for no limit."
    )
    trusted_proxies: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"), "Networks whose X-Forwarded headers are believed."
    )
    metrics: bool = setting(True, "Serve /metrics to clients on this machine.")
