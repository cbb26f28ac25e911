"""E-mail addresses and phone numbers, as they are accepted and stored."""

from __future__ import annotations

import re
from typing import Final

from backstay.auth.errors import invalid

_EMAIL: Final = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@"
    r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_PHONE: Final = re.compile(r"[1-9][0-9]{1,14}")


def valid_email(text: str) -> str:
    """The address in lower case. Raises ``AuthError`` 400 ``validation_failed``."""
    if not text:
        raise invalid("An email address is required")
    if len(text) > 255:
        raise invalid("An email address is too long")
    if not _EMAIL.fullmatch(text):
        raise invalid("Unable to validate email address: invalid format")
    return text.lower()


def valid_phone(text: str) -> str:
    """The number without plus and spaces. Raises ``AuthError`` 400 ``validation_failed``."""
    number = plain_phone(text)
    if not _PHONE.fullmatch(number):
        raise invalid("Invalid phone number format (E.164 required)")
    return number


def plain_phone(text: str) -> str:
    """The number as it is stored, whether valid or not."""
    return text.removeprefix("+").replace(" ", "")
