"""The record of a running server, and the ports a project keeps."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backstay.config.instance import (
    FILE_NAME,
    Instance,
    process_born,
    read_instance,
    remove_instance,
    write_instance,
)
from backstay.config.ports import choose_port, is_free
from backstay.errors import OperatorError


def instance(pid: int) -> Instance:
    return Instance(
        pid=pid,
        born=process_born(pid),
        started_at="2026-01-01T00:00:00+00:00",
        version="1",
        project_id="shop",
        root="/shop",
        host="127.0.0.1",
        port=54321,
        urls=("http://127.0.0.1:54321",),
        status={"ANON_KEY": "k"},
    )


def test_round_trip_for_its_owner_only(tmp_path: Path) -> None:
    record = instance(os.getpid())
    write_instance(tmp_path, record)
    assert read_instance(tmp_path) == record
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_dead_process_is_no_instance(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        write_instance(tmp_path, instance(child.pid))
        assert read_instance(tmp_path) is not None
        child.kill()
        child.wait()
    assert read_instance(tmp_path) is None


def test_another_process_with_the_same_number_is_no_instance(tmp_path: Path) -> None:
    write_instance(tmp_path, replace(instance(os.getpid()), born="another"))
    assert read_instance(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}'])
def test_a_broken_record_is_no_instance(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    assert read_instance(tmp_path) is None


def test_only_its_own_record_is_removed(tmp_path: Path) -> None:
    write_instance(tmp_path, instance(os.getpid()))
    remove_instance(tmp_path, os.getpid() + 1)
    assert read_instance(tmp_path) is not None
    remove_instance(tmp_path, os.getpid())
    assert read_instance(tmp_path) is None


def test_a_taken_port_moves_on_and_is_remembered(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        wanted: int = other.getsockname()[1]
        assert not is_free("127.0.0.1", wanted)
        moved = choose_port(tmp_path, "api", wanted)
        assert moved > wanted
    assert choose_port(tmp_path, "api", wanted) == moved
    assert choose_port(tmp_path, "db", wanted) == wanted


def test_ports_given_away_are_not_given_again(tmp_path: Path) -> None:
    first = choose_port(tmp_path, "a", 45000)
    assert choose_port(tmp_path, "b", 45000, taken={first}) != first


def test_no_free_port_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        choose_port(tmp_path, "a", 65535, taken={65535})
    assert "--port" in caught.value.next
