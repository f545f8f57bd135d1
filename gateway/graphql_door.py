"""``/graphql``: one path for a page, an API and a socket, and what the gateway decides for each."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from gateway.authentication import authenticate_token
from gateway.pages import graphiql_page, wants_page
from gateway.rate_limit import WindowCounter, address_rule, caller_allowance
from graphql_schema.app import GraphqlOptions, graphql_app
from graphql_schema.socket import SocketAccess
from services.actor import Caller
from services.errors import TooManyRequests
from services.resources import Resources
from services.settings import Settings

_PATH: Final = "/graphql"

Count = Callable[[Scope], Awaitable[bool]]


def graphql_routes(settings: Settings, counter: WindowCounter) -> list[BaseRoute]:
    """Raises OSError or ValueError when the manifest of trusted documents cannot be read."""
    api = graphql_app(GraphqlOptions.of(settings))
    return [
        Route(_PATH, _Door(api)),
        WebSocketRoute(_PATH, _SocketDoor(api, settings, counter)),
    ]


class _Door:
    """A person's browser gets the page, a program gets the API."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if wants_page(request):
            await graphiql_page(request)(scope, receive, send)
        else:
            await self._api(scope, receive, send)


class _SocketDoor:
    """Middleware sees requests only: a socket's origin and rate are judged here."""

    def __init__(self, api: ASGIApp, settings: Settings, counter: WindowCounter) -> None:
        self._api = api
        self._settings = settings
        self._counter = counter
        self._address_rule = address_rule(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        resources: Resources = scope["state"]["resources"]
        if not self._is_own(socket) or await self._is_too_often(resources, scope):
            await socket.close()  # before the handshake: answered with 403
            return
        scope["state"]["socket_access"] = SocketAccess(
            authenticate=partial(authenticate_token, resources),
            count_operation=partial(self._count_operation, resources),
        )
        await self._api(scope, receive, send)

    def _is_own(self, socket: WebSocket) -> bool:
        """Browsers name the page that asks; programs name none (RFC 6455, section 10.2)."""
        origin = socket.headers.get("origin", "").lower()
        return (
            not origin
            or origin in self._settings.cors_origins
            or urlsplit(origin).netloc == socket.headers.get("host", "").lower()
        )

    async def _is_too_often(self, resources: Resources, scope: Scope) -> bool:
        if self._settings.rate_limits == "off":
            return False
        allowance = self._address_rule({**scope, "method": "GET"})
        if allowance is None:
            return False
        seen, _ = await self._counter.count(resources.redis, allowance)
        return seen > allowance.limit

    async def _count_operation(self, resources: Resources, caller: Caller) -> None:
        """Together with the caller's requests. Raises TooManyRequests."""
        if self._settings.rate_limits == "off":
            return
        allowance = caller_allowance(caller, self._settings)
        seen, reset_s = await self._counter.count(resources.redis, allowance)
        if seen > allowance.limit:
            raise TooManyRequests(
                f"Too many requests: try again in {reset_s} s", retry_after_s=reset_s
            )
