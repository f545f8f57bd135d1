"""One JSON line per request, and an id for it: never a token, a body or a query string."""

import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.database import Origin
from services.identifiers import uuid7
from services.metrics import HTTP_DURATION, HTTP_REQUESTS
from services.tracing import REQUEST_ID, span

log = structlog.get_logger()

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = ("/api/v1/health", "/assets/")


class RequestLogMiddleware:
    """Outermost: it sees what every other part answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid7())
        client: tuple[str, int] | None = scope.get("client")
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["origin"] = Origin(request_id, client[0] if client else None)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            span("request", parent=headers, request_id=request_id) as step,
        ):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                method, route = _method(scope), _route(scope)
                HTTP_DURATION.labels(method, route).observe(time.perf_counter() - started)
                HTTP_REQUESTS.labels(method, route, status).inc()
                step.describe(f"{method} {route}", status=status)
            if not str(scope["path"]).startswith(_QUIET):
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    duration_ms=round((time.perf_counter() - started) * 1000, 1),
                )


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The template of the route that answered; one word for everything that no route knows."""
    path: str = scope["path"]
    if path == "/graphql":
        return path
    template: str | None = getattr(scope.get("route"), "path", None)
    if template is None:
        return "pages" if "endpoint" in scope else "unmatched"
    # A route of an included router knows its own part alone; what stands before is literal.
    prefix = path.split("/")[: -template.count("/")]
    return "/".join(prefix) + template
