"""What anybody may know: health, settings, keys and metadata."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from backstay.auth.claims import issuer
from backstay.auth.errors import Code, not_found
from backstay.auth.kit import Call, Kit
from backstay.web import Response

PROVIDERS: Final = (
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "snapchat",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
    "zoom",
)
"""The providers ``/settings`` lists."""

_SMS_PROVIDERS: Final = ("twilio", "twilio_verify", "messagebird", "textlocal", "vonage")
_CACHED: Final = ("cache-control", "public, max-age=600")


async def health(kit: Kit, call: Call) -> Response:
    """GET /health."""
    return call.reply(
        {
            "version": f"backstay {version('backstay')}",
            "name": "GoTrue",
            "description": "GoTrue is a user registration and authentication API",
        }
    )


async def settings(kit: Kit, call: Call) -> Response:
    """GET /settings: which ways in there are."""
    configured = kit.settings
    external: dict[str, Any] = {"anonymous_users": configured.enable_anonymous_sign_ins}
    for name in PROVIDERS:
        provider = configured.external.get(name)
        external[name] = provider is not None and provider.enabled
    external["email"] = configured.email.enable_signup
    external["phone"] = configured.sms.enable_signup
    used = [name for name in _SMS_PROVIDERS if getattr(configured.sms, name).enabled]
    return call.reply(
        {
            "external": external,
            "disable_signup": not configured.enable_signup,
            "mailer_autoconfirm": not configured.email.enable_confirmations,
            "phone_autoconfirm": not configured.sms.enable_confirmations,
            "sms_provider": used[0] if used else "",
            "saml_enabled": False,
            "saml_private_key_next_configured": False,
            "passkeys_enabled": configured.passkey.enabled,
        }
    )


async def jwks(kit: Kit, call: Call) -> Response:
    """GET /.well-known/jwks.json: the public keys tokens are verified with."""
    call.headers.append(_CACHED)
    return call.reply(kit.jwks)


async def openid_configuration(kit: Kit, call: Call) -> Response:
    """GET /.well-known/openid-configuration."""
    base = issuer(kit.settings).rstrip("/")
    call.headers.append(_CACHED)
    return call.reply(
        {
            "issuer": issuer(kit.settings),
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}/oauth/token",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "userinfo_endpoint": f"{base}/oauth/userinfo",
            "scopes_supported": ["openid", "profile", "email", "phone", "offline_access"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "ES256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
            "claims_supported": [
                "sub",
                "aud",
                "iss",
                "exp",
                "iat",
                "auth_time",
                "nonce",
                "email",
                "email_verified",
                "phone_number",
                "phone_number_verified",
                "name",
                "picture",
                "preferred_username",
                "updated_at",
            ],
            "code_challenge_methods_supported": ["S256", "plain"],
        }
    )


async def authorization_server(kit: Kit, call: Call) -> Response:
    """GET /.well-known/oauth-authorization-server: only where there is one."""
    if not kit.settings.oauth_server.enabled:
        raise not_found(Code.FEATURE_DISABLED, "OAuth server is disabled")
    return await openid_configuration(kit, call)
