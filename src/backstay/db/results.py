"""From libpq's results to the model: rows, errors, notices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat

from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult

from backstay.db.model import DatabaseError, Row

UNTRANSLATABLE = "22021"
PROGRAM_LIMIT = "54000"


@dataclass(frozen=True, slots=True)
class Notice:
    """What PostgreSQL said aside: ``severity`` is NOTICE, WARNING, INFO …"""

    severity: str
    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None


def column_names(result: PGresult) -> tuple[str, ...]:
    return tuple([(result.fname(i) or b"").decode() for i in range(result.nfields)])


def rows_of(result: PGresult) -> list[Row]:
    """Every row as a tuple of text-format bytes."""
    value, width, count = result.get_value, range(result.nfields), result.ntuples
    if count == 1:  # what nearly every request gets
        return [tuple(map(value, repeat(0), width))]
    return [tuple(map(value, repeat(row), width)) for row in range(count)]


def error_of(result: PGresult, step: int) -> DatabaseError:
    """The error a failed result reports. ``step`` is the failing query's index, or -1."""

    def read(field: DiagnosticField) -> str | None:
        value = result.error_field(field)
        return None if value is None else value.decode("utf-8", "replace")

    position = read(DiagnosticField.STATEMENT_POSITION)
    message = read(DiagnosticField.MESSAGE_PRIMARY)
    return DatabaseError(
        read(DiagnosticField.SQLSTATE) or "XX000",
        message or result.error_message.decode("utf-8", "replace"),
        read(DiagnosticField.MESSAGE_DETAIL),
        read(DiagnosticField.MESSAGE_HINT),
        position=int(position) if position else None,
        schema=read(DiagnosticField.SCHEMA_NAME),
        table=read(DiagnosticField.TABLE_NAME),
        column=read(DiagnosticField.COLUMN_NAME),
        constraint=read(DiagnosticField.CONSTRAINT_NAME),
        context=read(DiagnosticField.CONTEXT),
        step=step,
    )


def notice_of(result: PGresult) -> Notice:
    def read(field: DiagnosticField) -> str | None:
        value = result.error_field(field)
        return None if value is None else value.decode("utf-8", "replace")

    return Notice(
        read(DiagnosticField.SEVERITY_NONLOCALIZED) or "NOTICE",
        read(DiagnosticField.SQLSTATE) or "00000",
        read(DiagnosticField.MESSAGE_PRIMARY) or "",
        read(DiagnosticField.MESSAGE_DETAIL),
        read(DiagnosticField.MESSAGE_HINT),
    )


def is_stale_plan(result: PGresult) -> bool:
    """Whether a prepared statement failed for being prepared, not for what it says.

    Either the session no longer has it (a pooler, DISCARD), or the type of its result changed under
    it. The latter shares its SQLSTATE with every unsupported feature and its message is translated,
    so it is told by the place in PostgreSQL that raises it.
    """
    sqlstate = result.error_field(DiagnosticField.SQLSTATE)
    if sqlstate == b"26000":
        return True
    raised_in = result.error_field(DiagnosticField.SOURCE_FUNCTION)
    return sqlstate == b"0A000" and raised_in == b"RevalidateCachedQuery"


def is_farewell(result: PGresult) -> bool:
    """Whether the server ends the connection with this error."""
    return result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) in (b"FATAL", b"PANIC")
