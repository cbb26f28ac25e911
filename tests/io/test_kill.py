"""kill -9 in the middle of a stream of payments: every acknowledged bill is there, none twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.running import REPOSITORY, Running, copy_project, start


class Till(threading.Thread):
    """Records payments one after the other and remembers which were acknowledged."""

    def __init__(self, url: str, token: str, number: int) -> None:
        super().__init__(daemon=True)
        self.url, self.token, self.number = url, token, number
        self.acknowledged: list[str] = []
        self.unanswered = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {self.token}"}, timeout=10) as client:
            sequence = 0
            while not self.stopped.is_set():
                sequence += 1
                bill = f"K{self.number}-{time.monotonic_ns()}-{sequence}"
                try:
                    reply = client.post(
                        f"{self.url}/rest/v1/payments",
                        json={
                            "machine_id": "mach_001",
                            "bill_number": bill,
                            "amount": 10,
                            "method": "Cash",
                        },
                    )
                except httpx.TransportError:
                    self.unanswered += 1
                    time.sleep(0.02)
                    continue
                if reply.status_code == 201:
                    self.acknowledged.append(bill)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    folder = copy_project(REPOSITORY / "apps" / "billkaro", tmp_path)
    server = start([folder], log=tmp_path / "server.log")
    yield server
    server.stop()


def tills(running: Running) -> list[Till]:
    token = httpx.post(
        f"{running.url}/auth/v1/token?grant_type=password",
        json={"username": "operator", "password": "operator123"},
    ).json()["access_token"]
    made = [Till(running.url, token, number) for number in range(4)]
    for till in made:
        till.start()
    return made


def settle(threads: list[Till]) -> list[str]:
    for till in threads:
        till.stopped.set()
    for till in threads:
        till.join(15)
    return [bill for till in threads for bill in till.acknowledged]


def check(running: Running, acknowledged: list[str]) -> None:
    with psycopg.connect(running.status()["DB_URL"]) as connection:
        found = [
            row[0]
            for row in connection.execute(
                "select bill_number from payments where bill_number like 'K%'"
            ).fetchall()
        ]
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    assert len(acknowledged) > 20


def test_kill_backstay(running: Running, tmp_path: Path) -> None:
    threads = tills(running)
    time.sleep(1.5)
    running.kill()
    began = time.perf_counter()
    again = start([running.folder], log=tmp_path / "again.log", port=running.port)
    took = time.perf_counter() - began
    try:
        acknowledged = settle(threads)
        print(f"\nkill -9 backstay: {len(acknowledged)} acknowledged, restarted in {took:.2f} s")
        check(again, acknowledged)
    finally:
        again.stop()
    assert took < 5


def test_kill_postgresql(running: Running) -> None:
    threads = tills(running)
    time.sleep(1.5)
    before = sum(len(till.acknowledged) for till in threads)
    os.kill(postmaster(running), signal.SIGKILL)
    began = time.perf_counter()
    deadline = began + 15
    while time.perf_counter() < deadline:
        reply = httpx.get(f"{running.url}/rest/v1/machines", timeout=10)
        if reply.status_code == 200:
            break
        assert reply.status_code == 503, reply.text
        time.sleep(0.02)
    took = time.perf_counter() - began
    time.sleep(1)
    acknowledged = settle(threads)
    print(f"\nkill -9 postgres: {len(acknowledged)} acknowledged, healed in {took:.2f} s")
    check(running, acknowledged)
    assert len(acknowledged) > before, "no till went on after the crash"
    assert took < 5


def postmaster(running: Running) -> int:
    """The pid of the project's PostgreSQL, asked of the server's own data directory."""
    with psycopg.connect(running.status()["DB_URL"]) as connection:
        row = connection.execute("select pg_backend_pid()").fetchone()
        assert row is not None
        stat = Path(f"/proc/{row[0]}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[1])
