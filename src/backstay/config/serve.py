"""What ``backstay start`` asks of the server, and how the server tells how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["error", "warning", "info", "debug"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """One run of the server. None means: as the first project's configuration says.

    ``folders`` are project folders, the first of them also answers on plain ``localhost``.
    ``port`` 0 takes any free port; a given port is used or refused, never replaced by another.
    ``excluded`` are services not to be offered (``start --exclude``).
    """

    folders: tuple[Path, ...]
    host: str | None = None
    port: int | None = None
    workers: int | None = None
    db_url: str | None = None
    log_format: LogFormat | None = None
    log_level: LogLevel | None = None
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectReady:
    """One project that is being served; what the start screen shows of it.

    ``status`` has the Supabase CLI's names (``API_URL``, ``DB_URL``, ``ANON_KEY`` …), in its order;
    ``postgres_seconds`` is how long the database took to accept connections.
    """

    project_id: str
    root: Path
    data: str
    postgres_version: str
    postgres_seconds: float
    applied: tuple[str, ...]
    pending: tuple[str, ...]
    status: tuple[tuple[str, str], ...]
    urls: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Screen(Protocol):
    """Where the server reports while it starts. Called from one thread; returns at once."""

    def step(self, project: str, what: str) -> None:
        """``project`` is now busy with ``what`` ("initialising PostgreSQL", a migration's name)."""
        ...

    def note(self, what: str, next: str = "") -> None:  # noqa: A002 - the word of OperatorError
        """Something the operator should know, and the command or change that mends it."""
        ...

    def ready(self, projects: tuple[ProjectReady, ...], seconds: float) -> None:
        """Every project answers; ``seconds`` since the start."""
        ...
