"""Load by wrk (apt-get install wrk), one thread, keep-alive connections, a closed loop."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.processes import cpu_seconds
from bench.scenarios import GREATEST_ID, Scenario
from bench.servers import Running

_SCRIPT = Path(__file__).parent / "load.lua"


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. Rates per second, times in microseconds (latencies) and per request (CPU)."""

    rate: float
    p50: float = 0.0
    p99: float = 0.0
    server_cpu: float = 0.0
    postgres_cpu: float = 0.0
    failures: int = 0


def generator() -> str:
    """The path of wrk. Raises ``RuntimeError`` that says how to get it."""
    found = shutil.which("wrk")
    if found is None:
        raise RuntimeError("the benchmark needs wrk: apt-get install wrk")
    return found


def fire(
    server: Running,
    scenario: Scenario,
    bearer: str,
    postgres: int,
    *,
    seconds: int,
    connections: int,
) -> Sample:
    """Ask ``scenario`` of ``server`` for a while; ``postgres`` is the postmaster's pid."""
    rest = server.contestant.dialect == "rest"
    arguments = [
        scenario.method,
        scenario.rest if rest else scenario.plain,
        scenario.body if rest else scenario.plain_body,
        str(GREATEST_ID),
        bearer,
        scenario.prefer if rest else "",
    ]
    command = [
        *(generator(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"),
        *("-s", str(_SCRIPT), server.url, "--", *arguments),
    ]
    before = cpu_seconds(server.pid), cpu_seconds(postgres)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk failed: {done.stderr or done.stdout}")
    after = cpu_seconds(server.pid), cpu_seconds(postgres)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    requests, duration, p50, p99, failures, _ = map(float, line.split()[1:])
    if not requests:
        return Sample(0.0, failures=int(failures))
    return Sample(
        rate=requests / duration * 1e6,
        p50=p50,
        p99=p99,
        server_cpu=(after[0] - before[0]) / requests * 1e6,
        postgres_cpu=(after[1] - before[1]) / requests * 1e6,
        failures=int(failures),
    )
