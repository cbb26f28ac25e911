"""The first statement of a transaction: who it runs as.

One ``select`` of ``set_config(name, value, true)`` calls: values are parameters, and the text
depends only on the *names*, so it is prepared once per set of names. The calls are the arguments of
``num_nulls``, which evaluates them in order and answers one small integer: nothing that was sent
(claims, headers) travels back.

The role comes before the settings, so that settings only a superuser may change are refused to the
role, as they would be to the role itself. Only the settings of the role itself come before it.
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SET
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from backstay.db.model import Session
from backstay.db.quote import quote_literal

_ARGUMENTS_PER_CALL = 50
"""A function takes at most 100 arguments."""


def prelude(session: Session) -> tuple[str, tuple[str, ...]]:
    """The statement that makes a transaction ``session``'s, and its parameters.

    The statement is empty when the session asks for nothing.
    """
    names: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    if session.settings:
        names, values = zip(*session.settings, strict=True)
    early: tuple[str, ...] = ()
    if session.role:
        values = (session.role, *values)
    if session.role_settings:
        early, early_values = zip(*session.role_settings, strict=True)
        values = (*early_values, *values)
    if session.search_path:
        values = (session.search_path, *values)
    text = _text(bool(session.search_path), early, bool(session.role), session.read_only, names)
    return text, values


@lru_cache(maxsize=1024)
def _text(
    search_path: bool, early: tuple[str, ...], role: bool, read_only: bool, names: tuple[str, ...]
) -> str:
    fixed = [*(["search_path"] if search_path else []), *early, *(["role"] if role else [])]
    calls = [
        f"pg_catalog.set_config({quote_literal(name)},${number},true)"
        for number, name in enumerate([*fixed, *names], start=1)
    ]
    if read_only:
        calls.append("pg_catalog.set_config('transaction_read_only','on',true)")
    rest = iter(calls)
    columns = []
    while part := ",".join(islice(rest, _ARGUMENTS_PER_CALL)):
        columns.append(f"pg_catalog.num_nulls({part})")
    return "select " + ",".join(columns) if columns else ""
