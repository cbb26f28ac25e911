"""Moments as the auth service writes them, reads them from the database, and compares them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

FOREVER: Final = datetime.max.replace(tzinfo=UTC)
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def wire(moment: datetime) -> str:
    """RFC 3339 in UTC with no trailing zeros in the fraction: ``2026-01-02T03:04:05.67Z``."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def stored(moment: datetime) -> str:
    """As a parameter for a ``timestamptz``."""
    return moment.astimezone(UTC).isoformat()


def read(text: str) -> datetime:
    """A timestamp of the database's JSON; one without a zone is UTC, infinities are clamped."""
    if text == "infinity":
        return FOREVER
    if text == "-infinity":
        return LONG_AGO
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        # Years Python's calendar does not have: PostgreSQL's reach to 294276 AD and 4713 BC.
        return LONG_AGO if text.endswith("BC") else FOREVER
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def maybe(text: str | None) -> datetime | None:
    """Like ``read``; None stays None."""
    return None if text is None else read(text)


def after(moment: datetime, seconds: float) -> datetime:
    """``seconds`` later, clamped to what a datetime can hold."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return FOREVER if seconds > 0 else LONG_AGO
