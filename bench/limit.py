"""The database's own limit: pgbench with exactly the SQL that backstay sends.

The service is asked once, in process, with a pool that writes down what it is given. What it wrote
becomes two pgbench scripts: one pipeline with an implicit transaction, and four round trips.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backstay.catalog.cache import SchemaCache
from backstay.clock import SystemClock
from backstay.config.postgrest import read_settings
from backstay.db.model import Isolation, Query, Result, Session
from backstay.db.pool import Pool
from backstay.db.prelude import prelude
from backstay.observe.bus import Bus
from backstay.rest.service import RestService
from backstay.tokens.verify import JwtVerifier
from backstay.web import Request, bytes_body
from bench.load import Sample
from bench.processes import cpu_seconds
from bench.scenarios import GREATEST_ID, SECRET, Scenario
from bench.stage import Stage

_EXAMPLE_ID = "4242"


@dataclass
class _Recorder:
    """A pool that writes down what it runs."""

    pool: Pool
    seen: list[tuple[Session, Sequence[Query]]] = field(default_factory=list)

    async def run(self, session: Session, query: Query) -> Result:
        self.seen.append((session, (query,)))
        return await self.pool.run(session, query)

    async def run_all(
        self,
        session: Session,
        queries: Sequence[Query],
        *,
        isolation: Isolation = "",
        rollback: bool = False,
    ) -> list[Result]:
        self.seen.append((session, queries))
        return await self.pool.run_all(session, queries, isolation=isolation, rollback=rollback)


@dataclass(frozen=True, slots=True)
class Script:
    """One scenario's SQL as two pgbench scripts, and the variables they share."""

    pipeline: Path
    round_trips: Path
    variables: tuple[tuple[str, str], ...]


async def record(
    stage: Stage, scenarios: Sequence[Scenario], bearer: str, folder: Path
) -> dict[str, Script]:
    """The scripts of every scenario, by its name."""
    environment = {
        "PGRST_DB_URI": stage.dsn,
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_JWT_SECRET": SECRET,
        "PGRST_JWT_AUD": "authenticated",
    }
    clock, pool = SystemClock(), Pool(stage.dsn)
    await pool.open()
    cache = SchemaCache(
        pool,
        lambda database: read_settings(environment, None, database),
        lambda settings: JwtVerifier.from_rest_settings(settings, clock),
        Bus(),
    )
    await cache.start()
    recorder = _Recorder(pool)
    service = RestService(recorder, cache, clock=clock)
    try:
        scripts = {}
        for scenario in scenarios:
            response = await service(_request(scenario, bearer))
            if response.status >= 300:
                raise RuntimeError(f"{scenario.name}: {response.status} {response.body!r}")
            scripts[scenario.name] = script(scenario.name, *recorder.seen[-1], folder)
        return scripts
    finally:
        await cache.stop()
        await pool.close()


def _request(scenario: Scenario, bearer: str) -> Request:
    path, _, query = scenario.rest.partition("?")
    headers = {"host": "127.0.0.1:3000", "authorization": f"Bearer {bearer}"}
    if scenario.prefer:
        headers["prefer"] = scenario.prefer
    if scenario.body:
        headers["content-type"] = "application/json"
    query = query.replace("{id}", _EXAMPLE_ID)
    body = bytes_body(scenario.body.encode())
    return Request(scenario.method, path, query, headers, body)


def script(name: str, session: Session, queries: Sequence[Query], folder: Path) -> Script:
    """One exchange as pgbench scripts in ``folder``."""
    variables: list[tuple[str, str]] = []
    settings, values = prelude(session)
    statements = [_with_variables(settings, values, variables)]
    statements += [
        _with_variables(query.sql, [_text(value) for value in query.params], variables)
        for query in queries
    ]
    head = f"\\set id random(1, {GREATEST_ID})\n"
    pipeline = folder / f"{name}-pipeline.sql"
    pipeline.write_text(head + "\n".join(["\\startpipeline", *statements, "\\endpipeline"]) + "\n")
    trips = folder / f"{name}-trips.sql"
    trips.write_text(head + "\n".join(["begin;", *statements, "commit;"]) + "\n")
    return Script(pipeline, trips, tuple(variables))


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""


def _with_variables(sql: str, values: Sequence[str], variables: list[tuple[str, str]]) -> str:
    """``sql`` in one line with pgbench's variables for its parameters."""
    names = []
    for value in values:
        if value == _EXAMPLE_ID:
            names.append(":id")
            continue
        variables.append((f"v{len(variables)}", value))
        names.append(f":{variables[-1][0]}")
    replaced = re.sub(r"\$(\d+)", lambda found: names[int(found[1]) - 1], sql)
    return " ".join(replaced.split()) + ";"


def run(
    stage: Stage, script: Path, variables: Sequence[tuple[str, str]], seconds: float, clients: int
) -> Sample:
    """pgbench, prepared, over the unix socket."""
    given = [f"-D{name}={value}" for name, value in variables]
    command = [
        *(str(stage.programs / "pgbench"), "-n", "-M", "prepared", "-f", str(script)),
        *(f"-c{clients}", "-j1", f"-T{max(1, round(seconds))}"),
        *(f"-h{stage.host}", f"-p{stage.port}", f"-U{stage.user}", *given, stage.database),
    ]
    before = cpu_seconds(stage.pid)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    spent = cpu_seconds(stage.pid) - before
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    if done.returncode or rate is None:
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:]}")
    count = re.search(r"actually processed: (\d+)", done.stdout)
    latency = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    return Sample(
        rate=float(rate[1]),
        p50=float(latency[1]) * 1000 if latency else 0.0,
        postgres_cpu=spent / max(1, int(count[1]) if count else 1) * 1e6,
    )
