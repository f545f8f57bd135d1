"""CORS: front ends on the origins of ``NIS2_CORS_ORIGINS`` and on no other."""

from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

_METHODS: Final = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")
_SENT_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-CSRF-Token",
    "X-Organization-Id",
    "X-Request-Id",
)
EXPOSED_HEADERS: Final = (
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-Id",
)
_PREFLIGHT_LIFETIME_S: Final = 600


class CrossOriginMiddleware(CORSMiddleware):
    """A preflight that is refused answers JSON, as every other error."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_SENT_HEADERS,
            allow_credentials=True,  # the cookie session; the origins are a closed list
            expose_headers=EXPOSED_HEADERS,
            max_age=_PREFLIGHT_LIFETIME_S,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:  # noqa: PLR2004 - HTTP
            return response
        content = {"detail": bytes(response.body).decode(), "code": "cross_origin_refused"}
        kept = {
            name: value
            for name, value in response.headers.items()
            if name not in {"content-length", "content-type"}
        }
        return JSONResponse(content, response.status_code, kept)
