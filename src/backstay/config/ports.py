"""Which port a project listens on: the one it asks for, else the next free one, remembered.

The choice is kept in ``.backstay/ports.json`` so that a project that once had to move keeps its
address as long as that is free.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from backstay.errors import OperatorError

FILE_NAME: Final = "ports.json"
_TRIES: Final = 200


def choose_port(
    state: Path, name: str, wanted: int, *, host: str = "127.0.0.1", taken: Collection[int] = ()
) -> int:
    """The port for ``name`` ("api", "db", "own"): the remembered one, ``wanted``, or one above.

    ``taken`` are ports given away in this run and not yet bound. The choice is remembered only
    when it differs from ``wanted``. Raises ``OperatorError`` when nothing near is free.
    """
    remembered = _read(state)
    candidates: list[int] = [
        remembered.get(name, wanted),
        *range(wanted, min(wanted + _TRIES, 65536)),
    ]
    for port in candidates:
        if port not in taken and is_free(host, port):
            _remember(state, remembered, name, port, wanted)
            return port
    raise OperatorError(
        f"No free port from {wanted} to {wanted + _TRIES - 1} on {host}.",
        next="Choose one: backstay start --port PORT",
    )


def free_ports(first: int, *, host: str = "127.0.0.1") -> Iterator[int]:
    """Ports from ``first`` upwards that are free as they are asked for."""
    return (port for port in range(first, min(first + _TRIES, 65536)) if is_free(host, port))


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens on ``port`` of ``host`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # A port in TIME_WAIT is free for a server, as it will be for ours.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _read(state: Path) -> dict[str, int]:
    try:
        found: Any = json.loads((state / FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: port for name, port in found.items() if isinstance(port, int)}


def _remember(state: Path, known: dict[str, int], name: str, port: int, wanted: int) -> None:
    if known.get(name, wanted) == port:
        return
    state.mkdir(parents=True, exist_ok=True)
    draft = state / f"{FILE_NAME}.{os.getpid()}"
    draft.write_text(json.dumps({**known, name: port}), "utf-8")
    draft.replace(state / FILE_NAME)
