"""How a setting is declared: once, as a field of a frozen dataclass, with everything said of it.

    max_rows: int = setting(1000, "Rows a read returns at most.", env=("PGRST_DB_MAX_ROWS",))

From the field follow the key in the file (the field's name, or ``key``), the environment variables,
the command line help and the generated reference page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

METADATA = "backstay"


@dataclasses.dataclass(frozen=True, slots=True)
class Declared:
    """What is said of a setting beside its name, type and default."""

    doc: str
    env: tuple[str, ...] = ()
    key: str = ""
    honoured: bool = True
    secret: bool = False
    parse: Callable[[Any], Any] | None = None


def setting(
    default: Any = dataclasses.MISSING,
    doc: str = "",
    *,
    factory: Callable[[], Any] | None = None,
    env: tuple[str, ...] = (),
    key: str = "",
    honoured: bool = True,
    secret: bool = False,
    parse: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare a setting.

    ``env``: environment variables that override the file, first one wins. ``key``: its name in the
    file when it differs from the field's. ``honoured`` False: read and listed by
    ``backstay config`` as not yet acted upon. ``secret``: never shown in a dump or a log.
    ``parse``: turns the file's or environment's value into the field's type; raises ``ValueError``.
    """
    metadata = {METADATA: Declared(doc, env, key, honoured, secret, parse)}
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def declared(field: dataclasses.Field[Any]) -> Declared | None:
    """What was declared of ``field``; None for a field that is not a setting."""
    found = field.metadata.get(METADATA)
    return found if isinstance(found, Declared) else None
