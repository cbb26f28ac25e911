"""Where a project's cluster keeps its files.

    <project>/.backstay/            made by us; lock, state.json
        data/  log/  run/           the data directory, PostgreSQL's log, its socket

As root the server runs as another user, who cannot enter a project below ``/root``. Widening the
permissions of a directory that is not ours is out of the question, so ``data`` and ``run`` then
live in the machine's own directory and ``.backstay/data`` is a link to them.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from backstay.cluster.identity import ServerUser
from backstay.errors import OperatorError

HOME = ".backstay"
SOCKET_LIMIT = 107 if sys.platform.startswith("linux") else 103
"""Bytes a socket's path may have."""
SOCKET_NAME = ".s.PGSQL.65535"


@dataclass(frozen=True, slots=True)
class Places:
    """``home`` is the project's ``.backstay``; the rest may be elsewhere."""

    home: Path
    data: Path
    sockets: Path

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def state(self) -> Path:
        return self.home / "state.json"

    @property
    def log(self) -> Path:
        return self.home / "log" / "postgres.log"


def machine_dir(wanted: str = "") -> Path:
    """What all projects of this user (or, as root, of this machine) share; made when missing."""
    if wanted:
        path = Path(wanted).absolute()
    elif os.name != "nt" and os.geteuid() == 0:
        path = Path("/var/lib/backstay")
    elif os.environ.get("XDG_CACHE_HOME"):
        path = Path(os.environ["XDG_CACHE_HOME"]) / "backstay"
    elif sys.platform == "darwin":
        path = Path.home() / "Library" / "Caches" / "backstay"
    else:
        path = Path.home() / ".cache" / "backstay"
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be made.",
            why=f"The unpacked PostgreSQL is kept there: {error.strerror}.",
            next="Name another directory in BACKSTAY_POSTGRES_MACHINE_DIR.",
        ) from error
    return path


def places(folder: Path, user: ServerUser, machine: Path) -> Places:
    """The places of the project in ``folder``, made as far as backstay itself owns them.

    A project that was copied together with its ``.backstay`` gets places of its own: two servers
    on one data directory would be the end of it.
    """
    home = folder.resolve() / HOME
    fresh = not home.exists()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    if fresh:
        (home / ".gitignore").write_text("*\n", encoding="utf-8")
    # What failed is logged with its SQL, values included; its files may have any mode then.
    (home / "log").mkdir(mode=0o700, exist_ok=True)
    (home / "log").chmod(0o700)
    near = user.reaches(home)
    base = home if near else _far(home, machine)
    data = base / "data"
    if not near:
        _link(home / "data", data)
    sockets = _sockets(base, user)
    return Places(home, data, sockets)


def _far(home: Path, machine: Path) -> Path:
    """The directory of a project the server's user cannot enter; stays when the project moves."""
    link = home / "data"
    if link.is_symlink():
        known = link.readlink().parent
        owner = known / "project"
        former = Path(owner.read_text(encoding="utf-8")) if owner.exists() else home
        if former == home or not (former / "data").is_symlink():
            owner.parent.mkdir(parents=True, exist_ok=True)
            owner.write_text(str(home), encoding="utf-8")
            return known
        link.unlink()
    base = machine / "projects" / f"{_slug(home.parent.name)}-{_digest(home)}"
    base.mkdir(parents=True, exist_ok=True)
    (base / "project").write_text(str(home), encoding="utf-8")
    for made in (machine / "projects", base):
        made.chmod(0o755)
    return base


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    if link.is_dir() and not link.is_symlink():
        raise OperatorError(
            f"The database in {link} is out of reach of the user PostgreSQL runs as.",
            why="The project's permissions have changed, or it was started by another user before.",
            next=f"Start it as the former user, or let others pass: chmod o+x {link.parent.parent}",
        )
    link.unlink(missing_ok=True)
    link.symlink_to(target, target_is_directory=True)


def _sockets(base: Path, user: ServerUser) -> Path:
    """A directory only the server's user (and root) can enter, with a name a socket can bear."""
    run = base / "run"
    # To libpq a comma separates one host from the next.
    if len(os.fsencode(run / SOCKET_NAME)) > SOCKET_LIMIT or "," in str(run):
        run = _runtime_dir() / _digest(base)
    run.mkdir(parents=True, exist_ok=True)
    run.chmod(0o700)
    user.own(run)
    return run


def _runtime_dir() -> Path:
    if os.name != "nt" and os.geteuid() == 0:
        path = Path("/run/backstay")
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
        return path
    wanted = os.environ.get("XDG_RUNTIME_DIR")
    if wanted and Path(wanted).is_dir() and len(os.fsencode(wanted)) < SOCKET_LIMIT // 2:
        return Path(wanted) / "backstay"
    number = os.getuid() if os.name != "nt" else 0
    root = Path("/tmp") if os.name != "nt" else Path(tempfile.gettempdir())  # noqa: S108
    path = root / f"backstay-{number}"
    path.mkdir(mode=0o700, exist_ok=True)
    # /tmp is everyone's: a directory another user made there first must not hold our socket.
    if os.name != "nt" and (path.is_symlink() or path.stat().st_uid != number):
        raise OperatorError(
            f"{path} belongs to another user.",
            why="It is to hold the database's socket, and its owner could read along.",
            next="Remove it, or set XDG_RUNTIME_DIR to a directory of your own.",
        )
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _slug(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)[:24] or "project"
