"""Puts the parts together: middleware, error answers, the two doors and the pages."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from graphql_schema.app import graphql_app
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.authentication import AuthenticationMiddleware
from gateway.body_limit import BodyLimitMiddleware
from gateway.errors import add_error_handlers
from gateway.pages import graphiql_page, page_routes, wants_page
from gateway.request_log import RequestLogMiddleware
from rest.api import router
from services.health import ReadinessProbe
from services.resources import Resources, open_resources
from services.settings import Settings
from services.version import VERSION

_DESCRIPTION = """
An exposure scanner and compliance gateway for NIS2: it watches domains, addresses and networks
from outside, files what it finds mapped to Article 21(2), follows each finding through its life,
and reports.

Log in with `POST /api/v1/auth/login` and send the access token as `Authorization: Bearer …`.
The same use cases are offered by [GraphQL](/graphql).
"""


class State(TypedDict):
    """What every request finds in its state."""

    resources: Resources
    readiness: ReadinessProbe


def create_app(settings: Settings, resources: Resources | None = None) -> FastAPI:
    """The ASGI application. With ``resources`` it uses them and leaves them open."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[State]:
        async with _opened(settings, resources) as opened:
            yield State(resources=opened, readiness=ReadinessProbe(opened))

    app = FastAPI(
        title="NIS2 Gateway",
        version=VERSION,
        description=_DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.include_router(router)
    app.router.routes.extend(page_routes())
    app.router.routes.append(Route("/graphql", _GraphqlDoor(graphql_app())))
    add_error_handlers(app)
    # The last one added is the outermost.
    app.add_middleware(AuthenticationMiddleware)
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(GZipMiddleware, minimum_size=1024)
    app.add_middleware(RequestLogMiddleware)
    return app


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
