"""Every refusal of the auth service: the closed list of codes, and how one is written to the wire.

A client that names API version 2024-01-01 or later gets ``{"code": "<code>", "message": …}``; an
older one gets ``{"code": <status>, "error_code": "<code>", "msg": …}``. Both carry the header
``x-sb-error-code``. https://supabase.com/docs/guides/auth/debugging/error-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from backstay.db.model import DatabaseError
from backstay.errors import HttpError


class Code(StrEnum):
    """What ``error.code`` is in supabase-js; frozen names."""

    ANONYMOUS_PROVIDER_DISABLED = "anonymous_provider_disabled"
    BAD_CODE_VERIFIER = "bad_code_verifier"
    BAD_JSON = "bad_json"
    BAD_JWT = "bad_jwt"
    CONFLICT = "conflict"
    EMAIL_EXISTS = "email_exists"
    EMAIL_NOT_CONFIRMED = "email_not_confirmed"
    EMAIL_PROVIDER_DISABLED = "email_provider_disabled"
    FEATURE_DISABLED = "feature_disabled"
    FLOW_STATE_EXPIRED = "flow_state_expired"
    FLOW_STATE_NOT_FOUND = "flow_state_not_found"
    INSUFFICIENT_AAL = "insufficient_aal"
    INVALID_CREDENTIALS = "invalid_credentials"
    MANUAL_LINKING_DISABLED = "manual_linking_disabled"
    NO_AUTHORIZATION = "no_authorization"
    NOT_ADMIN = "not_admin"
    OTP_DISABLED = "otp_disabled"
    OTP_EXPIRED = "otp_expired"
    OVER_EMAIL_SEND_RATE_LIMIT = "over_email_send_rate_limit"
    PASSKEY_DISABLED = "passkey_disabled"
    PHONE_EXISTS = "phone_exists"
    PHONE_NOT_CONFIRMED = "phone_not_confirmed"
    PHONE_PROVIDER_DISABLED = "phone_provider_disabled"
    PROVIDER_DISABLED = "provider_disabled"
    REAUTHENTICATION_NEEDED = "reauthentication_needed"
    REAUTHENTICATION_NOT_VALID = "reauthentication_not_valid"
    REFRESH_TOKEN_ALREADY_USED = "refresh_token_already_used"  # noqa: S105
    REFRESH_TOKEN_NOT_FOUND = "refresh_token_not_found"  # noqa: S105
    REQUEST_ENTITY_TOO_LARGE = "request_entity_too_large"
    REQUEST_TIMEOUT = "request_timeout"
    SAME_PASSWORD = "same_password"  # noqa: S105
    SAML_PROVIDER_DISABLED = "saml_provider_disabled"
    SESSION_EXPIRED = "session_expired"
    SESSION_NOT_FOUND = "session_not_found"
    SIGNUP_DISABLED = "signup_disabled"
    SMS_SEND_FAILED = "sms_send_failed"
    UNEXPECTED_FAILURE = "unexpected_failure"
    UNKNOWN = "unknown"
    USER_ALREADY_EXISTS = "user_already_exists"
    USER_BANNED = "user_banned"
    USER_NOT_FOUND = "user_not_found"
    USER_SSO_MANAGED = "user_sso_managed"
    VALIDATION_FAILED = "validation_failed"
    WEAK_PASSWORD = "weak_password"  # noqa: S105
    WEB3_PROVIDER_DISABLED = "web3_provider_disabled"


class AuthError(HttpError):
    """A refusal; ``reasons`` only for a weak password (length, characters, pwned)."""

    def __init__(
        self, status: int, code: Code, message: str, *, reasons: tuple[str, ...] = ()
    ) -> None:
        super().__init__(status, code, message)
        self.reasons = reasons


def bad_request(code: Code, message: str) -> AuthError:
    return AuthError(400, code, message)


def invalid(message: str) -> AuthError:
    """400 ``validation_failed``, the commonest refusal."""
    return AuthError(400, Code.VALIDATION_FAILED, message)


def forbidden(code: Code, message: str) -> AuthError:
    return AuthError(403, code, message)


def not_found(code: Code, message: str) -> AuthError:
    return AuthError(404, code, message)


def unprocessable(code: Code, message: str) -> AuthError:
    return AuthError(422, code, message)


def internal(message: str) -> AuthError:
    """500 ``unexpected_failure``; raise it ``from`` its cause, which stays out of the answer."""
    return AuthError(500, Code.UNEXPECTED_FAILURE, message)


UNEXPECTED: Final = "Unexpected failure, please check server logs for more information"

_GRANT: Final = frozenset(
    {
        Code.INVALID_CREDENTIALS,
        Code.EMAIL_NOT_CONFIRMED,
        Code.PHONE_NOT_CONFIRMED,
        Code.USER_BANNED,
        Code.REFRESH_TOKEN_ALREADY_USED,
        Code.REFRESH_TOKEN_NOT_FOUND,
        Code.SESSION_EXPIRED,
        Code.SESSION_NOT_FOUND,
    }
)
_OAUTH_BY_STATUS: Final = {
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
    503: "temporarily_unavailable",
}
_PUBLIC_STATES: Final = frozenset(
    {"P0001", "23000", "23001", "23502", "23503", "23505", "23514", "23P01"}
)


def oauth_name(error: AuthError) -> str:
    """RFC 6749's name for a refusal: ``invalid_grant`` for credentials, else by status."""
    if error.status == 400 and error.code in _GRANT:
        return "invalid_grant"
    return _OAUTH_BY_STATUS.get(error.status, "invalid_request")


def versioned_body(error: AuthError) -> dict[str, Any]:
    """The body for API version 2024-01-01."""
    weak = {"weak_password": {"reasons": error.reasons}} if error.reasons else {}
    return {"code": str(error.code), "message": error.message, **weak}


def legacy_body(error: AuthError, request_id: str, *, oauth_fields: bool) -> dict[str, Any]:
    """The body without an API version; ``error_id`` only on 5xx."""
    body: dict[str, Any] = {
        "code": error.status,
        "error_code": str(error.code),
        "msg": error.message,
    }
    if error.status >= 500 and request_id:
        body["error_id"] = request_id
    if error.reasons:
        body["weak_password"] = {"reasons": error.reasons}
    if oauth_fields:
        body |= {"error": oauth_name(error), "error_description": error.message}
    return body


def raised_in_database(error: AuthError) -> tuple[int, Mapping[str, Any]] | None:
    """Status and body when an application's own trigger or constraint refused.

    Older clients are shown PostgreSQL's message then; ``raise … using errcode = 'PT4xx'`` chooses
    the status. None when the cause is anything else.
    """
    cause = error.__cause__
    if not isinstance(cause, DatabaseError):
        return None
    if cause.sqlstate.startswith("PT") and cause.sqlstate[2:].isdecimal():
        status = int(cause.sqlstate[2:])
    elif cause.sqlstate in _PUBLIC_STATES:
        status = 500
    else:
        return None
    if not 200 <= status <= 599:
        return None
    shown = {
        "code": cause.sqlstate,
        "message": cause.message,
        "hint": cause.hint,
        "detail": cause.detail,
    }
    return status, {name: text for name, text in shown.items() if text}
