"""TCP ports of this machine that are free at this moment."""

from __future__ import annotations

import socket
from collections.abc import Iterator

TRIED = 200
"""How far from the wanted port to look."""


def free_ports(first: int) -> Iterator[int]:
    """Free ports on the loopback address, from ``first`` upwards."""
    for port in range(first, min(first + TRIED, 65536)):
        if is_free(port):
            yield port


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port``; the answer may be old when it is used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
