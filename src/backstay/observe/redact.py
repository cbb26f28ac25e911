"""Takes secrets out of text before anyone sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

HIDDEN: Final = "[hidden]"

_CONFIDENTIAL: Final = (
    "apikey|api_key|access_token|refresh_token|id_token|provider_token|provider_refresh_token"
    "|token|token_hash|password|secret|client_secret|code|code_verifier|otp|signature|jwt"
    "|x-amz-signature|x-amz-credential|x-amz-security-token"
)
_CONFIDENTIAL_HEADERS: Final = frozenset(
    {"authorization", "apikey", "cookie", "set-cookie", "proxy-authorization", "x-api-key"}
)
_NAMED_VALUE: Final = re.compile(
    rf"(?i)(?P<name>(?:^|[?&#;\s\"'{{,])(?:{_CONFIDENTIAL})[\"']?\s*[=:]\s*[\"']?)[^&#;\s\"',}}]+"
)
_JWT: Final = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_OPAQUE_KEY: Final = re.compile(r"\bsb_(publishable|secret)_[\w-]+")
_USER_INFO: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://[^:/?#\s@]*:)[^@/\s]+@")


def redact(text: str) -> str:
    """``text`` with tokens, API keys, passwords and secret parameters replaced."""
    text = _JWT.sub(HIDDEN, text)
    text = _OPAQUE_KEY.sub(HIDDEN, text)
    text = _USER_INFO.sub(rf"\g<scheme>{HIDDEN}@", text)
    return _NAMED_VALUE.sub(rf"\g<name>{HIDDEN}", text)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """``headers`` fit to be shown: the ones that carry credentials are hidden."""
    return {
        name: HIDDEN if name.lower() in _CONFIDENTIAL_HEADERS else redact(value)
        for name, value in headers.items()
    }
