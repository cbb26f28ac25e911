"""What happens, as facts. Logs, metrics, the dashboard and tests subscribe; nothing writes a log.

An event carries no secret: a query string, a header or a body is never part of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Level = Literal["error", "warning", "info", "debug"]


class Event:
    """Anything that happened. ``project``, where there is one, names the project it concerns.

    ``level`` is how much an operator should care, for every event of the type.
    """

    __slots__ = ()

    level: ClassVar[Level] = "info"

    @property
    def severity(self) -> Level:
        """``level``, unless it depends on what happened."""
        return self.level


@dataclass(slots=True)
class RequestFinished(Event):
    """A request was answered. ``seconds`` until the head of the answer was known.

    ``service`` is empty when none was reached; ``path`` has no query string. Made for every
    request and therefore not frozen, which costs three microseconds; nobody changes it.
    """

    project: str
    service: str
    request_id: str
    method: str
    path: str
    client: str
    status: int
    seconds: float

    @property
    def severity(self) -> Level:
        return "error" if self.status >= 500 else "debug"


@dataclass(slots=True, frozen=True, kw_only=True)
class RequestFailed(Event):
    """A service raised something it did not mean to; the client was given a plain 500."""

    level: ClassVar[Level] = "error"

    request_id: str
    service: str
    error: BaseException
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class ClientLeft(Event):
    """A client went away before its answer was complete; its request was cancelled."""

    level: ClassVar[Level] = "debug"

    request_id: str
    path: str
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class StatementFinished(Event):
    """A statement ran. ``sqlstate`` is empty when it succeeded."""

    level: ClassVar[Level] = "debug"

    request_id: str
    sql: str
    seconds: float
    sqlstate: str = ""
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class PoolChanged(Event):
    """How the connections of a pool stand."""

    level: ClassVar[Level] = "debug"

    size: int
    idle: int
    waiting: int
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class DatabaseLost(Event):
    """The database stopped answering."""

    level: ClassVar[Level] = "error"

    reason: str
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class DatabaseReady(Event):
    """The database answers; ``restarts`` counts how often it had to be started again."""

    version: str = ""
    seconds: float = 0.0
    restarts: int = 0
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class CatalogLoaded(Event):
    """The catalog was read from the database."""

    level: ClassVar[Level] = "debug"

    seconds: float
    tables: int
    functions: int
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class MigrationApplied(Event):
    """One migration was applied."""

    version: str
    name: str
    seconds: float
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class Started(Event):
    """The server accepts requests on ``addresses``."""

    addresses: tuple[str, ...]
    seconds: float


@dataclass(slots=True, frozen=True, kw_only=True)
class Stopping(Event):
    """The server no longer accepts; ``in_flight`` requests are still being answered."""

    in_flight: int


@dataclass(slots=True, frozen=True, kw_only=True)
class Warned(Event):
    """Something the operator should know and can mend with ``next``."""

    level: ClassVar[Level] = "warning"

    what: str
    next: str = ""
    project: str = ""


@dataclass(slots=True, frozen=True, kw_only=True)
class Failed(Event):
    """Background work failed; it is retried or given up as ``what`` says."""

    level: ClassVar[Level] = "error"

    what: str
    error: BaseException
    project: str = ""
