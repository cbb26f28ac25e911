"""The table that is printed: medians over rounds, relative to the database's limit."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from statistics import median

from bench.load import Sample
from bench.scenarios import Scenario
from bench.servers import Contestant

Samples = Mapping[tuple[str, str], Sequence[Sample]]
"""By scenario and contestant, a sample a round."""

LIMIT = "pgbench, one pipeline"
TRIPS = "pgbench, four round trips"

_HEAD = (
    f"{'':28}{'per s':>9}{'of limit':>10}{'p50 ms':>9}{'p99 ms':>9}"
    f"{'CPU µs':>9}{'PG µs':>8}{'failed':>8}"
)


def heading(workers: int, given: argparse.Namespace, peers: Sequence[Contestant]) -> str:
    """What was measured, in words."""
    tokens = "; ".join(f"{one.name}: {one.tokens}" for one in peers)
    return (
        f"\n== {workers} worker{'s' if workers > 1 else ''}, {given.connections} connections of"
        f" wrk, {given.rounds} × {given.seconds:g} s, medians ==\n"
        "CPU µs: of the server's processes, per request; PG µs: of PostgreSQL's.\n"
        f"HS256 tokens: {tokens}."
    )


def table(
    scenarios: Sequence[Scenario],
    samples: Samples,
    memory: Mapping[str, float],
) -> str:
    """One block a scenario, then the memory of each server after it all."""
    lines = []
    for scenario in scenarios:
        lines += ["", f"{scenario.name}: {scenario.method} {scenario.rest}", _HEAD]
        limits = [one.rate for one in samples[scenario.name, LIMIT]]
        for (name, contestant), found in samples.items():
            if name == scenario.name:
                lines.append(_line(contestant, found, limits))
    lines += ["", "Memory after the run, MB PSS, all processes:"]
    lines += [f"  {name:26}{size:>9.0f}" for name, size in memory.items()]
    return "\n".join(lines)


def _line(contestant: str, found: Sequence[Sample], limits: Sequence[float]) -> str:
    # The ratio is taken round by round, so that a slow minute slows both sides of it.
    ratio = median(one.rate / top for one, top in zip(found, limits, strict=True))
    return (
        f"  {contestant:26}{median(one.rate for one in found):>9.0f}{ratio:>10.2f}"
        f"{median(one.p50 for one in found) / 1000:>9.2f}"
        f"{median(one.p99 for one in found) / 1000:>9.2f}"
        f"{median(one.server_cpu for one in found):>9.0f}"
        f"{median(one.postgres_cpu for one in found):>8.0f}"
        f"{sum(one.failures for one in found):>8}"
    )
