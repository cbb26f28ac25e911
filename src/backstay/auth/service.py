"""The auth service: a request finds its flow, a refusal its shape."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from backstay.auth import admin_users, discovery, links, user
from backstay.auth.bearer import require_admin, require_user
from backstay.auth.errors import (
    UNEXPECTED,
    AuthError,
    Code,
    bad_request,
    internal,
    legacy_body,
    not_found,
    raised_in_database,
    unprocessable,
    versioned_body,
)
from backstay.auth.kit import Call, Kit, to_json
from backstay.auth.logout import logout
from backstay.auth.mailer import Mailer
from backstay.auth.password_grant import password_grant
from backstay.auth.passwords import Hasher
from backstay.auth.pkce_grant import pkce_grant
from backstay.auth.redirects import Redirects
from backstay.auth.refresh_grant import refresh_grant
from backstay.auth.rotation import Rules
from backstay.auth.signup import signup
from backstay.auth.statements import Statements
from backstay.auth.verify import verify_get, verify_post
from backstay.clock import Clock
from backstay.config.auth import AuthSettings
from backstay.config.auth_profile import AuthProfile
from backstay.db.model import DatabaseError, DatabaseUnavailable, PoolTimeout
from backstay.db.pool import Pool
from backstay.errors import BackstayError
from backstay.observe.bus import Bus
from backstay.observe.events import Failed
from backstay.tokens.model import Verifier
from backstay.tokens.sign import Signer
from backstay.web import Header, Request, Response

Flow = Callable[..., Awaitable[Response]]

VERSION_HEADER: Final = "x-supabase-api-version"
VERSION: Final = date(2024, 1, 1)
"""The first, and so far only, named version of the API."""


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint. Groups of ``path`` are arguments of ``flow``; ``admin``: for its tokens only."""

    method: str
    path: str
    flow: Flow
    admin: bool = False


