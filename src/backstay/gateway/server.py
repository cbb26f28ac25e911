"""The HTTP server: Granian inside our own process and event loop, on sockets we bound ourselves.

The only module that knows Granian. Binding the socket here tells a taken port before anything is
started, lets one process listen on several ports, and lets worker processes share one socket
(``--workers``: the parent binds, the children inherit the descriptor).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from backstay.errors import OperatorError

BACKLOG = 1024
REQUEST_BUFFER = 1 << 18
"""Bytes a request line and its headers may take; the gateway's own, lower limits answer 414/431."""

FAREWELL = 0.02
"""Seconds Granian's last thread has to leave Python after it has said that it stopped. When the
interpreter ends before, the thread panics and takes the process's exit status with it."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on ``host``:``port`` (0: any free one). Raises ``OperatorError``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OperatorError(
            f"Cannot listen on {host}:{port}.",
            why=error.strerror or str(error),
            next="Choose another port with --port, or stop what uses it.",
        ) from error
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


class _InheritedSocketServer(Server):
    """Granian's embedded server on a socket that is already listening."""

    def __init__(self, application: Any, listener: socket.socket) -> None:
        super().__init__(
            application,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,  # over HTTP/2 a body that breaks off cannot be told from a whole
            http1_settings=HTTP1Settings(max_buffer_size=REQUEST_BUFFER),
            backlog=BACKLOG,
            backpressure=4096,
            log_enabled=False,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        # Granian closes the descriptor it is given, and its stub does not show these arguments.
        holder: Any = SocketHolder
        descriptor: Any = os.dup(self._listener.fileno())
        is_unix = self._listener.family == socket.AF_UNIX
        self._shd = holder(descriptor, is_unix, BACKLOG)
        self._sfd = descriptor
        self._ssp = None


class HttpServer:
    """One application on one listening socket.

    ``application`` is an RSGI application: an object with ``__rsgi__(scope, protocol)``.
    """

    def __init__(self, application: Any, listener: socket.socket) -> None:
        self._server = _InheritedSocketServer(application, listener)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, or the path of a unix socket and 0."""
        if self._listener.family == socket.AF_UNIX:
            return str(self._listener.getsockname()), 0
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Begin to accept on the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._server.serve())

    async def stop(self) -> None:
        """Stop accepting and wait for requests in flight."""
        if self._task is None:
            return
        stop: Any = self._server.stop
        stop()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await asyncio.sleep(FAREWELL)
        self._listener.close()
