"""The ASGI application behind ``/graphql``, for queries and mutations over HTTP.

The gateway has authenticated before: ``caller`` and ``resources`` lie in the scope's state.
"""

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from graphql_schema.context import Context
from graphql_schema.requests import (
    GRAPHQL_JSON,
    JSON,
    OperationRequest,
    RefusedRequest,
    read_operation,
    response_type,
)
from graphql_schema.schema import GatewaySchema, create_schema
from services.actor import Caller
from services.database import Origin

_TIME_LIMIT_S = 10.0
_READ_ONLY = frozenset({OperationType.QUERY})
_READ_WRITE = frozenset({OperationType.QUERY, OperationType.MUTATION})


def graphql_app(*, time_limit_s: float = _TIME_LIMIT_S) -> ASGIApp:
    return _GraphqlApp(create_schema(), time_limit_s)


class _GraphqlApp:
    def __init__(self, schema: GatewaySchema, time_limit_s: float) -> None:
        self._schema = schema
        self._time_limit_s = time_limit_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except RefusedRequest as refusal:
            response = _refusal(request, refusal)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        caller = _caller(request)  # before the body is read: a stranger costs nothing
        operation = await read_operation(request)
        state = request.scope["state"]
        context = Context(
            state["resources"],
            caller,
            origin=state.get("origin", Origin()),
            wants_cost=request.headers.get("x-graphql-cost") == "1",
        )
        try:
            async with asyncio.timeout(self._time_limit_s):
                result = await self._execute(operation, context)
        except TimeoutError:
            raise RefusedRequest(
                504, f"The operation took longer than {self._time_limit_s:g} seconds", "TIMEOUT"
            ) from None
        finally:
            await context.close()
        return _answer(request, result)

    async def _execute(self, operation: OperationRequest, context: Context) -> ExecutionResult:
        try:
            return await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=_READ_ONLY if operation.is_read_only else _READ_WRITE,
            )
        except InvalidOperationTypeError:
            raise RefusedRequest(
                405, "Only queries may be sent by GET", "METHOD_NOT_ALLOWED", {"Allow": "POST"}
            ) from None
        except CannotGetOperationTypeError:
            raise RefusedRequest(
                400, "The document has no operation of that name", "BAD_REQUEST"
            ) from None


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


def _answer(request: Request, result: ExecutionResult) -> Response:
    content: dict[str, Any] = {}  # Any: a JSON object
    errors = result.errors or ()
    if errors:
        content["errors"] = [error.formatted for error in errors]
    # Without data and without a path nothing was executed: the request itself was at fault.
    is_executed = result.data is not None or any(error.path for error in errors)
    if is_executed:
        content["data"] = result.data
    if result.extensions:
        content["extensions"] = result.extensions
    media_type = response_type(request.headers.get("accept", ""))
    status = 200 if is_executed or media_type == JSON else 400
    return Response(msgspec.json.encode(content), status, media_type=_with_charset(media_type))


def _refusal(request: Request, refusal: RefusedRequest) -> Response:
    extensions = {"code": refusal.code}
    content = {"errors": [{"message": refusal.message, "extensions": extensions}]}
    return Response(
        msgspec.json.encode(content),
        refusal.status,
        refusal.headers,
        _with_charset(response_type(request.headers.get("accept", ""))),
    )


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type == GRAPHQL_JSON else media_type
