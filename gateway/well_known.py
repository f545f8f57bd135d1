"""What stands at fixed addresses: our public keys, and whom to tell of a weakness (RFC 8615)."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.database import utcnow
from services.errors import NotFound
from services.resources import Resources

_CACHED = {"Cache-Control": "public, max-age=300"}
_NEWS_FOR = timedelta(days=180)
"""RFC 9116, 2.5.5: less than a year ahead."""


def well_known_routes() -> list[Route]:
    return [
        Route("/.well-known/jwks.json", _jwks),
        Route("/.well-known/security.txt", _security_txt),
    ]


async def _jwks(request: Request) -> Response:
    """The keys our access tokens are verified with, the signing one first (RFC 7517)."""
    keys = _resources(request).identity.access_tokens.public_keys
    return JSONResponse({"keys": keys}, headers=_CACHED)


async def _security_txt(request: Request) -> Response:
    """Whom to tell of a weakness in this installation (RFC 9116); 404 while nobody is named."""
    settings = _resources(request).settings
    if settings.security_contact is None:
        raise NotFound("security contact")
    expires = (utcnow() + _NEWS_FOR).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: {settings.security_contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en",
    ]
    return PlainTextResponse("\r\n".join([*lines, ""]), headers=_CACHED)


def _resources(request: Request) -> Resources:
    return request.state.resources
