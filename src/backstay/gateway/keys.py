"""From the API key a client sends to the ``Authorization`` a service reads.

As the Supabase CLI's gateway does it: an ``Authorization`` of the client's own stays; without one,
or when it only repeats an opaque key (``Bearer sb_…``), the API key decides: a publishable key
becomes the anon token, a secret key the service_role token, any other key is copied as it is. An
opaque key that is not this project's is refused, so that a key of one project says so at another
instead of passing as anonymous.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus

from backstay.gateway.errors import NoApiKey, UnknownApiKey
from backstay.tokens.api_keys import ProjectKeys

_BEARER_OPAQUE: Final = "Bearer sb_"
_PARAMETER: Final = "apikey"


def authorization(keys: ProjectKeys, sent: str | None, apikey: str) -> str | None:
    """The ``Authorization`` a service sees; None when it sees none, which means anon.

    ``sent`` is the client's own ``Authorization``, ``apikey`` its key or "". Raises
    ``UnknownApiKey``.
    """
    if sent is not None and not sent.startswith(_BEARER_OPAQUE):
        return sent
    token = role_token(keys, apikey or (sent or "")[len("Bearer ") :])
    if not token:
        return None
    return token if token == apikey else f"Bearer {token}"


def role_token(keys: ProjectKeys, apikey: str) -> str:
    """The token an API key stands for; a key that is not opaque stands for itself."""
    if apikey == keys.publishable_key:
        return keys.anon_key
    if apikey == keys.secret_key:
        return keys.service_role_key
    if apikey.startswith("sb_"):
        raise UnknownApiKey
    return apikey


def check_presence(apikey: str, *, required: bool) -> None:
    """Raises ``NoApiKey`` when a key is required and none was sent."""
    if required and not apikey:
        raise NoApiKey


def query_key(query: str) -> str:
    """The ``apikey`` of a query string, decoded; "" when there is none."""
    if _PARAMETER not in query:
        return ""
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == _PARAMETER:
            return unquote_plus(value)
    return ""


def without_key(query: str) -> str:
    """``query`` without its ``apikey``, which PostgREST would take for a column."""
    if _PARAMETER not in query:
        return query
    return "&".join(part for part in query.split("&") if part.partition("=")[0] != _PARAMETER)


def with_token(query: str, token: str) -> str:
    """``query`` with ``token`` in place of its ``apikey``, for a websocket that has no headers."""
    parts = (
        f"{_PARAMETER}={token}" if part.partition("=")[0] == _PARAMETER else part
        for part in query.split("&")
    )
    return "&".join(parts)
