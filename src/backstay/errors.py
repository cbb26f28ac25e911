"""The error family every room builds on.

    BackstayError                 anything backstay raises on purpose
    ├── OperatorError             for the person at the terminal: what, why, and the next command
    └── HttpError                 for the client of a service: status, code, message, details, hint
        ├── rest.errors.*         PostgREST's codes (PGRSTxxx and SQLSTATEs)
        ├── auth.errors.*         GoTrue's codes
        └── gateway.errors.*      what the gateway itself refuses

The cause (an exception, a file name, a query) stays in ``__cause__`` and in the log; it is never
part of the public text.
"""

from __future__ import annotations

from collections.abc import Sequence


class BackstayError(Exception):
    """Base of every error raised on purpose."""


class OperatorError(BackstayError):
    """An error for the person who runs backstay.

    ``what`` happened, ``why``, and the ``next`` command or change that mends it. The command line
    prints the three; nothing else formats them.
    """

    def __init__(self, what: str, *, why: str = "", next: str = "") -> None:  # noqa: A002
        super().__init__(what)
        self.what = what
        self.why = why
        self.next = next

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.next) if part)


class HttpError(BackstayError):
    """An error a service answers with. How it is written to the wire is the service's dialect."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: str | None = None,
        hint: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.hint = hint
        self.headers = tuple(headers)
