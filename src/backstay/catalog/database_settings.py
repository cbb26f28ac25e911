"""In-database configuration: ``pgrst.*`` settings of the login role, and the pre-config function.

https://docs.postgrest.org/en/stable/references/configuration.html#in-database-configuration
"""

from __future__ import annotations

from backstay.catalog.rows import records, sql, text_array
from backstay.config.postgrest import DATABASE_SETTINGS
from backstay.db.model import Query, Result
from backstay.db.quote import quote_ident

SQL = sql("database_settings")

NAMES = text_array(f"pgrst.{name}" for name in DATABASE_SETTINGS)

AFTER_PRE_CONFIG_SQL = """
select json_build_array(substr(name, 7), current_setting(name, true))
from unnest($1::text[]) name
where current_setting(name, true) is not null
"""


def queries(pre_config: str) -> list[Query]:
    """To be run in one transaction, as the login role. ``pre_config``: the function, or empty."""
    role = Query(SQL, (NAMES,), prepare=False)
    if not pre_config:
        return [role]
    function = ".".join(map(quote_ident, pre_config.split(".", 1)))
    return [
        Query(f"select {function}()", prepare=False),
        Query(AFTER_PRE_CONFIG_SQL, (NAMES,), prepare=False),
        role,
    ]


def build(results: list[Result]) -> dict[str, str]:
    """Settings by name without prefix; what is set on the role wins over the function."""
    found: dict[str, str] = {}
    for result in results[-2:] if len(results) > 1 else results:
        found.update((name, value) for name, value in records(result))
    return found
