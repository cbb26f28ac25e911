"""A question of ``rest_worlds`` as a request, and as plain queries that answer it row by row."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from tests.support.rest_intents import quoted, word
from tests.support.rest_worlds import Group, Question, Term, Test, World, reference

Rows = list[dict[str, Any]]

# -- as a request -----------------------------------------------------------------------------


def target(question: Question) -> str:
    """The path and query string that ask ``question``."""
    pairs = [("select", ",".join(_selected(question))), *_said(question, ())]
    query = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)
    return f"/{quote(question.table)}?{query}"


def _selected(question: Question) -> list[str]:
    """The items of its select list; a column of a spread table gets a name of its own."""
    items = [
        f"{quoted('s ' + column)}:{word(column)}" if question.spread else word(column)
        for column in question.columns
    ]
    for embed in question.embeds:
        alias = f"{word(embed.alias)}:" if embed.alias else ""
        inner = "!inner" if embed.presence == "inner" else ""
        head = "..." if embed.spread else alias
        items.append(f"{head}{word(embed.table)}{inner}({','.join(_selected(embed))})")
    return items


def _said(question: Question, path: tuple[str, ...]) -> list[tuple[str, str]]:
    """Conditions, order and rows of a question and of what it embeds."""

    def key(last: str) -> str:
        return ".".join((*map(word, path), last))

    pairs = [(key(_left(test)), _right(test, inner=False)) for test in question.tests]
    for group in question.groups:
        name = f"{'not.' if group.negated else ''}{group.operator}"
        pairs.append((key(name), _parts(group)))
    if question.link != "parent":
        pairs.append((key("order"), ",".join([*map(_term, question.order), "id"])))
    if question.limit is not None:
        pairs.append((key("limit"), str(question.limit)))
    if question.offset:
        pairs.append((key("offset"), str(question.offset)))
    for embed in question.embeds:
        if embed.presence in ("some", "none"):
            wanted = "not.is.null" if embed.presence == "some" else "is.null"
            pairs.append((key(word(embed.name)), wanted))
        pairs += _said(embed, (*path, embed.name))
    return pairs


def _left(test: Test) -> str:
    return f"{word(test.column)}->>{test.key}" if test.key else word(test.column)


def _right(test: Test, *, inner: bool) -> str:
    value = test.value
    if test.operator == "in":
        assert isinstance(value, tuple)
        text = f"({','.join(quoted(_plain(each)) for each in value)})"
    elif isinstance(value, list | tuple):
        text = array(value)
        text = quoted(text) if inner else text
    else:
        text = _plain(value)
        text = quoted(text) if inner and test.operator != "is" else text
    return f"{'not.' if test.negated else ''}{test.operator}.{text}"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def array(values: list[Any] | tuple[Any, ...]) -> str:
    """An array as PostgreSQL reads it."""
    return "{" + ",".join(quoted(_plain(value)) for value in values) + "}"


def _parts(group: Group) -> str:
    texts = [
        f"{_left(part)}.{_right(part, inner=True)}"
        if isinstance(part, Test)
        else f"{'not.' if part.negated else ''}{part.operator}{_parts(part)}"
        for part in group.parts
    ]
    return f"({','.join(texts)})"


def _term(term: Term) -> str:
    direction = ".desc" if term.descending else ""
    nulls = f".nulls{term.nulls}" if term.nulls else ""
    return f"{term.column}{direction}{nulls}"


# -- as plain queries -------------------------------------------------------------------------

_SQL = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "like",
    "ilike": "ilike", "match": "~", "imatch": "~*", "cs": "@>", "cd": "<@", "ov": "&&",
    "isdistinct": "is distinct from",
}  # fmt: skip
_IS = {"null": "null", "not_null": "not null", "true": "true", "unknown": "unknown"}


class Reference:
    """Answers questions over ``connection``, which is already the caller's."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def answer(self, question: Question) -> tuple[Rows, int]:
        """The rows, and how many there are without limit and offset."""
        rows = self._rows(question, sql.SQL("true"))
        return _slice(question, rows), len(rows)

    def _rows(self, question: Question, joined: sql.Composable) -> Rows:
        """The rows that may be shown, each with what it embeds."""
        conditions = [joined, *map(_test, question.tests), *map(_group, question.groups)]
        order = [*map(_ordered, question.order), sql.SQL("id")]
        statement = sql.SQL("select to_jsonb(x)::text from {} x where {} order by {}").format(
            sql.Identifier(self._schema, question.table),
            sql.SQL(" and ").join(conditions),
            sql.SQL(", ").join(order),
        )
        shown: Rows = []
        for (text,) in self._connection.execute(statement).fetchall():
            row = self._shown(question, json.loads(text))
            if row is not None:
                shown.append(row)
        return shown

    def _shown(self, question: Question, row: dict[str, Any]) -> dict[str, Any] | None:
        """One row as it is answered; None where something it needs is missing."""
        prefix = "s " if question.spread else ""
        shown = {prefix + column: row[column] for column in question.columns}
        for embed in question.embeds:
            found = _slice(embed, self._rows(embed, _join(embed, question, row)))
            if embed.presence and bool(found) == (embed.presence == "none"):
                return None
            if embed.spread:
                shown |= found[0] if found else {f"s {column}": None for column in embed.columns}
            elif embed.link == "parent":
                shown[embed.name] = found[0] if found else None
            else:
                shown[embed.name] = found
        return shown


