"""Whatever is killed, the next start repairs, adopts, or says what to do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backstay.cluster import control
from backstay.cluster.identity import server_user
from backstay.cluster.postmaster import find
from backstay.cluster.state import read_state
from backstay.cluster.supervise import supervise
from tests.io.cluster.conftest import Make, needs_root
from tests.io.cluster.test_cluster import ask
from tests.support.running import free_port

REPOSITORY = Path(__file__).resolve().parents[3]


class Owner:
    """A backstay in a process of its own, up and answering."""

    def __init__(self, folder: Path, machine: Path, port: int, *user: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.owner", folder, machine, str(port), *user],
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()
        assert self.said.startswith("running "), self.said
        self.server = int(self.said.split()[1])

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> int:
        status = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def owned(folder: Path, machine: Path, port: int) -> Iterator[Owner]:
    owner = Owner(folder, machine, port)
    yield owner
    if owner.process.poll() is None:
        owner.kill()


async def test_a_server_that_outlived_its_backstay_is_adopted(
    folder: Path, make: Make, owned: Owner, port: int
) -> None:
    owned.kill()
    assert control.look(folder).serving
    assert not control.look(folder).owned
    cluster = make(folder, port=port)
    await cluster.start()
    assert cluster.status().pid == owned.server
    await cluster.stop()
    assert find(folder / ".backstay" / "data") is None


async def test_a_server_with_other_settings_is_started_anew(
    folder: Path, make: Make, owned: Owner, port: int
) -> None:
    owned.kill()
    cluster = make(folder, port=port, parameters=(("work_mem", "5MB"),))
    await cluster.start()
    assert cluster.status().pid != owned.server
    assert ask(cluster.dsn(), "show work_mem") == "5MB"


def test_a_project_is_stopped_from_outside(folder: Path, owned: Owner) -> None:
    assert control.stop_project(folder)
    assert owned.end() == 0
    assert find(folder / ".backstay" / "data") is None
    assert not control.stop_project(folder)


def test_a_server_without_an_owner_is_stopped_from_outside(folder: Path, owned: Owner) -> None:
    owned.kill()
    assert control.stop_project(folder)
    assert find(folder / ".backstay" / "data") is None


@needs_root
def test_an_unprivileged_user_needs_nobody_elses_help(folder: Path, port: int) -> None:
    user = server_user()
    machine, project = folder / "machine", folder / "project"
    for path in (machine, project):
        path.mkdir()
        user.own(path)
    owner = Owner(project, machine, port, user.name)
    assert owner.said.endswith(" authenticator")
    assert (project / ".backstay" / "data").stat().st_uid == user.uid
    assert control.stop_project(project)
    assert owner.end() == 0


async def test_both_killed(folder: Path, make: Make, owned: Owner, port: int) -> None:
    owned.kill()
    os.kill(owned.server, signal.SIGKILL)
    cluster = make(folder, port=port)
    await cluster.start()
    assert ask(cluster.dsn(), "select 1") == 1


async def test_the_recorded_process_id_is_somebody_elses(folder: Path, make: Make) -> None:
    cluster = make(folder)
    await cluster.start()
    data = cluster.status().data
    recorded = (data / "postmaster.pid").read_text().splitlines()
    await cluster.stop()
    # The pytest process lives, and is no server: PostgreSQL alone would refuse to start.
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *recorded[1:]]))
    lock = cluster.status().sockets / f".s.PGSQL.{cluster.status().port}.lock"
    lock.write_text(f"{os.getpid()}\n")
    await cluster.start()
    assert ask(cluster.dsn(), "select 1") == 1


async def test_a_half_made_data_directory_is_made_again(folder: Path, make: Make) -> None:
    home = folder / ".backstay"
    (home / "data").mkdir(parents=True)
    (home / "data" / "PG_VERSION").write_text("18\n")
    (home / "data.new").mkdir()
    said: list[str] = []
    await make(folder).start(said.append)
    assert any("interrupted" in line for line in said)
    assert not (home / "data.new").exists()


async def test_an_interrupted_swap_is_completed(folder: Path, make: Make) -> None:
    cluster = make(folder)
    await cluster.start()
    ask(cluster.dsn(), "create table public.kept as select 1 as a")
    await cluster.stop()
    home = folder / ".backstay"
    (home / "data").rename(home / "data.next")
    (home / "data.old").mkdir()
    await cluster.start()
    assert ask(cluster.dsn(), "select a from public.kept") == 1
    assert not (home / "data.old").exists()


async def test_a_broken_state_file_is_no_obstacle(folder: Path, make: Make) -> None:
    cluster = make(folder)
    await cluster.start()
    await cluster.stop()
    (folder / ".backstay" / "state.json").write_text('{"ports": [')
    await cluster.start()
    assert read_state(folder / ".backstay" / "state.json").ports["db"] == cluster.status().port


async def test_a_killed_server_comes_back_with_every_acknowledged_row(
    folder: Path, make: Make
) -> None:
    cluster = make(folder, durable=True)
    await cluster.start()
    ask(cluster.dsn(), "create table public.bills (number int primary key)")
    told: list[str] = []
    keeping = asyncio.create_task(supervise(cluster, told.append))
    acknowledged = 0
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        while acknowledged < 50:
            connection.execute("insert into public.bills values (%s)", [acknowledged])
            acknowledged += 1
        killed = cluster.server
        assert killed is not None
        await asyncio.sleep(0)
        os.kill(killed.pid, signal.SIGKILL)

    async with asyncio.timeout(20):
        while (await cluster.running()) is killed:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert ask(cluster.dsn(), "select count(*) from public.bills") == acknowledged
    assert "ended unexpectedly" in told[0]
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_a_wanted_stop_is_not_undone(folder: Path, make: Make) -> None:
    cluster = make(folder)
    await cluster.start()
    told: list[str] = []
    keeping = asyncio.create_task(supervise(cluster, told.append))
    await cluster.sleep()
    await asyncio.sleep(0.1)
    assert cluster.status().phase == "asleep"
    await cluster.wake()
    await cluster.stop()
    assert told == []
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
