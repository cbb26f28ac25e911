"""``python -m bench.db_layer``: the database layer alone, without HTTP, beside pgbench.

The point read of the benchmark through ``Pool.run``, against pgbench with the same SQL in one
pipeline and as many connections; interleaved rounds, medians.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import tempfile
from pathlib import Path
from statistics import median

import uvloop

from backstay.clock import monotonic
from backstay.db.model import Query, Session
from backstay.db.pool import Pool
from bench import limit
from bench.load import Sample
from bench.scenarios import GREATEST_ID, OWNER
from bench.stage import Stage, staged

CONNECTIONS = 10
_SESSION = Session(
    "authenticated",
    '"public"',
    (
        ("request.jwt.claims", f'{{"sub":"{OWNER}","role":"authenticated","email":"a@b.example"}}'),
        ("request.method", "GET"),
        ("request.path", "/orders"),
        ("request.headers", '{"accept":"*/*","host":"127.0.0.1:3000","user-agent":"bench"}'),
    ),
    read_only=True,
)
_POINT = (
    "select json_agg(o)::text, count(*) from (select id, customer_id, status, total, note,"
    " created_at from orders where id = $1) o"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.db_layer", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    given = parser.parse_args()
    uvloop.run(compare(given.rounds, given.seconds))


async def compare(rounds: int, seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="backstay-bench-") as name:
        async with staged() as stage:
            script = limit.script("db-layer", _SESSION, (Query(_POINT, ("4242",)),), Path(name))
            print(f"{'':12}{'per s':>9}{'of limit':>10}{'CPU µs':>9}")
            ratios, mine, limits = [], [], []
            for _ in range(rounds):
                top = await asyncio.to_thread(
                    limit.run, stage, script.pipeline, script.variables, seconds, CONNECTIONS
                )
                own = await _drive(stage, seconds)
                limits.append(top.rate)
                mine.append(own)
                ratios.append(own.rate / top.rate)
            print(f"  {'pgbench':10}{median(limits):>9.0f}{1:>10.2f}")
            print(
                f"  {'Pool.run':10}{median(one.rate for one in mine):>9.0f}"
                f"{median(ratios):>10.2f}{median(one.server_cpu for one in mine):>9.1f}"
            )


async def _drive(stage: Stage, seconds: int) -> Sample:
    pool = Pool(stage.dsn, size=CONNECTIONS)
    await pool.open()
    done = 0
    until = monotonic() + seconds

    async def client() -> None:
        nonlocal done
        while monotonic() < until:
            number = random.randint(1, GREATEST_ID)
            await pool.run(_SESSION, Query(_POINT, (str(number),)))
            done += 1

    before, began = resource.getrusage(resource.RUSAGE_SELF), monotonic()
    await asyncio.gather(*[client() for _ in range(CONNECTIONS)])
    after, took = resource.getrusage(resource.RUSAGE_SELF), monotonic() - began
    await pool.close()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample(done / took, server_cpu=cpu / done * 1e6)


if __name__ == "__main__":
    main()
