"""Fills a project's database with its seed files, each once, as the Supabase CLI does.

A file that ran before is not run again: unchanged it is passed over, changed it is only noted, for
what it inserted the first time is still there. ``backstay db reset`` starts from nothing.
https://supabase.com/docs/guides/local-development/seeding-your-database
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import psycopg

from backstay.cluster.folder import seed_files
from backstay.cluster.migrate import Progress, operator_connection, run_file, statements_of

_DEFAULT = "./seed.sql"
_RECORD = """
insert into supabase_migrations.seed_files (path, hash) values (%s, %s)
on conflict (path) do update set hash = excluded.hash
"""


async def seed(
    conninfo: str, folder: Path, patterns: Sequence[str], *, progress: Progress
) -> list[str]:
    """Run the files of ``folder`` that ``patterns`` name and that never ran; returns those run.

    ``patterns`` are ``[db.seed] sql_paths`` of config.toml, relative to ``folder``. Raises
    ``MigrationError``; files before the failing one stay seeded.
    """
    files, unmatched = seed_files(folder, patterns)
    for pattern in unmatched:
        if pattern != _DEFAULT:  # every config.toml has it, whether there is a seed or not
            progress(f"No seed file matches {pattern}")
    if not files:
        return []
    done: list[str] = []
    async with operator_connection(conninfo) as connection:
        history = await _history(connection)
        for file in files:
            # The CLI's key: the path from the project's root.
            path = f"supabase/{file}"
            digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
            if history.get(path) == digest:
                continue
            if path in history:
                progress(f"{file} changed since it was seeded; backstay db reset seeds it anew")
                await connection.execute(_RECORD.encode(), (path, digest))
                continue
            progress(f"Seeding from {file}")
            await run_file(
                connection, file, statements_of(folder / file), (_RECORD, (path, digest))
            )
            done.append(file)
    return done


async def _history(connection: psycopg.AsyncConnection) -> dict[str, str]:
    await connection.execute("create schema if not exists supabase_migrations")
    await connection.execute(
        "create table if not exists supabase_migrations.seed_files"
        " (path text not null primary key, hash text not null)"
    )
    rows = await connection.execute("select path, hash from supabase_migrations.seed_files")
    return {str(path): str(digest) for path, digest in await rows.fetchall()}
