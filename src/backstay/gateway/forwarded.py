"""Who is calling, and under which address, when proxies stand in between.

``X-Forwarded-*`` is believed only from the networks named as trusted; from anyone else it is
replaced by what the socket says, so that a service can read the headers without asking who wrote
them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final

from backstay.errors import OperatorError
from backstay.web import Request

_FOR: Final = "x-forwarded-for"
_HOST: Final = "x-forwarded-host"
_PROTO: Final = "x-forwarded-proto"
_PORT: Final = "x-forwarded-port"
_REAL_IP: Final = "x-real-ip"
_SCHEMES: Final = frozenset({"http", "https", "ws", "wss"})


class Forwarded:
    """Settles client, scheme and host of requests. ``trusted`` are networks (``10.0.0.0/8``)."""

    def __init__(self, trusted: Sequence[str]) -> None:
        try:
            self._trusted = tuple(ipaddress.ip_network(text, strict=False) for text in trusted)
        except ValueError as error:
            raise OperatorError(
                "A trusted proxy is not a network.",
                why=str(error),
                next='Write it as an address or a network, such as "10.0.0.0/8".',
            ) from error

    def settle(self, request: Request, port: int) -> dict[str, str]:
        """Set ``client``, ``scheme`` and ``host`` of ``request``, and return the headers that say
        the same to its service. ``port`` is the one it came in on."""
        headers = request.headers
        peer = request.client
        chain = ""
        public_port = str(port)
        if (_FOR in headers or _PROTO in headers or _HOST in headers) and self._trusts(peer):
            chain = headers.get(_FOR, "")
            request.client = self._caller(chain, peer)
            scheme = _first(headers, _PROTO).lower()
            request.scheme = scheme if scheme in _SCHEMES else request.scheme
            request.host = _first(headers, _HOST) or request.host
            public_port = _public_port(headers, request, port)
        return {
            _FOR: f"{chain}, {peer}" if chain else peer,
            _HOST: request.host,
            _PROTO: request.scheme,
            _PORT: public_port,
            _REAL_IP: request.client,
        }

    def _caller(self, chain: str, peer: str) -> str:
        """The nearest address that no trusted proxy has; the farthest when all are trusted."""
        hops = [hop.strip() for hop in chain.split(",") if _is_address(hop.strip())]
        for hop in reversed(hops):
            if not self._trusts(hop):
                return hop
        return hops[0] if hops else peer

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def _public_port(headers: Mapping[str, str], request: Request, port: int) -> str:
    """The port the client used: the proxy's word, else the host's, else the scheme's usual one."""
    said = _first(headers, _PORT)
    if said.isdecimal():
        return said
    if _HOST not in headers and _PROTO not in headers:
        return str(port)
    own = request.host.rpartition(":")[2]
    if own.isdecimal():
        return own
    return "443" if request.scheme in ("https", "wss") else "80"


def _first(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "").partition(",")[0].strip()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
