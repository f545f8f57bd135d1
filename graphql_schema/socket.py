"""GraphQL over WebSocket by the graphql-transport-ws protocol of the ``graphql-ws`` client.

The token comes in ``connection_init``; a socket whose token ends, or whose caller's role or
membership changes, is closed with 4403. Every operation has a context of its own. The operations
of a socket live in one task group: none outlives it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from graphql_schema.requests import OperationRequest, RefusedRequest
from services.actor import Caller
from services.auth import Admit, admitted_events
from services.errors import PermissionDenied, ServiceError, Unauthenticated
from services.resources import Resources

log = structlog.get_logger()

PROTOCOL: Final = "graphql-transport-ws"
MAX_OPERATIONS: Final = 100
"""At once, on one socket."""
_INIT_WAIT_S: Final = 10.0

Json = dict[str, Any]  # Any: messages of the protocol
Authenticate = Callable[[str, str | None], Awaitable[Caller]]
"""From an access token and the id of an organization. Raises Unauthenticated, PermissionDenied."""
CountOperation = Callable[[Caller], Awaitable[None]]
"""Raises TooManyRequests."""
Run = Callable[[OperationRequest, Caller, Admit], AsyncGenerator[Json]]
"""The results of an operation. One that never began has no data."""


@dataclass(frozen=True, slots=True)
class SocketAccess:
    """What the gateway decides for sockets, where no middleware of it sees a message."""

    authenticate: Authenticate
    count_operation: CountOperation


class _Closed(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """One socket, from the handshake to its end."""

    def __init__(
        self,
        socket: WebSocket,
        resources: Resources,
        access: SocketAccess,
        *,
        read: Callable[[object], OperationRequest],
        run: Run,
    ) -> None:
        self._socket = socket
        self._resources = resources
        self._access = access
        self._read = read
        self._run = run
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Talk until either side has enough; then close with the protocol's code."""
        if PROTOCOL not in self._socket.scope["subprotocols"]:
            await self._socket.accept()
            await self._socket.close(4406, "Subprotocol not acceptable")
            return
        await self._socket.accept(PROTOCOL)
        try:
            async with asyncio.TaskGroup() as group:
                await self._talk(group)
        except* _Closed as closed:
            await self._close(next(iter(_leaves(closed))))
        except* (WebSocketDisconnect, RuntimeError) as gone:
            if not self._is_gone():
                raise gone from None

    def _is_gone(self) -> bool:
        """Starlette raises RuntimeError for what is sent into a socket that has closed."""
        return self._socket.client_state.name == "DISCONNECTED" or (
            self._socket.application_state.name == "DISCONNECTED"
        )

    async def _close(self, closed: _Closed) -> None:
        if not self._is_gone():
            await self._socket.close(closed.code, closed.reason)

    async def _talk(self, group: asyncio.TaskGroup) -> NoReturn:
        try:
            async with asyncio.timeout(_INIT_WAIT_S):
                caller, admit = await self._begin()
        except TimeoutError:
            raise _Closed(4408, "Connection initialisation timeout") from None
        group.create_task(self._guard(caller, admit))
        while True:
            message = await self._receive()
            if message.get("type") == "subscribe":
                self._subscribe(group, message, caller, admit)
            else:
                await self._hear(message)

    async def _hear(self, message: Json) -> None:
        match message.get("type"):
            case "complete":
                task = self._operations.pop(_id(message), None)
                if task is not None:
                    task.cancel()
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "connection_init":
                raise _Closed(4429, "Too many initialisation requests")
            case _:
                raise _Closed(4400, "Unknown message type")

    async def _begin(self) -> tuple[Caller, Admit]:
        while (message := await self._receive()).get("type") != "connection_init":
            if message.get("type") != "ping":
                raise _Closed(4401, "Unauthorized")
            await self._send({"type": "pong"})
        token, organization = _credentials(message.get("payload"))

        async def admit() -> Caller:
            return await self._access.authenticate(token, organization)

        try:
            caller = await admit()
        except (Unauthenticated, PermissionDenied) as refusal:
            raise _Closed(4403, refusal.message) from None
        await self._send({"type": "connection_ack"})
        return caller, admit

    async def _guard(self, caller: Caller, admit: Admit) -> None:
        if caller.actor is None:  # they act in no organization: their token alone can end
            return
        try:
            async with aclosing(admitted_events(self._resources.events, caller, admit)) as events:
                async for _ in events:
                    pass
        except (Unauthenticated, PermissionDenied) as refusal:
            raise _Closed(4403, refusal.message) from None

    def _subscribe(
        self, group: asyncio.TaskGroup, message: Json, caller: Caller, admit: Admit
    ) -> None:
        id_ = _id(message)
        if id_ in self._operations:
            raise _Closed(4409, f"Subscriber for {id_[:64]} already exists")
        if len(self._operations) >= MAX_OPERATIONS:
            raise _Closed(4429, f"At most {MAX_OPERATIONS} operations at once")
        self._operations[id_] = group.create_task(
            self._operate(id_, message.get("payload"), caller, admit)
        )

    async def _operate(self, id_: str, payload: object, caller: Caller, admit: Admit) -> None:
        try:
            operation = self._read(payload)
            await self._access.count_operation(caller)
            async with aclosing(self._run(operation, caller, admit)) as results:
                async for result in results:
                    if "data" not in result:
                        await self._end(id_, {"type": "error", "payload": result["errors"]})
                        return
                    await self._send({"id": id_, "type": "next", "payload": result})
        except RefusedRequest as refusal:
            await self._end(id_, _error(refusal.message, refusal.code))
            return
        except ServiceError as refusal:
            await self._end(id_, _error(refusal.message, refusal.code.upper()))
            return
        await self._end(id_, {"type": "complete"})

    async def _end(self, id_: str, message: Json) -> None:
        """The id may be used again from now on."""
        self._operations.pop(id_, None)
        await self._send({"id": id_, **message})

    async def _send(self, message: Json) -> None:
        await self._socket.send_text(msgspec.json.encode(message).decode())

    async def _receive(self) -> Json:
        arrived = await self._socket.receive()
        if arrived["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(arrived.get("code") or 1005)
        text: str | None = arrived.get("text")
        if text is None:
            raise _Closed(4400, "Messages must be text")
        try:
            return msgspec.json.decode(text, type=Json)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            raise _Closed(4400, "Messages must be JSON objects") from None


def _leaves(group: ExceptionGroup[_Closed]) -> list[_Closed]:
    found: list[_Closed] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, ExceptionGroup) else [error]
    return found


def _id(message: Json) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not id_:
        raise _Closed(4400, "A message of an operation needs an id")
    return id_


def _credentials(payload: object) -> tuple[str, str | None]:
    """Token and organization, under the names of the headers in any case."""
    given: dict[str, object] = (
        {str(name).lower(): value for name, value in payload.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType, reportUnknownMemberType] - a client's JSON
        if isinstance(payload, dict)
        else {}
    )
    token, organization = given.get("authorization"), given.get("x-organization-id")
    if not isinstance(token, str) or not isinstance(organization, str | None):
        raise _Closed(4403, 'connection_init needs {"Authorization": "Bearer …"}')
    scheme, _, rest = token.partition(" ")
    return (rest.strip() if scheme.lower() == "bearer" else token), organization


def _error(message: str, code: str) -> Json:
    return {"type": "error", "payload": [{"message": message, "extensions": {"code": code}}]}
