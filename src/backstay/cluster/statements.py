"""What kind of statement a migration holds, where that decides how it is run. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from itertools import pairwise

from backstay.cluster.split import Statement

_ALONE = (
    ("VACUUM",),
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("ALTER", "SYSTEM"),
    ("CREATE", "SUBSCRIPTION"),
    ("DROP", "SUBSCRIPTION"),
    ("DISCARD", "ALL"),
)
_CONCURRENTLY = frozenset({"INDEX", "REINDEX", "DETACH"})
_QUIET_META = {
    "\\restrict",
    "\\unrestrict",
    "\\echo",
    "\\qecho",
    "\\timing",
    "\\pset",
    "\\encoding",
}
_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$-]*)'
_EXTENSION = re.compile(
    rf"""CREATE\s+EXTENSION\s+(?P<guard>IF\s+NOT\s+EXISTS\s+)?(?P<name>{_NAME})
         (?P<options>(?:\s+(?:WITH|CASCADE|SCHEMA\s+{_NAME}
            |(?:VERSION|FROM)\s+(?:'[^']*'|{_NAME}|[\w.]+)))*)\s*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_VERSION = re.compile(rf"\s+(?:VERSION|FROM)\s+(?:'[^']*'|{_NAME}|[\w.]+)", re.IGNORECASE)
_SCHEMA = re.compile(rf"\sSCHEMA\s+({_NAME})", re.IGNORECASE)

HOMES: Mapping[str, str] = {
    "pg_cron": "cron",
    "pg_net": "net",
    "pgmq": "pgmq",
    "supabase_vault": "vault",
    "pgsodium": "pgsodium",
    "pg_graphql": "graphql",
    "pg_tle": "pgtle",
}
"""Extensions whose objects have a schema of their own, which they make themselves."""


INSTALLED = frozenset(
    {
        "pgcrypto",
        "uuid-ossp",
        "pgjwt",
        "pg_stat_statements",
        "pg_net",
        "supabase_vault",
        "pg_graphql",
    }
)
"""Extensions every project finds installed; creating one again is no error, whatever its schema."""


_POSTGIS = re.compile(r'type "(?:\w+\.)?(?:box2d|box3d|raster|geometry_dump)" does not exist')


class Kind(Enum):
    """How a statement of a migration is run."""

    ORDINARY = auto()
    """Inside the file's transaction."""
    ALONE = auto()
    """Outside of any transaction: the server refuses it in one."""
    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    QUIET_META = auto()
    """A psql command that changes nothing here, as pg_dump writes them."""
    META = auto()
    """A psql command that only psql can carry out."""


def kind(statement: Statement) -> Kind:
    words = statement.words
    if statement.meta:
        harmless = words[0] in _QUIET_META or words[:2] == ("\\set", "ON_ERROR_STOP")
        return Kind.QUIET_META if harmless else Kind.META
    first = words[0]
    if first == "BEGIN" or words[:2] == ("START", "TRANSACTION"):
        return Kind.BEGIN
    if first in ("COMMIT", "END") and "PREPARED" not in words:
        return Kind.COMMIT
    if first in ("ROLLBACK", "ABORT") and not {"TO", "PREPARED"} & set(words[:4]):
        return Kind.ROLLBACK
    if any(words[: len(start)] == start for start in _ALONE):
        return Kind.ALONE
    if "CONCURRENTLY" in words and _CONCURRENTLY & set(words):
        return Kind.ALONE
    return Kind.ORDINARY


def adds_enum_value(statement: Statement) -> bool:
    """Whether it is ``ALTER TYPE … ADD VALUE``: the value is unusable until committed."""
    words = statement.words
    return words[:2] == ("ALTER", "TYPE") and ("ADD", "VALUE") in pairwise(words)


def create_extension(statement: Statement) -> tuple[str, str | None] | None:
    """``CREATE EXTENSION`` without its version, and the schema to make before it, if any.

    The version a project asks for is the hosted platform's; the one installed here is the one that
    fits the server. A schema named like the extension's own (``pgmq``) exists there already, and
    so do some of the extensions. None for any other statement.
    """
    if statement.words[:2] != ("CREATE", "EXTENSION"):
        return None
    text = statement.text
    start = re.search(r"CREATE\s+EXTENSION\b", text, re.IGNORECASE)
    match = _EXTENSION.match(text, start.start()) if start else None
    if match is None:
        return None
    name = match["name"].strip('"').lower()
    options = _VERSION.sub("", match["options"])
    schema = _SCHEMA.search(options)
    if schema is None and name in HOMES:
        # It is created with no schema to create in, too: dumps begin by emptying search_path.
        options += " schema extensions"
    wanted = schema[1].strip('"').lower() if schema else None
    guard = "if not exists " if match["guard"] or name in INSTALLED else ""
    home = HOMES.get(name)
    return (
        f"create extension {guard}{match['name']}{options}",
        home if home is not None and wanted == home else None,
    )


def absence(message: str) -> str | None:
    """A hint for an error whose reason is that an extension here is only a stand-in."""
    if _POSTGIS.search(message):
        return (
            "Of PostGIS, a library, the embedded PostgreSQL has the commonest part only; point"
            " [backstay.postgres] bin_dir at an installed server that has it."
        )
    return None
