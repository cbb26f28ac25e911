"""``python -m bench.growth``: how cost grows with tables, rows, clients and the request line.

One backstay, one dimension at a time, everything else as in the point read. Printed: requests per
second, latency, CPU of the server and of PostgreSQL per request; for pages also per row.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import psycopg

from bench import load
from bench.load import Sample
from bench.scenarios import SCENARIOS, Scenario
from bench.servers import Running, contestants, running
from bench.stage import Stage, staged, token

_POINT = SCENARIOS[0]
_HEAD = f"{'':14}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'PG µs':>9}{'failed':>8}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one second each")
    given = parser.parse_args()
    asyncio.run(grow(1 if given.quick else given.seconds))


async def grow(seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="backstay-growth-") as name:
        log = Path(name) / "log"
        async with staged() as stage:
            _tables(stage, seconds, log)
            backstay = contestants(None, fastify=False)[0]
            with running(backstay, 1, stage.environment, log) as server:
                _pages(server, stage, seconds)
                _clients(server, stage, seconds)
                _lines(server, stage, seconds)


def _tables(stage: Stage, seconds: int, log: Path) -> None:
    """A server for each number of tables, since the catalog is what grows."""
    made = 0
    rows = []
    for count in (10, 100, 1000):
        with psycopg.connect(stage.admin_dsn, autocommit=True) as connection:
            for number in range(made, count):
                connection.execute(_filler(number).encode())
        made = count
        backstay = contestants(None, fastify=False)[0]
        with running(backstay, 1, stage.environment, log) as server:
            rows.append((count, _ask(server, stage, _POINT, seconds)))
    _print("tables", rows)


def _filler(number: int) -> str:
    columns = ", ".join(f"c{column} text" for column in range(8))
    parent = f"references public.filler_{number // 2}" if number else ""
    return (
        f"create table public.filler_{number} (id int primary key, parent int {parent}, {columns})"
    )


def _pages(server: Running, stage: Stage, seconds: int) -> None:
    def page(size: int) -> Scenario:
        columns = "id,customer_id,status,total,note,created_at"
        path = f"/orders?select={columns}&order=id&limit={size}"
        return Scenario(f"page {size}", "GET", path, "")

    sizes = (1, 10, 100, 1000, 10_000)
    rows = [(size, _ask(server, stage, page(size), seconds)) for size in sizes]
    _print("rows a page", rows)
    print(f"{'':14}{'CPU µs per row':>18}{'PG µs per row':>18}")
    for size, found in rows:
        print(f"  {size:<12}{found.server_cpu / size:>18.2f}{found.postgres_cpu / size:>18.2f}")


def _clients(server: Running, stage: Stage, seconds: int) -> None:
    counts = (1, 10, 100, 1000)
    _print(
        "clients",
        [(count, _ask(server, stage, _POINT, seconds, clients=count)) for count in counts],
    )


def _lines(server: Running, stage: Stage, seconds: int) -> None:
    """Long ``in`` lists: nearly all of the request line is the list."""

    def line(size: int) -> Scenario:
        start = "/orders?select=id&id=in.("
        numbers: list[str] = []
        while len(start) + sum(map(len, numbers)) + len(numbers) + 5 < size:
            numbers.append(str(1000 + len(numbers)))
        return Scenario(f"line {size}", "GET", f"{start}{','.join(numbers)})", "")

    sizes = (256, 1024, 4096, 16_000)
    _print("bytes of line", [(size, _ask(server, stage, line(size), seconds)) for size in sizes])


def _ask(
    server: Running, stage: Stage, scenario: Scenario, seconds: int, *, clients: int = 16
) -> Sample:
    ask: Callable[[int], Sample] = lambda duration: load.fire(  # noqa: E731
        server, scenario, token(), stage.pid, seconds=duration, connections=clients
    )
    ask(1)
    return ask(seconds)


def _print(what: str, rows: Iterable[tuple[int, Sample]]) -> None:
    print(f"\n{what}\n{_HEAD}")
    for size, found in rows:
        print(
            f"  {size:<12}{found.rate:>9.0f}{found.p50 / 1000:>9.2f}{found.p99 / 1000:>9.2f}"
            f"{found.server_cpu:>9.0f}{found.postgres_cpu:>9.0f}{found.failures:>8}",
            flush=True,
        )


if __name__ == "__main__":
    main()
