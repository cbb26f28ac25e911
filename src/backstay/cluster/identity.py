"""Whom PostgreSQL runs as. Every ``initdb`` refuses root, so root lends it another user."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backstay.errors import OperatorError

DEFAULT_USER = "backstay"


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The operating system's user of the server. ``switch`` tells that it is not ours."""

    name: str
    uid: int
    gid: int
    switch: bool

    def popen(self) -> dict[str, Any]:
        """Arguments for ``subprocess`` that start a program as this user, without our groups."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give ``path`` (one file or directory) to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, path: Path) -> bool:
        """Whether this user may pass through every directory down to ``path``, itself included."""
        if not self.switch:
            return True
        existing = path.resolve()
        while not existing.exists():
            existing = existing.parent
        return all(self._passes(one.stat()) for one in (existing, *existing.parents))

    def _passes(self, of: os.stat_result) -> bool:
        if of.st_uid == self.uid:
            return bool(of.st_mode & stat.S_IXUSR)
        if of.st_gid == self.gid:
            return bool(of.st_mode & stat.S_IXGRP)
        return bool(of.st_mode & stat.S_IXOTH)


def server_user(wanted: str = "", owner_of: Path | None = None) -> ServerUser:
    """The user PostgreSQL is to run as: ourselves, or, when we are root, ``wanted``.

    ``wanted`` empty means the owner of the data directory ``owner_of`` when there is one, and else
    the system user ``backstay``, which is created when it is missing.
    Raises ``OperatorError`` when there is no such user and none can be made.
    """
    if os.name == "nt":
        return ServerUser(os.environ.get("USERNAME", ""), 0, 0, switch=False)
    import pwd  # noqa: PLC0415 - does not exist on Windows

    ours = os.geteuid()
    if ours != 0:
        try:
            return ServerUser(pwd.getpwuid(ours).pw_name, ours, os.getegid(), switch=False)
        except KeyError:
            raise OperatorError(
                f"The user id {ours} has no name.",
                why="PostgreSQL refuses to run as a user without an entry in /etc/passwd.",
                next="Run as a named user, or add an entry for this id.",
            ) from None
    name = wanted or _owner(owner_of) or DEFAULT_USER
    entry = _lookup(name)
    if entry is None and not wanted:
        _create(name)
        entry = _lookup(name)
    if entry is None or entry.pw_uid == 0:
        raise OperatorError(
            f"PostgreSQL cannot run as {name}.",
            why="It refuses to run as root and needs an existing unprivileged user.",
            next=f"useradd --system {DEFAULT_USER}, or name one in [backstay.postgres] user.",
        )
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)


def _owner(path: Path | None) -> str:
    import pwd  # noqa: PLC0415 - does not exist on Windows

    if path is None or not path.exists():
        return ""
    number = path.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name if number else ""
    except KeyError:
        return ""


def _lookup(name: str) -> Any:
    import pwd  # noqa: PLC0415 - does not exist on Windows

    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create(name: str) -> None:
    if shutil.which("useradd"):
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    elif shutil.which("adduser"):
        command = ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", name]
    else:
        return
    subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - a fixed command
