"""Which project a request is for, by port or by host name.

1. A lone project answers on every host and port.
2. A port of its own belongs to its project, whatever the host.
3. ``NAME.localhost`` and the configured domains belong to their project.
4. The first project answers on ``localhost``, on addresses and on bare names (``backstay``,
   ``host.docker.internal``); any other name is nobody's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Final

from backstay.gateway.errors import NoProject
from backstay.gateway.model import Project
from backstay.tokens.api_keys import is_loopback

_MACHINE: Final = frozenset({"", "localhost", "host.docker.internal"})


class ProjectTable:
    """The projects of one server; the first is the default."""

    def __init__(self, projects: Sequence[Project]) -> None:
        if not projects:
            raise ValueError("a gateway serves at least one project")
        self._projects = tuple(projects)
        self._lone = projects[0] if len(projects) == 1 else None
        self._by_port = {p.port: p for p in projects if p.port is not None}
        self._by_host = {
            host.lower(): project
            for project in projects
            for host in (f"{project.name}.localhost", *project.hosts)
        }

    def __iter__(self) -> Iterator[Project]:
        return iter(self._projects)

    def __len__(self) -> int:
        return len(self._projects)

    def find(self, host: str, port: int) -> Project:
        """The project of a ``Host`` header, with or without port, that came in on ``port``.

        Raises ``NoProject``.
        """
        found = self._lone or self._by_port.get(port)
        if found is not None:
            return found
        name = host_name(host)
        found = self._by_host.get(name)
        if found is not None:
            return found
        if _is_this_machine(name):
            return self._projects[0]
        raise NoProject(name)


def host_name(host: str) -> str:
    """``host`` in lower case, without port, brackets or final dot."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def is_own_name(host: str) -> bool:
    """Whether ``host`` can only mean this machine: no name that somebody else gives an address."""
    name = host_name(host)
    return not name or name.endswith(".localhost") or is_loopback(name)


def is_own_origin(origin: str | None) -> bool:
    """Whether a request came from no web page (None), or from one that this machine serves."""
    if origin is None:
        return True
    _, separator, host = origin.partition("://")
    return bool(separator and host) and is_own_name(host)


def _is_this_machine(name: str) -> bool:
    if name in _MACHINE or "." not in name:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
