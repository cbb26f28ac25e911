"""A wheel built from the repository and installed into an empty environment serves a project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.running import REPOSITORY, copy_project, free_port


def run(*arguments: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        list(map(str, arguments)), capture_output=True, text=True, cwd=cwd, timeout=240, check=False
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_installed_wheel_serves(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    run(uv, "build", "--wheel", "--out-dir", tmp_path / "dist", REPOSITORY)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    environment = tmp_path / "environment"
    run(uv, "venv", "--python", sys.executable, environment)
    lock = REPOSITORY / "requirements" / "dev.lock"
    run(uv, "pip", "install", "-q", "--python", environment / "bin" / "python",
        "--constraint", lock, wheel)  # fmt: skip

    project = copy_project(REPOSITORY / "apps" / "billkaro", tmp_path)
    backstay = environment / "bin" / "backstay"
    port = free_port()
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}
    with subprocess.Popen(
        [backstay, "start", project, "--port", str(port)],
        cwd=tmp_path,
        env=clean,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            run(backstay, "ready", "--timeout", "60", "--project", project)
            status = json.loads(run(backstay, "status", "-o", "json", "--project", project))
            reply = httpx.get(
                f"http://127.0.0.1:{port}/rest/v1/machines?select=id",
                headers={"apikey": status["SECRET_KEY"]},
            )
            assert [row["id"] for row in reply.json()] == ["mach_001", "mach_002", "mach_003"]
        finally:
            server.terminate()
            server.wait(15)
            run(backstay, "stop", "--project", project)
