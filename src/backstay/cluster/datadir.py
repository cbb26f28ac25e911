"""Data directories: made by ``initdb`` and the bootstrap once per machine, then copied.

``initdb`` and the bootstrap take a second or two, a copy of their result a tenth. The copies share
PostgreSQL's system identifier; it only serves to keep physical replicas and archives of different
clusters apart, which get their own place per project anyway.

A data directory is prepared under another name and renamed when complete, so one that was
interrupted half way is never taken for whole.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from backstay.cluster import bootstrap
from backstay.cluster.conf import SUPERUSER, Launch, conninfo
from backstay.cluster.identity import ServerUser
from backstay.cluster.locks import exclusive
from backstay.cluster.materialise import STAND_INS, tree_digest
from backstay.cluster.postmaster import environment, spawn
from backstay.cluster.provider import Installation
from backstay.cluster.state import write_atomically
from backstay.errors import OperatorError

Progress = Callable[[str], None]
VAULT_KEY = "backstay_vault.key"
NOT_COPIED = frozenset({"postmaster.pid", "postmaster.opts"})
BASES_KEPT = 4
"""Prepared data directories kept on a machine: versions of backstay or users side by side."""
BASE_PORT = 5432
"""Only names the socket of the temporary server: it does not listen on TCP."""


def bootstrap_digest() -> str:
    """Changes with whatever the bootstrap would do."""
    return f"{bootstrap.fingerprint()[:12]}-{tree_digest(STAND_INS)}"


def create(
    data: Path,
    installation: Installation,
    user: ServerUser,
    machine: Path,
    progress: Progress,
    *,
    durable: bool = True,
) -> None:
    """Make a bootstrapped data directory at ``data``, from the machine's prepared one."""
    base = prepared(installation, user, machine, progress)
    progress("Creating the database")
    _duplicate(base, data, user, durable=durable)


def _duplicate(source: Path, target: Path, user: ServerUser, *, durable: bool) -> None:
    """Copy the stopped data directory ``source``; ``target`` appears when it is whole."""
    draft = target.with_name(f"{target.name}.new")
    discard(draft)
    copy_tree(source, draft, user)
    if durable and hasattr(os, "sync"):
        # A crash of the machine must not find empty files; one call beats 1,250.
        os.sync()
    draft.rename(target)
    sync_directory(target.parent)


def prepared(
    installation: Installation, user: ServerUser, machine: Path, progress: Progress
) -> Path:
    """The machine's bootstrapped data directory for this server; made when missing."""
    stem = f"base-{installation.number}-{installation.build}".replace(os.sep, "_")
    name = f"{stem[:60]}-{user.name}-{bootstrap_digest()}"
    target = machine / "bases" / name
    if target.exists():
        return target
    target.parent.mkdir(exist_ok=True)
    target.parent.chmod(0o755)
    with exclusive(machine / "lock"):
        if not target.exists():
            _prepare(target, installation, user, progress)
    return target


