"""Put the server where the user it runs as can read it, once per build and machine.

As root the Python environment may be out of the server user's reach, and an environment can be
upgraded while its server runs; so the server always runs from a copy. Files are hard-linked where
the file system allows, which makes the copy nearly free. A copy is made under another name and
renamed when complete: what has the final name is whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from backstay.cluster import pgcrypto
from backstay.cluster.locks import exclusive
from backstay.cluster.provider import PACKS_SINCE, Installation

LEFT_BEHIND = {"include", "pgxs", "pkgconfig", "doc", "__pycache__"}
STAND_INS = Path(__file__).parent / "extensions"
"""backstay's own extension pack: SQL extensions, in ``extension/``."""
LAYOUT = "1"
"""Changes whenever this module lays the copy out differently."""


def materialise(source: Installation, machine: Path) -> Installation:
    """``source`` as it will run: copied below ``machine``, its extension packs beside it.

    An installed server (no ``root``) stays where it is and only gets the packs.
    """
    name = f"postgres-{source.number}-{_digest(source)}"
    target = machine / name
    if not (target / "complete").exists():
        with exclusive(machine / "lock"):
            if not (target / "complete").exists():
                _write(source, target)
    stand_ins = _stand_ins(machine)
    packs = tuple(
        pack for pack in (target / "packs" / "pgcrypto", stand_ins) if pack and pack.is_dir()
    )
    if source.major < PACKS_SINCE:
        packs = ()
    if source.root is None:
        return replace(source, packs=packs)
    tree = target / source.root.name / "pginstall"
    return replace(
        source, bin=tree / "bin", lib=tree / "lib", share=tree / "share", root=None, packs=packs
    )


def _write(source: Installation, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if source.root is not None:
        for root in (source.root, source.root.with_name(f"{source.root.name}.libs")):
            if root.is_dir():
                copy_readable(root, target / root.name)
    target.mkdir(exist_ok=True)
    if source.major >= PACKS_SINCE and not (source.share / "extension/pgcrypto.control").exists():
        pgcrypto.write_pack(target / "packs" / "pgcrypto", source.major)
    _open_up(target)
    (target / "complete").touch()


def copy_readable(source: Path, target: Path) -> None:
    """Copy a tree of files, linking those that everyone may already read."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in os.scandir(source):
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in LEFT_BEHIND:
                copy_readable(Path(entry.path), target / entry.name)
        elif not entry.name.endswith((".a", ".py", ".pyc")):
            _place(Path(entry.path), target / entry.name)


def _place(source: Path, target: Path) -> None:
    try:
        if source.stat().st_mode & stat.S_IROTH:
            target.hardlink_to(source.resolve())
            return
    except OSError:
        pass  # another file system, or one without links
    shutil.copy2(source, target)


def _open_up(target: Path) -> None:
    """Let every user read and enter what we made, whatever the umask was."""
    for directory, _, files in os.walk(target):
        Path(directory).chmod(0o755)
        for name in files:
            path = Path(directory) / name
            mode = path.stat().st_mode
            readable = mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0)
            if mode != readable:
                path.chmod(readable)


def _stand_ins(machine: Path) -> Path | None:
    """The pack of SQL extensions, copied under a name made from its content."""
    if not (STAND_INS / "extension").is_dir():
        return None
    target = machine / f"extensions-{tree_digest(STAND_INS)}"
    if not (target / "complete").exists():
        with exclusive(machine / "lock"):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(STAND_INS, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
            _open_up(target)
            (target / "complete").touch()
    return target


def tree_digest(*roots: Path) -> str:
    """A short digest of the names and contents of all files below ``roots``."""
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(_files(root)):
            digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _files(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _digest(source: Installation) -> str:
    crypto = [path.name for path in pgcrypto.sources()]
    said = "\0".join((source.build, str(source.root), LAYOUT, *crypto))
    return hashlib.sha256(said.encode()).hexdigest()[:12]