def _slice(question: Question, rows: Rows) -> Rows:
    end = None if question.limit is None else question.offset + question.limit
    return rows[question.offset : end]


def _join(embed: Question, outer: Question, row: dict[str, Any]) -> sql.Composable:
    if embed.link == "parent":
        return sql.SQL("id = {}").format(sql.Literal(row[reference(embed.table)]))
    return sql.SQL("{} = {}").format(sql.Identifier(reference(outer.table)), sql.Literal(row["id"]))


def _test(test: Test) -> sql.Composable:
    left: sql.Composable = sql.Identifier(test.column)
    if test.key:
        left = sql.SQL("({} ->> {})").format(left, sql.Literal(test.key))
    negation = sql.SQL("not " if test.negated else "")
    return sql.SQL("{}({} {})").format(negation, left, _compared(test))


def _compared(test: Test) -> sql.Composable:
    value = test.value
    if test.operator == "is":
        return sql.SQL("is " + _IS[str(value)])
    if test.operator in ("in", "eq(any)"):
        assert isinstance(value, tuple)
        # A list of nothing but an empty text is an empty list, as PostgREST has it.
        held = () if test.operator == "in" and value == ("",) else value
        return sql.SQL("= any ({})").format(_unknown(array(held)))
    operator = sql.SQL(_SQL[test.operator] + " {}")
    if isinstance(value, list):
        return operator.format(_unknown(array(value)))
    text = _plain(value)
    if test.operator in ("like", "ilike"):
        text = text.replace("*", "%")
    return operator.format(_unknown(text))


def _unknown(text: str) -> sql.Composable:
    """A literal whose type PostgreSQL finds out, as it does with a parameter."""
    return sql.Literal(text)


def _group(group: Group) -> sql.Composable:
    parts = [_test(part) if isinstance(part, Test) else _group(part) for part in group.parts]
    joined = sql.SQL(f" {group.operator} ").join(parts)
    return sql.SQL("not ({})" if group.negated else "({})").format(joined)


def _ordered(term: Term) -> sql.Composable:
    direction = " desc" if term.descending else ""
    nulls = f" nulls {term.nulls}" if term.nulls else ""
    return sql.Identifier(term.column) + sql.SQL(direction + nulls)


# -- the world itself -------------------------------------------------------------------------


def build(
    connection: psycopg.Connection[Any], schema: str, world: World, types: dict[str, str]
) -> None:
    """Make ``world`` in a schema of its own, in place of the one that was there."""
    name = sql.Identifier(schema)
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(name))
    connection.execute(sql.SQL("create schema {}").format(name))
    for table in world:
        full = sql.Identifier(schema, table.name)
        columns: list[sql.Composable] = [sql.SQL("id int primary key, owner text")]
        columns += [
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind))
            for column, kind in types.items()
        ]
        columns += [
            sql.SQL("{} int references {}").format(
                sql.Identifier(reference(parent)), sql.Identifier(schema, parent)
            )
            for parent in table.parents
        ]
        connection.execute(
            sql.SQL("create table {} ({})").format(full, sql.SQL(", ").join(columns))
        )
        for row in table.rows:
            connection.execute(
                sql.SQL("insert into {0} select (jsonb_populate_record(null::{0}, {1})).*").format(
                    full, sql.Literal(json.dumps(row))
                )
            )
        if table.policy:
            connection.execute(sql.SQL("alter table {} enable row level security").format(full))
            connection.execute(
                sql.SQL("create policy shown on {} for select using ({})").format(
                    full,
                    sql.SQL(table.policy),
                )
            )
    for statement in (
        "grant usage on schema {} to {}",
        "grant select on all tables in schema {} to {}",
    ):
        roles = sql.SQL("anon, authenticated, service_role")
        connection.execute(sql.SQL(statement).format(name, roles))
