"""One-time tokens: the statements that store one, and the mail that tells its code.

Each function checks how often it may be asked, returns the statements for the caller's transaction
and leaves the mail on the call, to be sent once that transaction is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backstay.auth.errors import AuthError, Code, internal
from backstay.auth.kit import Call, Kit, new_id
from backstay.auth.mailer import Kind, Mail, verify_link
from backstay.auth.model import User
from backstay.auth.one_time import PKCE, new_code, token_hash
from backstay.auth.statements import update_user
from backstay.auth.times import after, stored
from backstay.db.model import Param, Query


@dataclass(frozen=True, slots=True)
class Pkce:
    """The code challenge of a client that wants a code to exchange; empty for none."""

    challenge: str = ""
    method: str = ""

    def __bool__(self) -> bool:
        return bool(self.challenge)


def confirmation(
    kit: Kit, call: Call, user: User, pkce: Pkce, *, kind: Kind = "signup"
) -> list[Query]:
    """Ask ``user`` to confirm the address it signed up, or was invited, with."""
    if kind == "signup":
        _check_frequency(kit, call, user.confirmation_sent_at)
    hashed = _tell(kit, call, user, kind, user.email, pkce)
    sent = {"confirmation_token": hashed, "confirmation_sent_at": stored(call.now)}
    if kind == "invite":
        sent["invited_at"] = stored(call.now)
    return [
        update_user(user.id, call.now, sent),
        _store(kit, call, user, "confirmation_token", hashed, user.email),
        *_flow(kit, call, user, pkce, "email", "email/signup"),
    ]


def recovery(kit: Kit, call: Call, user: User, pkce: Pkce, kind: Kind) -> list[Query]:
    """A link to sign in with (``magiclink``), or to set a new password (``recovery``)."""
    _check_frequency(kit, call, user.recovery_sent_at)
    hashed = _tell(kit, call, user, kind, user.email, pkce)
    sent = {"recovery_token": hashed, "recovery_sent_at": stored(call.now)}
    return [
        update_user(user.id, call.now, sent),
        _store(kit, call, user, "recovery_token", hashed, user.email),
        *_flow(kit, call, user, pkce, kind, kind),
    ]


def reauthentication(kit: Kit, call: Call, user: User) -> list[Query]:
    """A code that proves the user is still at the address."""
    _check_frequency(kit, call, user.reauthentication_sent_at)
    hashed = _tell(kit, call, user, "reauthentication", user.email, Pkce())
    sent = {"reauthentication_token": hashed, "reauthentication_sent_at": stored(call.now)}
    return [
        update_user(user.id, call.now, sent),
        _store(kit, call, user, "reauthentication_token", hashed, user.email),
    ]


def email_change(kit: Kit, call: Call, user: User, wanted: str, pkce: Pkce) -> list[Query]:
    """Ask the new address, and the old one where both confirm, to agree to the change."""
    _check_frequency(kit, call, user.email_change_sent_at)
    new_hash = _tell(kit, call, user, "email_change", wanted, pkce, new_email=wanted)
    changes: dict[str, Param] = {
        "email_change": wanted,
        "email_change_token_new": new_hash,
        "email_change_sent_at": stored(call.now),
        "email_change_confirm_status": "0",
    }
    tokens = [_store(kit, call, user, "email_change_token_new", new_hash, wanted)]
    if kit.settings.email.double_confirm_changes and user.email:
        old_hash = _tell(kit, call, user, "email_change", user.email, pkce, new_email=wanted)
        changes["email_change_token_current"] = old_hash
        tokens.append(_store(kit, call, user, "email_change_token_current", old_hash, user.email))
    flow = _flow(kit, call, user, pkce, "email_change", "email_change")
    return [update_user(user.id, call.now, changes), *tokens, *flow]


async def send_mails(kit: Kit, call: Call) -> None:
    """Send what the committed transaction promised. Raises ``AuthError`` 500."""
    for mail in call.mails:
        try:
            await kit.mailer.send(mail)
        except Exception as error:
            raise internal(f"Error sending {_NAMES[mail.kind]} email") from error
    call.mails.clear()


_NAMES: dict[Kind, str] = {
    "signup": "confirmation",
    "invite": "invite",
    "magiclink": "magic link",
    "recovery": "recovery",
    "email_change": "email change",
    "reauthentication": "reauthentication",
}


def _check_frequency(kit: Kit, call: Call, sent_at: datetime | None) -> None:
    if sent_at is None:
        return
    until = after(sent_at, kit.settings.email.max_frequency)
    if until > call.now:
        left = int((until - call.now).total_seconds())
        raise AuthError(
            429,
            Code.OVER_EMAIL_SEND_RATE_LIMIT,
            f"For security purposes, you can only request this after {left} seconds.",
        )


def _tell(
    kit: Kit, call: Call, user: User, kind: Kind, to: str, pkce: Pkce, *, new_email: str = ""
) -> str:
    """Leaves the mail with a fresh code on the call; the hash to store."""
    code = new_code(kit.settings.email.otp_length)
    hashed = (PKCE if pkce else "") + token_hash(to, code)
    target = kit.redirects.choose(_wanted_redirect(call), call.header("referer"))
    link = verify_link(kit.settings.external_url, hashed, kind, target)
    call.mails.append(
        Mail(
            kind=kind,
            to=to,
            token=code,
            token_hash=hashed,
            link="" if kind == "reauthentication" else link,
            redirect_to=target,
            new_email=new_email,
            data=user.user_metadata,
        )
    )
    return hashed


def _wanted_redirect(call: Call) -> str:
    return call.header("redirect_to") or call.query.get("redirect_to", "")


def _store(kit: Kit, call: Call, user: User, kind: str, hashed: str, relates_to: str) -> Query:
    return kit.statements(
        "put_one_time_token", new_id(), user.id, kind, hashed, relates_to, stored(call.now)
    )


def _flow(
    kit: Kit, call: Call, user: User, pkce: Pkce, provider: str, method: str
) -> Sequence[Query]:
    if not pkce:
        return ()
    return (
        kit.statements(
            "insert_flow_state",
            new_id(),
            user.id,
            new_id(),
            pkce.method.lower(),
            pkce.challenge,
            provider,
            method,
            stored(call.now),
        ),
    )
