"""The session of a browser: three cookies, two of them out of reach of scripts.

``SameSite=Strict`` keeps them from other sites' requests; an unsafe request repeats the readable
one in a header as well, which only a script of ours can do.
"""

import hmac
from typing import Annotated, Literal

from fastapi import Cookie, Header, Response

from services.auth import Session
from services.errors import PermissionDenied
from services.settings import Settings

ACCESS_COOKIE = "access_token"
REFRESH_COOKIE = "refresh_token"
CSRF_COOKIE = "csrf_token"
_REFRESH_PATH = "/api/v1/auth"

RefreshCookie = Annotated[
    str | None, Cookie(alias=REFRESH_COOKIE, description="The session of a browser.")
]
CsrfCookie = Annotated[str | None, Cookie(alias=CSRF_COOKIE)]
CsrfHeader = Annotated[
    str | None,
    Header(alias="X-CSRF-Token", description="The value of the csrf_token cookie, with cookies."),
]


def set_session_cookies(response: Response, session: Session, settings: Settings) -> None:
    idle_s = int(settings.refresh_token_idle.total_seconds())
    _set(response, settings, ACCESS_COOKIE, session.access_token, max_age=session.expires_in)
    _set(
        response,
        settings,
        REFRESH_COOKIE,
        session.refresh_token,
        max_age=idle_s,
        path=_REFRESH_PATH,
    )
    _set(response, settings, CSRF_COOKIE, session.csrf_token, max_age=idle_s, is_readable=True)


def clear_session_cookies(response: Response, settings: Settings) -> None:
    _set(response, settings, ACCESS_COOKIE, "", max_age=0)
    _set(response, settings, REFRESH_COOKIE, "", max_age=0, path=_REFRESH_PATH)
    _set(response, settings, CSRF_COOKIE, "", max_age=0, is_readable=True)


def require_csrf(cookie: str | None, header: str | None) -> None:
    """Raises PermissionDenied unless the header repeats the cookie."""
    if not cookie or not header or not hmac.compare_digest(cookie.encode(), header.encode()):
        raise PermissionDenied("X-CSRF-Token must repeat the csrf_token cookie", code="csrf_failed")


def _set(
    response: Response,
    settings: Settings,
    name: str,
    value: str,
    *,
    max_age: int,
    path: Literal["/", "/api/v1/auth"] = "/",
    is_readable: bool = False,
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path=path,
        secure=settings.environment != "development",
        httponly=not is_readable,
        samesite="strict",
    )
