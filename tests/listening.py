"""Listening to a running gateway: server-sent events and WebSockets, without a guess at timing."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from httpx2 import AsyncClient, Response
from websockets.asyncio.client import ClientConnection, connect

from tests.members import Member

Json = dict[str, Any]  # Any: a JSON object
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class ServerEvent:
    name: str
    data: Any  # Any: JSON; None where the event carries none


class EventReader:
    """The events of one response, one at a time."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> ServerEvent | None:
        """None at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                if not line and fields:
                    data = fields.get("data", "")
                    return ServerEvent(fields["event"], json.loads(data) if data else None)
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
        return None

    async def rest(self) -> list[ServerEvent]:
        found: list[ServerEvent] = []
        while (event := await self.next()) is not None:
            found.append(event)
        return found


@asynccontextmanager
async def server_events(
    url: str,
    path: str,
    member: Member,
    *,
    json: Json | None = None,  # sent by POST where it is given
) -> AsyncGenerator[EventReader]:
    headers = member.headers | {"Accept": "text/event-stream"}
    async with (
        AsyncClient(base_url=url, timeout=PATIENCE_S) as client,
        client.stream("POST" if json else "GET", path, json=json, headers=headers) as response,
    ):
        yield EventReader(response)


class Socket:
    """A client of graphql-transport-ws."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Json) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> Json:
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self.connection.recv())

    async def begin(self, member: Member) -> Self:
        await self.send({"type": "connection_init", "payload": member.headers})
        assert await self.receive() == {"type": "connection_ack"}
        return self

    async def subscribe(self, operation: str, query: str, **variables: object) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"id": operation, "type": "subscribe", "payload": payload})

    async def closed(self) -> tuple[int | None, str | None]:
        """Code and reason, once the gateway has closed it."""
        async with asyncio.timeout(PATIENCE_S):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def open_socket(
    url: str, *, protocol: str = "graphql-transport-ws", origin: str | None = None
) -> AsyncGenerator[Socket]:
    address = url.replace("http://", "ws://") + "/graphql"
    async with connect(address, subprotocols=[protocol], origin=origin) as connection:  # pyright: ignore[reportArgumentType] - a NewType of str
        yield Socket(connection)
