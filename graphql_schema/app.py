"""The ASGI application behind ``/graphql``.

Queries and mutations come by HTTP, any operation as server-sent events or over a WebSocket. The
gateway has authenticated before: ``caller``, ``admit`` and ``resources`` lie in the scope's state;
for a socket ``socket_access`` does, because its token comes in a message.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graphql_schema.context import Context
from graphql_schema.documents import DocumentMode, TrustedDocuments
from graphql_schema.event_stream import MEDIA_TYPE, EventStream
from graphql_schema.preparation import PreparationOptions
from graphql_schema.requests import (
    GRAPHQL_JSON,
    JSON,
    OperationRequest,
    RefusedRequest,
    operation_of,
    read_operation,
    response_type,
)
from graphql_schema.schema import GatewaySchema, create_schema
from graphql_schema.socket import Connection
from services.actor import Caller
from services.auth import Admit
from services.database import Origin
from services.settings import Settings

if TYPE_CHECKING:
    from services.resources import Resources

_READ_ONLY = frozenset({OperationType.QUERY})
_READ_WRITE = frozenset({OperationType.QUERY, OperationType.MUTATION})

Json = dict[str, Any]  # Any: a JSON object


@dataclass(frozen=True, slots=True)
class GraphqlOptions:
    """How this installation answers."""

    time_limit_s: float = 10.0
    preparation: PreparationOptions = field(default_factory=PreparationOptions)
    documents: TrustedDocuments = field(
        default_factory=lambda: TrustedDocuments(DocumentMode.OPEN, {})
    )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises OSError or ValueError when the manifest of documents cannot be read."""
        return cls(
            preparation=PreparationOptions(
                has_introspection=settings.graphql_introspection == "on",
                has_suggestions=settings.graphql_suggestions == "on",
            ),
            documents=TrustedDocuments.of(settings),
        )


def graphql_app(options: GraphqlOptions | None = None) -> ASGIApp:
    options = options or GraphqlOptions()
    return _GraphqlApp(create_schema(options.preparation), options)


class _GraphqlApp:
    def __init__(self, schema: GatewaySchema, options: GraphqlOptions) -> None:
        self._schema = schema
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
            return
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except RefusedRequest as refusal:
            response = _refusal(request, refusal)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> ASGIApp:
        caller = _caller(request)  # before the body is read: a stranger costs nothing
        operation = await read_operation(request, self._options.documents)
        state = request.scope["state"]
        context = Context(
            state["resources"],
            caller,
            origin=state.get("origin", Origin()),
            admit=state.get("admit"),
            wants_cost=request.headers.get("x-graphql-cost") == "1",
        )
        if _wants_stream(request) and not operation.is_read_only:
            return EventStream(_encoded(self._results(operation, context)))
        try:
            async with context.limited(self._options.time_limit_s):
                result = await self._execute(operation, context)
        except TimeoutError:
            raise self._out_of_time() from None
        finally:
            await context.close()
        return _answer(request, result)

    async def _serve_socket(self, socket: WebSocket) -> None:
        resources: Resources = socket.scope["state"]["resources"]

        def run(operation: OperationRequest, caller: Caller, admit: Admit) -> AsyncGenerator[Json]:
            return self._results(operation, Context(resources, caller, admit=admit))

        connection = Connection(
            socket,
            resources,
            socket.scope["state"]["socket_access"],
            read=lambda payload: operation_of(payload, self._options.documents),
            run=run,
        )
        await connection.serve()

    async def _results(self, operation: OperationRequest, context: Context) -> AsyncGenerator[Json]:
        """Whatever the operation answers, one by one; a query in its time, or an error."""
        results = self._schema.results(
            operation.query, operation.variables, context, operation.operation_name
        )
        try:
            async with aclosing(results):
                async with context.limited(self._options.time_limit_s):
                    first = await anext(results, None)
                if first is not None:
                    yield _content(first)
                async for result in results:
                    yield _content(result)
        except TimeoutError:
            refusal = self._out_of_time()
            yield {"errors": [_error(refusal)]}
        finally:
            await context.close()

    def _out_of_time(self) -> RefusedRequest:
        limit_s = self._options.time_limit_s
        return RefusedRequest(504, f"The operation took longer than {limit_s:g} seconds", "TIMEOUT")

    async def _execute(self, operation: OperationRequest, context: Context) -> ExecutionResult:
        try:
            return await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=_READ_ONLY if operation.is_read_only else _READ_WRITE,
            )
        except InvalidOperationTypeError as error:
            raise _wrong_type(error, operation) from None
        except CannotGetOperationTypeError:
            raise RefusedRequest(
                400, "The document has no operation of that name", "BAD_REQUEST"
            ) from None


def _wrong_type(error: InvalidOperationTypeError, operation: OperationRequest) -> RefusedRequest:
    if error.operation_type is OperationType.SUBSCRIPTION:
        return RefusedRequest(
            406,
            f"Subscribe with Accept: {MEDIA_TYPE}, or over a WebSocket",
            "NOT_ACCEPTABLE",
        )
    assert operation.is_read_only  # noqa: S101 - a POST may do anything else
    return RefusedRequest(
        405, "Only queries may be sent by GET", "METHOD_NOT_ALLOWED", {"Allow": "POST"}
    )


def _caller(request: Request) -> Caller:
    caller: Caller | None = request.scope.get("state", {}).get("caller")
    if caller is None:
        raise RefusedRequest(
            401,
            "A bearer token is needed: log in first",
            "UNAUTHENTICATED",
            {"WWW-Authenticate": "Bearer"},
        )
    return caller


def _wants_stream(request: Request) -> bool:
    return MEDIA_TYPE in request.headers.get("accept", "").lower()


async def _encoded(results: AsyncGenerator[Json]) -> AsyncGenerator[bytes]:
    async with aclosing(results):
        async for result in results:
            yield msgspec.json.encode(result)


def _content(result: ExecutionResult) -> Json:
    content: Json = {}
    errors = result.errors or ()
    if errors:
        content["errors"] = [error.formatted for error in errors]
    # Without data and without a path nothing was executed: the request itself was at fault.
    if result.data is not None or any(error.path for error in errors):
        content["data"] = result.data
    if result.extensions:
        content["extensions"] = result.extensions
    return content


def _answer(request: Request, result: ExecutionResult) -> Response:
    content = _content(result)
    media_type = response_type(request.headers.get("accept", ""))
    status = 200 if "data" in content or media_type == JSON else 400
    return Response(msgspec.json.encode(content), status, media_type=_with_charset(media_type))


def _refusal(request: Request, refusal: RefusedRequest) -> Response:
    return Response(
        msgspec.json.encode({"errors": [_error(refusal)]}),
        refusal.status,
        refusal.headers,
        _with_charset(response_type(request.headers.get("accept", ""))),
    )


def _error(refusal: RefusedRequest) -> Json:
    return {"message": refusal.message, "extensions": {"code": refusal.code}}


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type == GRAPHQL_JSON else media_type
