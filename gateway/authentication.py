"""Access token or API key to Caller, before any route or resolver and before any body is read.

The token stands in ``Authorization``, or for browsers in a cookie: then an unsafe request has to
repeat the CSRF cookie in a header. ``/graphql`` takes the header only.

Puts ``caller`` (a ``Caller`` or None) into the request's state. A token that is there and wrong is
refused here; a missing one only where the path is not public.
"""

from functools import partial
from uuid import UUID

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import error_response
from rest.session_cookies import ACCESS_COOKIE, CSRF_COOKIE, require_csrf
from services import api_keys, auth
from services.actor import Caller
from services.auth import AccessClaims, Identity
from services.database import Scope as DatabaseScope
from services.errors import PermissionDenied, ServiceError, Unauthenticated
from services.resources import Resources

_PUBLIC = (
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/refresh",
    "/api/v1/auth/logout",
    "/api/v1/auth/forgot-password",
    "/api/v1/auth/reset-password",
    "/api/v1/health",
)
_SAFE = {"GET", "HEAD", "OPTIONS"}


class AuthenticationMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_guarded(scope):
            await self._app(scope, receive, send)
            return
        try:
            resources: Resources = scope["state"]["resources"]
            scope["state"]["caller"] = await _authenticate(resources, scope)
            # Whoever answers for long asks again, with the same token, as of then.
            scope["state"]["admit"] = partial(_authenticate, resources, scope)
        except ServiceError as error:
            await error_response(error, scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_guarded(scope: Scope) -> bool:
    path: str = scope["path"]
    if path == "/graphql":
        return scope["method"] == "POST" or b"authorization" in dict(scope["headers"])
    is_public = any(path == public or path.startswith(f"{public}/") for public in _PUBLIC)
    return path.startswith("/api/v1/") and not is_public and scope["method"] != "OPTIONS"


async def _authenticate(resources: Resources, scope: Scope) -> Caller:
    headers = Headers(scope=scope)
    asked_for = headers.get("x-organization-id")
    token = _bearer(headers)
    if token is not None and api_keys.is_api_key(token):
        return await _key_holder(resources, token, asked_for)
    return await _member(resources, _claims(resources.identity, scope, token, headers), asked_for)


async def authenticate_token(
    resources: Resources, token: str, organization_id: str | None = None
) -> Caller:
    """The caller with this access token or API key, where no header can carry it.

    Raises Unauthenticated, PermissionDenied.
    """
    if api_keys.is_api_key(token):
        return await _key_holder(resources, token, organization_id)
    return await _member(resources, resources.identity.access_tokens.read(token), organization_id)


async def _key_holder(resources: Resources, token: str, asked_for: str | None) -> Caller:
    caller = await api_keys.authenticate_api_key(resources.database, token)
    if asked_for and _organization(asked_for) != caller.organization_id:
        raise _no_member()
    return caller


async def _member(resources: Resources, claims: AccessClaims, asked_for: str | None) -> Caller:
    organization_id = _organization(asked_for) if asked_for else claims.organization_id
    database_scope = DatabaseScope(organization_id=organization_id, user_id=claims.user_id)
    async with resources.database.read(database_scope) as session:
        caller = await auth.authenticate(
            session, claims.user_id, organization_id, claims.session_id
        )
    if asked_for and caller.actor is None:
        raise _no_member()
    return caller


def _bearer(headers: Headers) -> str | None:
    """The token of the header; None without one. Raises Unauthenticated for any other scheme."""
    given = headers.get("authorization")
    if given is None:
        return None
    scheme, _, token = given.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    raise _no_token()


def _claims(identity: Identity, scope: Scope, token: str | None, headers: Headers) -> AccessClaims:
    """Of the header's token, else of the cookie. Raises Unauthenticated, PermissionDenied."""
    if token is not None:
        return identity.access_tokens.read(token)
    # Another site may make a browser send a GraphQL query with its cookies: there, never.
    cookies = {} if scope["path"] == "/graphql" else cookie_parser(headers.get("cookie", ""))
    if not cookies.get(ACCESS_COOKIE):
        raise _no_token()
    claims = identity.access_tokens.read(cookies[ACCESS_COOKIE])
    if scope["method"] not in _SAFE:
        require_csrf(cookies.get(CSRF_COOKIE), headers.get("x-csrf-token"))
        if claims.session_id is None or not identity.access_tokens.is_csrf_token(
            headers["x-csrf-token"], claims.session_id
        ):
            raise PermissionDenied("X-CSRF-Token is another login's", code="csrf_failed")
    return claims


def _no_token() -> Unauthenticated:
    return Unauthenticated("A bearer token is needed: log in first")


def _organization(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _no_member() from None


def _no_member() -> PermissionDenied:
    """Unknown and foreign alike: nobody learns which organizations exist."""
    return PermissionDenied(
        "You are no member of the organization in X-Organization-Id", code="not_a_member"
    )
