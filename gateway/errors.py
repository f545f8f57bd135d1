"""Every error as the contract has it: ``{"detail": "text", "code": "…"}``, never HTML."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.database import AWAY, is_away
from services.errors import (
    Conflict,
    InvalidInput,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ServiceError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

log = structlog.get_logger()

STATUS: dict[type[ServiceError], int] = {
    InvalidRequest: 400,
    Unauthenticated: 401,
    PermissionDenied: 403,
    NotFound: 404,
    Conflict: 409,
    InvalidInput: 422,
    TooManyRequests: 429,
    Unavailable: 503,
}
_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    412: "precondition_failed",
    413: "payload_too_large",
    415: "unsupported",
}
_MAX_ERRORS = 20
_RETRY_AFTER_S = 5
"""When a part that is away may be back; restarts take about that long."""


def error_response(error: ServiceError, scope: Scope) -> Response:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    headers: dict[str, str] = {}
    errors: list[dict[str, Any]] = []  # Any: a JSON object
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, InvalidInput) and error.field:
        errors.append({"loc": ["body", error.field], "msg": error.message, "type": error.code})
    if isinstance(error, Conflict) and error.existing_id:
        errors.append({"existing_id": error.existing_id, "msg": error.message, "type": error.code})
    return _response(scope, status, error.message, error.code, errors, headers)


def _response(
    scope: Scope,
    status: int,
    detail: str,
    code: str,
    errors: list[dict[str, Any]] | None = None,  # Any: JSON objects
    headers: Mapping[str, str] | None = None,
) -> Response:
    content: dict[str, Any] = {"detail": detail, "code": code}  # Any: a JSON object
    if errors:
        content["errors"] = errors
    if request_id := scope.get("state", {}).get("request_id"):
        content["request_id"] = request_id
    return JSONResponse(content, status, dict(headers or {}))


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    for kind in AWAY:
        app.add_exception_handler(kind, _database_away)


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - registered for it
    return error_response(error, request.scope)


async def _validation_error(request: Request, error: Exception) -> Response:
    """422 with one sentence; the input itself is never echoed (IN-1)."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    errors = [
        {"loc": [str(part) for part in item["loc"]], "msg": item["msg"], "type": item["type"]}
        for item in error.errors()[:_MAX_ERRORS]
    ]
    detail = "; ".join(f"{'.'.join(item['loc'][1:]) or 'body'}: {item['msg']}" for item in errors)
    return _response(request.scope, 422, detail or "Invalid request", "validation_failed", errors)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    headers = dict(error.headers or {})
    if error.status_code == 405:  # noqa: PLR2004 - Starlette names one route's methods only
        headers["Allow"] = ", ".join(sorted(_methods(request)))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
    if error.status_code == 400:  # noqa: PLR2004 - FastAPI's own, for bytes that are no JSON
        return _response(request.scope, 422, "body: cannot be read", "validation_failed")
    code = _CODES.get(error.status_code, "error")
    return _response(request.scope, error.status_code, str(error.detail), code, headers=headers)


def _methods(request: Request) -> set[str]:
    """The methods of every route that has this path, documented or not."""
    path = request.url.path
    found: set[str] = set()
    for template, operations in request.app.openapi()["paths"].items():
        if compile_path(template)[0].match(path):
            found |= {method.upper() for method in operations}
    for route in request.app.routes:
        if isinstance(route, Route) and route.path_regex.match(path):
            found |= route.methods or set()
    return found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())


async def _database_away(request: Request, error: Exception) -> Response:
    log.error("database_away", error=type(error).__name__)
    away = Unavailable("The database is away: try again in a moment", code="database_away")
    return error_response(away, request.scope)


async def _unexpected(request: Request, error: Exception) -> Response:
    if is_away(error):
        return await _database_away(request, error)
    log.error("unexpected_error", exc_info=error)
    return _response(request.scope, 500, "Internal error", "internal")


class UnexpectedErrorMiddleware:
    """Inside of what every answer gets, also a 500: request id, CORS, one log line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_started = False

        async def send_noted(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:
            if has_started or scope["type"] != "http":
                raise
            response = await _unexpected(Request(scope), error)
            await response(scope, receive, send)