def _prepare(
    target: Path, installation: Installation, user: ServerUser, progress: Progress
) -> None:
    draft = target.parent / "new"
    discard(draft)
    draft.mkdir()
    draft.chmod(0o700)
    user.own(draft)
    data, sockets = draft / "d", draft / "s"
    for directory in (data, sockets):
        directory.mkdir(mode=0o700)
        user.own(directory)
    progress(f"Initialising PostgreSQL {installation.number} (once on this machine)")
    initdb(data, installation, user)
    progress("Preparing roles and schemas (once on this machine)")
    launch = Launch(
        installation,
        data,
        sockets,
        BASE_PORT,
        os_users=os_users(user),
        durable=False,
        tcp=False,
    )
    server = spawn(launch, user, draft / "log")
    try:
        asyncio.run(_bootstrap(superuser_dsn(launch)))
    finally:
        server.stop()
    data.rename(target)
    discard(draft)
    made = sorted(target.parent.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    for former in made[BASES_KEPT:]:
        discard(former)


async def _bootstrap(conninfo: str) -> None:
    await bootstrap.apply(conninfo)
    # The CLI's database URL says postgres:postgres; a project may settle otherwise at its start.
    await bootstrap.settle(
        conninfo, bootstrap.Settlement(passwords=bootstrap.passwords("postgres"))
    )


def initdb(data: Path, installation: Installation, user: ServerUser) -> None:
    """Run ``initdb`` on the empty directory ``data``. Raises ``OperatorError``."""
    command = [
        installation.program("initdb"),
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        f"--lc-ctype={_ctype()}",
        "--auth-local=peer",
        "--auth-host=scram-sha-256",
        "--no-sync",
        "--no-instructions",
    ]
    done = subprocess.run(  # noqa: S603 - the server's own program
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=data,
        env=environment(),
        **user.popen(),
    )
    if done.returncode:
        raise OperatorError(
            "PostgreSQL could not initialise its data directory.",
            why=(done.stderr or done.stdout).strip(),
            next="backstay doctor",
        )


def _ctype() -> str:
    """Where text search takes letters' classes from; the built-in locale decides all else."""
    return "C.UTF-8" if os.name == "posix" and Path("/proc/self").exists() else "C"


def copy_tree(source: Path, target: Path, user: ServerUser) -> None:
    """Copy a stopped data directory, sharing blocks where the file system can."""
    target.mkdir(mode=0o700)
    target.chmod(0o700)
    user.own(target)
    for entry in os.scandir(source):
        to = target / entry.name
        if entry.is_dir(follow_symlinks=False):
            copy_tree(Path(entry.path), to, user)
        elif entry.name not in NOT_COPIED:
            _copy_file(Path(entry.path), to, user)


def _copy_file(source: Path, target: Path, user: ServerUser) -> None:
    # shutil's copies ask for so much about each of 1,250 files that they take five times as long.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with source.open("rb") as read, os.fdopen(os.open(target, flags, 0o600), "wb") as write:
        left = os.fstat(read.fileno()).st_size
        try:
            while left:
                done = os.copy_file_range(read.fileno(), write.fileno(), left)
                left = left - done if done else 0
        except (OSError, AttributeError):
            read.seek(0)
            write.seek(0)
            shutil.copyfileobj(read, write, 1 << 20)
        if user.switch:
            os.fchown(write.fileno(), user.uid, user.gid)


def ensure_vault_key(data: Path, user: ServerUser) -> None:
    """Give the project a key of its own for its vault; it stays out of every database dump."""
    path = data / VAULT_KEY
    if not path.exists():
        write_atomically(path, secrets.token_hex(32) + "\n", mode=0o600)
        user.own(path)


def swap(staged: Path, data: Path) -> Path:
    """Put ``staged`` in the place of the stopped ``data``; gives the former one, to be removed."""
    former = data.with_name("data.old")
    discard(former)
    data.rename(former)
    staged.rename(data)
    sync_directory(data.parent)
    return former


def finish_interrupted(data: Path) -> None:
    """Complete a swap that a crash interrupted, or forget one that had not begun."""
    staged = data.with_name("data.next")
    if not data.exists() and staged.is_dir():
        staged.rename(data)
    for leftover in ("data.next", "data.old", "data.new", "data.next.new"):
        discard(data.with_name(leftover))


def discard(path: Path) -> None:
    """Remove a tree, if it is there."""
    if path.exists():
        shutil.rmtree(path)


def os_users(user: ServerUser) -> tuple[str, ...]:
    """Who may come in by the socket: the server's user and we ourselves."""
    return (user.name, "root") if user.switch else (user.name,)


def superuser_dsn(launch: Launch, database: str = "postgres") -> str:
    """A connection string for backstay's own work on the server of ``launch``."""
    return dsn(launch, SUPERUSER, database)


def dsn(launch: Launch, role: str, database: str = "postgres") -> str:
    """A connection string over the private socket as any ``role``."""
    return conninfo(
        (
            ("host", str(launch.sockets)),
            ("port", launch.port),
            ("user", role),
            ("dbname", database),
        )
    )


def sync_directory(path: Path) -> None:
    """Make the names in ``path`` durable."""
    if os.name == "nt":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
