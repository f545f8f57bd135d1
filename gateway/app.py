"""Puts the parts together: middleware, error answers, the two doors and the pages."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.authentication import AuthenticationMiddleware
from gateway.body_limit import BodyLimitMiddleware
from gateway.cross_origin import CrossOriginMiddleware
from gateway.errors import UnexpectedErrorMiddleware, add_error_handlers
from gateway.head_requests import HeadMiddleware
from gateway.header_limit import HeaderLimitMiddleware
from gateway.openapi import DESCRIPTION, DocumentedApp
from gateway.pages import graphiql_page, page_routes, wants_page
from gateway.rate_limit import RateLimitMiddleware, WindowCounter, address_rule, caller_rule
from gateway.request_log import RequestLogMiddleware
from gateway.well_known import well_known_routes
from graphql_schema.app import graphql_app
from rest.api import router
from services.health import ReadinessProbe
from services.metrics_server import metrics_server
from services.resources import Resources, open_resources
from services.settings import Settings
from services.tracing import tracing
from services.version import VERSION


class State(TypedDict):
    """What every request finds in its state."""

    resources: Resources
    readiness: ReadinessProbe


def create_app(settings: Settings, resources: Resources | None = None) -> FastAPI:
    """The ASGI application. With ``resources`` it uses them and leaves them open."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[State]:
        async with (
            tracing(settings.tracing_endpoint, ratio=settings.tracing_ratio, service="gateway"),
            _opened(settings, resources) as opened,
        ):
            with metrics_server(settings, opened):
                yield State(resources=opened, readiness=ReadinessProbe(opened))

    app = DocumentedApp(
        title="NIS2 Gateway",
        version=VERSION,
        description=DESCRIPTION,
        contact={"name": "Operator of this installation", "url": settings.scan_contact_url},
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.include_router(router)
    app.router.routes.extend(page_routes())
    app.router.routes.extend(well_known_routes())
    app.router.routes.append(Route("/graphql", _GraphqlDoor(graphql_app())))
    add_error_handlers(app)
    _add_middleware(app, settings)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last one added is the outermost."""
    counter = WindowCounter()
    if settings.rate_limits == "on":
        app.add_middleware(RateLimitMiddleware, rule=caller_rule(settings), counter=counter)
    app.add_middleware(AuthenticationMiddleware)
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    if settings.rate_limits == "on":
        app.add_middleware(RateLimitMiddleware, rule=address_rule(settings), counter=counter)
    app.add_middleware(UnexpectedErrorMiddleware)
    app.add_middleware(GZipMiddleware, minimum_size=1024)
    app.add_middleware(HeadMiddleware)
    if settings.cors_origins:
        app.add_middleware(CrossOriginMiddleware, origins=settings.cors_origins)
    app.add_middleware(HeaderLimitMiddleware)
    app.add_middleware(RequestLogMiddleware)


@asynccontextmanager
async def _opened(settings: Settings, resources: Resources | None) -> AsyncGenerator[Resources]:
    if resources is not None:
        yield resources
        return
    opening: AbstractAsyncContextManager[Resources] = open_resources(settings)
    async with opening as opened:
        yield opened


def _operation_id(route: APIRoute) -> str:
    """Stable and readable: the name of the route's function, which is unique."""
    return route.name


class _GraphqlDoor:
    """One path for two: a person's browser gets the page, a program gets the API."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if wants_page(request):
            await graphiql_page(request)(scope, receive, send)
        else:
            await self._api(scope, receive, send)
