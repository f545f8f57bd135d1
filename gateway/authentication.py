"""Bearer token to Caller, before any route or resolver and before any body is read.

Puts ``caller`` (a ``Caller`` or None) into the request's state. A token that is there and wrong is
refused here; a missing one only where the path is not public.
"""

from uuid import UUID

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import error_response
from services import auth
from services.actor import Caller
from services.database import Scope as DatabaseScope
from services.errors import PermissionDenied, ServiceError, Unauthenticated
from services.resources import Resources

_PUBLIC = (
    "/api/v1/auth/register",
    "/api/v1/auth/login",
    "/api/v1/auth/refresh",
    "/api/v1/auth/logout",
    "/api/v1/health",
)


class AuthenticationMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_guarded(scope):
            await self._app(scope, receive, send)
            return
        try:
            resources: Resources = scope["state"]["resources"]
            scope["state"]["caller"] = await _authenticate(resources, Headers(scope=scope))
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


async def _authenticate(resources: Resources, headers: Headers) -> Caller:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("A bearer token is needed: log in first")
    claims = resources.identity.access_tokens.read(token.strip())
    asked_for = headers.get("x-organization-id")
    organization_id = _organization(asked_for) if asked_for else claims.organization_id
    scope = DatabaseScope(organization_id=organization_id, user_id=claims.user_id)
    async with resources.database.read(scope) as session:
        caller = await auth.authenticate(session, claims.user_id, organization_id)
    if asked_for and caller.actor is None:
        raise _no_member()
    return caller


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
