"""``python -m bench``: backstay, its peers and the database's limit, side by side in one run.

Rounds are interleaved: in every round each contestant answers each scenario once, so that what
else the machine does falls on all alike. Printed are medians over the rounds. Nothing here passes
or fails: figures only.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import limit, load, report
from bench.processes import pss_megabytes
from bench.scenarios import SCENARIOS, Scenario
from bench.servers import Contestant, build_go, contestants, install_fastify, running
from bench.stage import Stage, staged, token

POOL = 10


def main() -> None:
    asyncio.run(bench(arguments()))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of one second")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--connections", type=int, default=32, help="of the load generator")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--only", nargs="*", default=[], help="scenarios")
    parser.add_argument("--peers", nargs="*", default=[], help="contestants, by part of their name")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.seconds = 1, 1
    return given


async def bench(given: argparse.Namespace) -> None:
    load.generator()
    wanted = [one for one in SCENARIOS if not given.only or one.name in given.only]
    with tempfile.TemporaryDirectory(prefix="backstay-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # noqa: ASYNC240
        peers = contestants(build_go(folder), fastify=install_fastify())
        if given.peers:
            peers = [one for one in peers if any(part in one.name for part in given.peers)]
        async with staged() as stage:
            bearer = token()
            scripts = await limit.record(stage, wanted, bearer, folder)
            for workers in given.workers:
                print(report.heading(workers, given, peers), flush=True)
                samples, memory = _rounds(given, stage, wanted, scripts, peers, workers, folder)
                print(report.table(wanted, samples, memory), flush=True)


def _rounds(
    given: argparse.Namespace,
    stage: Stage,
    wanted: Sequence[Scenario],
    scripts: Mapping[str, limit.Script],
    peers: Sequence[Contestant],
    workers: int,
    folder: Path,
) -> tuple[report.Samples, dict[str, float]]:
    bearer = token()
    samples: dict[tuple[str, str], list[load.Sample]] = defaultdict(list)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                running(one, workers, stage.environment, folder / f"{index}-{workers}.log")
            )
            for index, one in enumerate(peers)
        ]
        for server in servers:  # warm: connections, plans, compiled code
            for scenario in wanted:
                load.fire(server, scenario, bearer, stage.pid, seconds=1, connections=16)
        for _ in range(given.rounds):
            for scenario in wanted:
                script = scripts[scenario.name]
                for name, path in (
                    (report.LIMIT, script.pipeline),
                    (report.TRIPS, script.round_trips),
                ):
                    samples[scenario.name, name].append(
                        limit.run(stage, path, script.variables, given.seconds, POOL)
                    )
                for server in servers:
                    samples[scenario.name, server.contestant.name].append(
                        load.fire(
                            server,
                            scenario,
                            bearer,
                            stage.pid,
                            seconds=given.seconds,
                            connections=given.connections,
                        )
                    )
        memory = {server.contestant.name: pss_megabytes(server.pid) for server in servers}
    return samples, memory


if __name__ == "__main__":
    main()
