"""A server on loopback that sends raw bytes of the test's choosing, also wrong and endless ones."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What the client sent, up to the empty line."""

    head: str
    server_name: str | None
    """The name in SNI; None where there was none."""

    @property
    def method(self) -> str:
        return self.head.partition(" ")[0]

    @property
    def target(self) -> str:
        return self.head.split(" ", 2)[1]

    def header(self, name: str) -> str:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return ""


@dataclass(slots=True)
class RawServer:
    port: int
    requests: list[Request] = field(default_factory=list[Request])
    connections: int = 0


def response(status: int, *headers: str, body: bytes = b"") -> bytes:
    """A whole response; header lines as they stand, ended by closing the connection."""
    lines = [f"HTTP/1.1 {status} Status", *headers, "Connection: close"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def html(text: str, *headers: str) -> bytes:
    return response(200, "Content-Type: text/html", *headers, body=text.encode())


def pages(answers: Mapping[str, bytes]) -> Behaviour:
    """Answer by path; 404 for the rest."""

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answers.get(request.target, response(404)))
        await writer.drain()

    return behave


def always(answer: bytes) -> Behaviour:
    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


@asynccontextmanager
async def serve(
    behave: Behaviour,
    *,
    ssl_context: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncGenerator[RawServer]:
    running = RawServer(0)
    names: dict[int, str] = {}

    def note_name(tls: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            names[id(tls)] = name

    if ssl_context is not None:
        ssl_context.sni_callback = note_name

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.connections += 1
        tls = writer.get_extra_info("ssl_object")
        with suppress(OSError, EOFError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request = Request(head, names.pop(id(tls), None))
            running.requests.append(request)
            await behave(request, writer)
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(on_connection, host, port, ssl=ssl_context)
    async with server:
        running.port = server.sockets[0].getsockname()[1]
        yield running
