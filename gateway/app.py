"""Puts the parts together: middleware, error answers, the two doors and the pages."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware

from gateway.authentication import AuthenticationMiddleware
from gateway.body_limit import BodyLimitMiddleware
from gateway.cross_origin import CrossOriginMiddleware
from gateway.errors import UnexpectedErrorMiddleware, add_error_handlers
from gateway.graphql_door import graphql_routes
from gateway.head_requests import HeadMiddleware
from gateway.header_limit import HeaderLimitMiddleware
from gateway.openapi import DESCRIPTION, DocumentedApp
from gateway.pages import page_routes
from gateway.rate_limit import RateLimitMiddleware, WindowCounter, address_rule, caller_rule
from gateway.request_log import RequestLogMiddleware
from gateway.well_known import well_known_routes
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
    counter = WindowCounter()
    app.router.routes.extend(graphql_routes(settings, counter))
    add_error_handlers(app)
    _add_middleware(app, settings, counter)
    return app


def _add_middleware(app: FastAPI, settings: Settings, counter: WindowCounter) -> None:
    """The last one added is the outermost."""
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
