"""What a refresh token may still do: the rules of rotation, without I/O.

    presented token            → decision
    ─────────────────────────────────────────────────────────────────────────────
    not revoked                → ROTATE   it is spent, a child is issued
    revoked, parent of active  → RETURN   the active one again: the last reply was lost
    revoked, in the interval   → ROTATE   tabs that refreshed at once
    revoked, rotation on       → REVOKE   the whole family: somebody else has the token
    revoked, rotation off      → REFUSE   this request only

And before that, whether its session still is: see ``lapsed``.
https://supabase.com/docs/guides/auth/sessions
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from backstay.auth.model import RefreshToken, Session
from backstay.auth.times import LONG_AGO, after
from backstay.config.auth import AuthSettings

_ALPHABET: Final = string.ascii_lowercase + string.digits
_LENGTH: Final = 12
_FORMAT: Final = re.compile(rf"[a-z0-9]{{{_LENGTH}}}")


class Decision(Enum):
    """What happens to the token presented."""

    ROTATE = "rotate"
    RETURN = "return"
    REVOKE = "revoke"
    REFUSE = "refuse"


class Lapse(Enum):
    """Why a session is over, as the client is told."""

    EXPIRED = "Invalid Refresh Token: Session Expired"
    INACTIVE = "Invalid Refresh Token: Session Expired (Inactivity)"


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings rotation depends on; seconds, 0 means no limit."""

    rotation: bool
    reuse_interval: float
    timebox: float
    inactivity: float

    @classmethod
    def of(cls, settings: AuthSettings) -> Rules:
        return cls(
            settings.enable_refresh_token_rotation,
            settings.refresh_token_reuse_interval,
            settings.sessions.timebox,
            settings.sessions.inactivity_timeout,
        )


def decide(
    presented: RefreshToken, active: RefreshToken | None, rules: Rules, now: datetime
) -> Decision:
    """What to do with ``presented`` when ``active`` is its session's newest unrevoked token."""
    if not presented.revoked:
        return Decision.ROTATE
    if active is not None and active.parent == presented.token:
        return Decision.RETURN
    if now <= after(presented.updated_at, rules.reuse_interval):
        return Decision.ROTATE
    return Decision.REVOKE if rules.rotation else Decision.REFUSE


def lapsed(
    session: Session, token_time: datetime | None, rules: Rules, now: datetime
) -> Lapse | None:
    """Why ``session`` is over, or None. ``token_time``: when its token was last touched."""
    if session.not_after is not None and now > session.not_after:
        return Lapse.EXPIRED
    if rules.timebox and now > after(session.created_at, rules.timebox):
        return Lapse.EXPIRED
    if rules.inactivity and now > after(last_refreshed(session, token_time), rules.inactivity):
        return Lapse.INACTIVE
    return None


def last_refreshed(session: Session, token_time: datetime | None) -> datetime:
    """When the session was last seen; its refresh time came later than the token's own."""
    if session.refreshed_at is not None:
        return session.refreshed_at
    return max(session.created_at, token_time or session.created_at)


def since(limit: float, now: datetime) -> datetime:
    """The earliest moment that is still within ``limit`` seconds; ever, without a limit."""
    return after(now, -limit) if limit else LONG_AGO


def is_token(text: str) -> bool:
    """Whether ``text`` looks like a refresh token at all."""
    return _FORMAT.fullmatch(text) is not None


def new_token() -> str:
    """A refresh token nobody has."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
