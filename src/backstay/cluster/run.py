"""Runs the statements of one file on one connection, as ``postgres``, in as few transactions as
they allow. What a statement is stands in ``statements``; what happens between them stands here.

    idle ──ORDINARY──▶ open (BEGIN, become postgres with its powers) ──ORDINARY──▶ open
    open ──COMMIT, ALONE, end of file──▶ idle (powers taken back, COMMIT)
    open ──ROLLBACK, error──▶ idle
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from backstay.cluster.split import Statement
from backstay.cluster.statements import Kind, absence, adds_enum_value, create_extension, kind
from backstay.db.quote import quote_ident

Record = tuple[str, Sequence[object]]
"""A statement with parameters that notes the file in the history."""

_UNSAFE_ENUM_VALUE = "55P04"

_SETTINGS_OF_POSTGRES = """
select set_config(split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1), false)
  from pg_db_role_setting as s
 cross join unnest(s.setconfig) as setting
 where s.setrole = to_regrole('postgres')
   and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
 order by s.setdatabase
"""


class StatementFailed(Exception):
    """A statement was refused: where, what PostgreSQL said, and whether part of the file stands."""

    def __init__(
        self,
        message: str,
        line: int,
        statement: str,
        sqlstate: str,
        detail: str,
        *,
        committed: bool,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.statement = statement
        self.sqlstate = sqlstate
        self.detail = detail
        self.committed = committed


class FileRun:
    """One run of one file.

    ``record`` belongs to the file's last transaction. ``forgive``: errors that only undo their own
    statement.
    """

    def __init__(
        self,
        connection: psycopg.AsyncConnection,
        statements: Sequence[Statement],
        record: Record | None = None,
        *,
        forgive: tuple[type[psycopg.Error], ...] = (),
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._record = record
        self._forgive = forgive
        self._borrows = False
        """Whether ``postgres`` is given its powers by us: we are a superuser and it is not."""
        self._becomes = False
        """Whether statements run as ``postgres`` though we logged in as another."""
        self._committed = False

    async def run(self) -> None:
        """Run the file. Raises ``StatementFailed``; the connection is then idle and clean."""
        await self._prepare()
        try:
            try:
                await self._run()
            except StatementFailed as failed:
                if failed.sqlstate != _UNSAFE_ENUM_VALUE or self._committed:
                    raise
                # A value added to an enum can be used after a commit only.
                await self._abandon()
                await self._run(commit_enum_values=True)
        except BaseException:
            await self._abandon()
            raise
        finally:
            await self._clean()

    async def _prepare(self) -> None:
        row = await self._one(
            "select current_setting('is_superuser') = 'on' and current_user <> 'postgres'"
            " and to_regrole('postgres') is not null,"
            " coalesce((select rolsuper from pg_roles where rolname = 'postgres'), true)"
        )
        self._becomes = bool(row[0])
        self._borrows = self._becomes and not row[1]
        await self._clean()

    async def _clean(self) -> None:
        """Undo settings a file may have left, then those a login as ``postgres`` would have."""
        if self._connection.closed:
            return
        for statement in ("reset session authorization", "reset role", "reset all"):
            await self._execute(statement)
        if self._becomes:
            await self._execute(_SETTINGS_OF_POSTGRES)

    async def _run(self, *, commit_enum_values: bool = False) -> None:
        for statement in self._statements:
            try:
                await self._step(statement)
                if commit_enum_values and adds_enum_value(statement):
                    await self._commit()
            except psycopg.Error as problem:
                raise self._failure(statement, problem) from problem
        try:
            await self._finish()
        except psycopg.Error as problem:  # a deferred constraint, most likely
            raise self._failure(self._statements[-1], problem) from problem

    async def _finish(self) -> None:
        if self._record is not None:
            await self._open()
            if self._becomes:
                await self._execute("reset role")
            await self._connection.execute(*_typed(self._record))
        await self._commit()

    async def _step(self, statement: Statement) -> None:
        match kind(statement):
            case Kind.BEGIN:
                await self._open()
            case Kind.COMMIT:
                await self._commit()
            case Kind.ROLLBACK:
                await self._abandon()
            case Kind.ALONE:
                await self._commit()
                await self._alone(statement)
            case Kind.QUIET_META:
                pass
            case Kind.META:
                raise self._refusal(
                    statement, f"{statement.words[0]} is a command of psql, not SQL"
                )
            case Kind.ORDINARY:
                await self._open()
                await self._ordinary(statement)

    async def _ordinary(self, statement: Statement) -> None:
        if statement.data is not None:
            await self._copy(statement)
            return
        text = statement.text
        extension = create_extension(statement)
        if extension is not None:
            text, schema = extension
            if schema is not None:
                await self._execute(f"create schema if not exists {quote_ident(schema)}")
        if not self._forgive:
            await self._execute(text)
            return
        await self._execute("savepoint backstay")
        try:
            await self._execute(text)
        except self._forgive:
            await self._execute("rollback to savepoint backstay")

    async def _copy(self, statement: Statement) -> None:
        _, _, rows = (statement.data or "").partition("\n")
        async with self._connection.cursor().copy(statement.text.encode()) as copy:
            await copy.write(rows)

    async def _alone(self, statement: Statement) -> None:
        if self._becomes:
            await self._execute("set session authorization postgres")
        await self._execute(statement.text)
        self._committed = True
        if self._becomes:
            await self._execute("reset session authorization")

    async def _open(self) -> None:
        if self._status() is not TransactionStatus.IDLE:
            return
        await self._execute("begin")
        # Taken back by _commit in the same transaction: no other session ever sees it.
        if self._borrows:
            await self._execute("alter role postgres superuser")
        if self._becomes:
            await self._execute("set local session authorization postgres")

    async def _commit(self) -> None:
        if self._status() is TransactionStatus.IDLE:
            return
        if self._becomes:
            await self._execute("reset role")
            await self._execute("reset session authorization")
        if self._borrows:
            await self._execute("alter role postgres nosuperuser")
        await self._execute("commit")
        self._committed = True

    async def _abandon(self) -> None:
        if not self._connection.closed and self._status() is not TransactionStatus.IDLE:
            await self._execute("rollback")

    def _status(self) -> TransactionStatus:
        return self._connection.info.transaction_status

    async def _execute(self, text: str) -> None:
        await self._connection.execute(text.encode())

    async def _one(self, text: str) -> tuple[Any, ...]:
        row = await (await self._connection.execute(text.encode())).fetchone()
        assert row is not None
        return row

    def _failure(self, statement: Statement, problem: psycopg.Error) -> StatementFailed:
        diagnosis = problem.diag
        line = statement.line
        if diagnosis.statement_position:
            before = statement.text[: int(diagnosis.statement_position) - 1]
            line = statement.text_line + before.count("\n")
        message = diagnosis.message_primary or str(problem).strip()
        hint = diagnosis.message_hint or absence(message)
        parts = (diagnosis.message_detail, hint and f"Hint: {hint}", diagnosis.context)
        return StatementFailed(
            message,
            line,
            statement.text,
            problem.sqlstate or "",
            "\n".join(part for part in parts if part),
            committed=self._committed,
        )

    def _refusal(self, statement: Statement, message: str) -> StatementFailed:
        return StatementFailed(
            message, statement.line, statement.text, "", "", committed=self._committed
        )


def _typed(record: Record) -> tuple[bytes, Sequence[object]]:
    return record[0].encode(), record[1]
