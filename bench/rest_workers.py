"""``python -m bench.rest_workers N``: N processes of ``backstay rest`` on one socket."""

from __future__ import annotations

import os
import signal
import sys

import uvloop

from backstay.gateway.server import bind
from backstay.rest import standalone


def main() -> None:
    workers = int(sys.argv[1])
    environment = dict(os.environ)
    host, port = environment["PGRST_SERVER_HOST"], int(environment["PGRST_SERVER_PORT"])
    listener = bind(host, port)
    children: list[int] = []
    for _ in range(workers - 1):
        child = os.fork()
        if not child:
            children.clear()
            break
        children.append(child)
    try:
        uvloop.run(standalone.serve(standalone.Launch(environment, listener=listener, admin=False)))
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main()
