"""Where mail goes. Delivery is another room's work; a flow only says what to tell whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import quote_plus

Kind = Literal["signup", "invite", "magiclink", "recovery", "email_change", "reauthentication"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message: what kind, to which address, with which code and link.

    ``link`` is empty for a reauthentication, which has only a code. ``data`` is the user's
    metadata, for templates.
    """

    kind: Kind
    to: str
    token: str
    token_hash: str
    link: str
    redirect_to: str
    new_email: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


class Mailer(Protocol):
    """Takes a message once its transaction is committed. Raises when it cannot."""

    async def send(self, mail: Mail) -> None: ...


class CapturedMailer:
    """Keeps messages instead of delivering them, newest last, at most ``limit`` of them."""

    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self.outbox: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.outbox.append(mail)
        del self.outbox[: -self._limit]


def verify_link(external_url: str, token_hash: str, kind: str, redirect_to: str) -> str:
    """The link of a mail: the verify endpoint, with where to go afterwards."""
    # A target without these characters is taken as encoded by the caller already.
    target = quote_plus(redirect_to) if set("&=#") & set(redirect_to) else redirect_to
    query = f"token={quote_plus(token_hash)}&type={kind}&redirect_to={target}"
    return f"{external_url}/verify?{query}"
