"""The claims of an access token, and what a hook may make of them.

https://supabase.com/docs/guides/auth/jwt-fields
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from backstay.auth.errors import AuthError, Code
from backstay.auth.model import AAL2_METHODS, Method, User
from backstay.config.auth import AuthSettings


def issuer(settings: AuthSettings) -> str:
    """The claim ``iss``."""
    return settings.jwt_issuer or settings.external_url


def access_claims(
    user: User,
    session_id: str,
    methods: tuple[Method, ...],
    settings: AuthSettings,
    now: datetime,
) -> dict[str, Any]:
    """The claims of ``user`` in the session whose ``methods`` are given, newest first."""
    issued = int(now.timestamp())
    iss = issuer(settings)
    return {
        **({"iss": iss} if iss else {}),
        "sub": user.id,
        "aud": user.aud,
        "exp": issued + settings.jwt_expiry,
        "iat": issued,
        "email": user.email,
        "phone": user.phone,
        "app_metadata": user.app_metadata,
        "user_metadata": user.user_metadata,
        "role": user.role,
        "aal": assurance(methods),
        "amr": [{"method": m.name, "timestamp": int(m.at.timestamp())} for m in methods],
        "session_id": session_id,
        "is_anonymous": user.is_anonymous,
    }


def assurance(methods: tuple[Method, ...]) -> str:
    """aal2 once a second factor was used."""
    return "aal2" if any(method.name in AAL2_METHODS for method in methods) else "aal1"


def _is_integer(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_methods(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str | dict) for entry in value)


_SHAPES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "aud": (lambda value: isinstance(value, str | list), "string or array"),
    "exp": (_is_integer, "integer"),
    "iat": (_is_integer, "integer"),
    "nbf": (_is_integer, "integer"),
    "jti": (_is_text, "string"),
    "iss": (_is_text, "string"),
    "sub": (_is_text, "string"),
    "email": (_is_text, "string"),
    "phone": (_is_text, "string"),
    "role": (_is_text, "string"),
    "aal": (_is_text, "string"),
    "session_id": (_is_text, "string"),
    "client_id": (_is_text, "string"),
    "app_metadata": (_is_object, "object"),
    "user_metadata": (_is_object, "object"),
    "amr": (_is_methods, "array of strings or objects"),
}
_REQUIRED: Final = (
    "aud",
    "exp",
    "iat",
    "sub",
    "email",
    "phone",
    "role",
    "aal",
    "session_id",
    "is_anonymous",
)


def checked(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """``claims`` as a hook returned them. Raises ``AuthError`` 500 when a service would stumble."""
    wrong = [f"- (root): {name} is required\n" for name in _REQUIRED if name not in claims]
    for name, (fits, expected) in _SHAPES.items():
        if name in claims and not fits(claims[name]):
            wrong.append(f"- {name}: Invalid type. Expected: {expected}\n")
    if wrong:
        listed = "".join(wrong)
        raise AuthError(
            500,
            Code.UNEXPECTED_FAILURE,
            f"output claims do not conform to the expected schema: \n{listed}",
        )
    return claims