class AuthService:
    """The GoTrue dialect for one project; ``await service(request)`` with ``/auth/v1`` removed.

    ``jwks`` is the public key set to publish. ``observer`` hears of what became a 500. ``hasher``
    is given in tests, to hash cheaply.
    """

    def __init__(
        self,
        pool: Pool,
        settings: AuthSettings,
        *,
        profile: AuthProfile,
        signer: Signer,
        verifier: Verifier,
        clock: Clock,
        mailer: Mailer,
        observer: Bus | None = None,
        jwks: Mapping[str, Any] | None = None,
        hasher: Hasher | None = None,
    ) -> None:
        self._kit = Kit(
            pool=pool,
            settings=settings,
            profile=profile,
            statements=Statements(profile),
            signer=signer,
            verifier=verifier,
            clock=clock,
            mailer=mailer,
            hasher=hasher or Hasher(),
            redirects=Redirects(settings.site_url, settings.additional_redirect_urls),
            rules=Rules.of(settings),
            jwks=jwks or {"keys": []},
        )
        self._observer = observer

    async def __call__(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except AuthError as error:
            return self._refusal(request, error)
        except PoolTimeout as error:
            return self._refusal(request, _unavailable(504, Code.REQUEST_TIMEOUT, error))
        except DatabaseUnavailable as error:
            return self._refusal(request, _unavailable(503, Code.UNEXPECTED_FAILURE, error))
        except (DatabaseError, BackstayError, ValueError, LookupError, TypeError) as error:
            failure = internal(UNEXPECTED)
            failure.__cause__ = error
            return self._refusal(request, failure)

    def close(self) -> None:
        """End the hashing threads."""
        self._kit.hasher.close()

    async def _answer(self, request: Request) -> Response:
        path = request.path.rstrip("/")
        route, arguments = find(request.method, path)
        if route is None:
            return _nothing_here(path)
        call = Call.of(request, self._kit.clock.now())
        if route.admin:
            await require_admin(self._kit, call)
        return await route.flow(self._kit, call, *arguments)

    def _refusal(self, request: Request, error: AuthError) -> Response:
        if error.status >= 500 and self._observer is not None:
            cause = error.__cause__ or error
            self._observer.emit(Failed(what=f"auth: {error.message}", error=cause))
        headers: list[Header] = [("content-type", "application/json"), *error.headers]
        headers.append(("x-sb-error-code", str(error.code)))
        version = chosen_version(request.headers.get(VERSION_HEADER, ""))
        if version is not None:
            headers.append((VERSION_HEADER, version.isoformat()))
            return Response(error.status, headers, to_json(versioned_body(error)))
        raised = raised_in_database(error) if error.status == 500 else None
        if raised is not None:
            return Response(raised[0], headers, to_json(raised[1]))
        oauth = self._kit.profile.oauth_error_fields
        body = legacy_body(error, request.id, oauth_fields=oauth)
        return Response(error.status, headers, to_json(body))


def chosen_version(header: str) -> date | None:
    """The version of the API a request names, rounded down to one there is; None for the first."""
    try:
        named = datetime.strptime(header, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return VERSION if named >= VERSION else None


def _unavailable(status: int, code: Code, cause: Exception) -> AuthError:
    error = AuthError(status, code, "The database is not available, please try again")
    error.headers = (("retry-after", "1"),)
    error.__cause__ = cause
    return error


_NOT_FOUND: Final = b"404 page not found\n"


async def _token(kit: Kit, call: Call) -> Response:
    """POST /token: one flow for each grant."""
    grants: dict[str, Flow] = {
        "password": password_grant,
        "refresh_token": refresh_grant,
        "pkce": pkce_grant,
        "id_token": _no_id_token,
        "web3": _no_web3,
    }
    flow = grants.get(call.query.get("grant_type", ""))
    if flow is None:
        raise bad_request(Code.INVALID_CREDENTIALS, "unsupported_grant_type")
    return await flow(kit, call)


# ── what later issues bring: refused as upstream refuses what is switched off ─────────────────────


async def _no_id_token(kit: Kit, call: Call) -> Response:
    raise bad_request(Code.PROVIDER_DISABLED, "Provider is not enabled")


async def _no_web3(kit: Kit, call: Call) -> Response:
    raise unprocessable(Code.WEB3_PROVIDER_DISABLED, "Web3 provider is disabled")


async def _no_provider(kit: Kit, call: Call) -> Response:
    raise bad_request(Code.VALIDATION_FAILED, "Unsupported provider: provider is not enabled")


async def _no_passkeys(kit: Kit, call: Call, *_: str) -> Response:
    raise not_found(Code.PASSKEY_DISABLED, "Passkeys are disabled")


async def _no_saml(kit: Kit, call: Call, *_: str) -> Response:
    raise not_found(Code.SAML_PROVIDER_DISABLED, "SAML 2.0 is disabled")


async def _no_oauth_server(kit: Kit, call: Call, *_: str) -> Response:
    raise not_found(Code.FEATURE_DISABLED, "OAuth server is disabled")


async def _no_linking(kit: Kit, call: Call, *_: str) -> Response:
    await require_user(kit, call)
    raise not_found(Code.MANUAL_LINKING_DISABLED, "Manual linking is disabled")


async def _no_factors(kit: Kit, call: Call, *_: str) -> Response:
    await require_user(kit, call)
    raise not_found(Code.FEATURE_DISABLED, "Multi-factor authentication is not available yet")


async def _not_yet(kit: Kit, call: Call, *_: str) -> Response:
    raise not_found(Code.FEATURE_DISABLED, "This endpoint is not available yet")


ROUTES: Final = (
    Route("GET", "/health", discovery.health),
    Route("GET", "/settings", discovery.settings),
    Route("GET", "/.well-known/jwks.json", discovery.jwks),
    Route("GET", "/.well-known/openid-configuration", discovery.openid_configuration),
    Route("GET", "/.well-known/oauth-authorization-server", discovery.authorization_server),
    Route("POST", "/signup", signup),
    Route("POST", "/token", _token),
    Route("GET", "/user", user.get_user),
    Route("PUT", "/user", user.put_user),
    Route("POST", "/logout", logout),
    Route("GET", "/reauthenticate", links.reauthenticate),
    Route("POST", "/otp", links.otp),
    Route("POST", "/magiclink", links.magiclink),
    Route("POST", "/recover", links.recover),
    Route("POST", "/resend", links.resend),
    Route("GET", "/verify", verify_get),
    Route("POST", "/verify", verify_post),
    Route("GET", "/admin/users", admin_users.list_users, admin=True),
    Route("POST", "/admin/users", admin_users.create_user, admin=True),
    Route("GET", "/admin/users/([^/]+)", admin_users.get_user, admin=True),
    Route("PUT", "/admin/users/([^/]+)", admin_users.update, admin=True),
    Route("DELETE", "/admin/users/([^/]+)", admin_users.delete_user, admin=True),
    Route("GET", "/admin/users/([^/]+)/factors", admin_users.list_factors, admin=True),
    Route("POST", "/admin/generate_link", _not_yet, admin=True),
    Route("POST", "/invite", _not_yet, admin=True),
    Route("*", "/admin/oauth(/.*)?", _no_oauth_server, admin=True),
    Route("*", "/admin/sso(/.*)?", _no_saml, admin=True),
    Route("GET", "/admin/audit", _not_yet, admin=True),
    Route("GET", "/authorize", _no_provider),
    Route("*", "/user/identities(/.*)?", _no_linking),
    Route("*", "/user/oauth(/.*)?", _no_oauth_server),
    Route("*", "/oauth(/.*)?", _no_oauth_server),
    Route("*", "/factors(/.*)?", _no_factors),
    Route("*", "/passkeys(/.*)?", _no_passkeys),
    Route("*", "/sso(/.*)?", _no_saml),
)
"""Every endpoint; the first whose method and path fit answers."""

_EXACT: Final = {(route.method, route.path): route for route in ROUTES if "(" not in route.path}
_PATTERNS: Final = tuple((route, re.compile(route.path)) for route in ROUTES if "(" in route.path)


def find(method: str, path: str) -> tuple[Route | None, tuple[str, ...]]:
    """The route of a request, with the parts of its path that are arguments."""
    exact = _EXACT.get((method, path))
    if exact is not None:
        return exact, ()
    for route, pattern in _PATTERNS:
        found = pattern.fullmatch(path) if route.method in (method, "*") else None
        if found is not None:
            return route, found.groups()
    return None, ()


def _nothing_here(path: str) -> Response:
    exact = any(known == path for _, known in _EXACT)
    if exact or any(pattern.fullmatch(path) for _, pattern in _PATTERNS):
        return Response(405)
    return Response(404, (("content-type", "text/plain; charset=utf-8"),), _NOT_FOUND)
