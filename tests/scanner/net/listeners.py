"""Small servers on loopback that behave in one known way."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Listener:
    host: str
    port: int
    connections: int = 0


@asynccontextmanager
async def listening(
    behaviour: Behaviour, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[Listener]:
    """A server that does ``behaviour`` with each connection and then closes it."""
    listener = Listener(host, 0)

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        try:
            await behaviour(reader, writer)
        except (OSError, EOFError):
            pass  # the scanner hung up
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(on_connection, host, port)
    async with server:
        listener.port = server.sockets[0].getsockname()[1]
        yield listener


def says(greeting: bytes) -> Behaviour:
    """Speaks first, then waits for the other side to go."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        await reader.read()

    return behaviour


def answers(answer: bytes, *, to: bytes = b"") -> Behaviour:
    """Waits for bytes that begin with ``to``, answers them, and hangs up on all others."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(1024)
        if asked.startswith(to):
            writer.write(answer)
            await writer.drain()

    return behaviour


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts and closes at once."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


@contextmanager
def open_port(host: str = "127.0.0.1") -> Generator[socket.socket]:
    """A listening socket; the kernel completes handshakes, nobody takes the connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as server:
        server.bind((host, 0))
        server.listen(128)
        server.settimeout(0)
        yield server


def port_of(server: socket.socket) -> int:
    return server.getsockname()[1]


def was_connected_to(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@contextmanager
def silent_port(host: str = "127.0.0.1") -> Generator[int]:
    """A port that drops connection requests: its queue is full, so Linux ignores further SYNs."""
    with closing(socket.socket()) as server:
        server.bind((host, 0))
        server.listen(0)
        port: int = server.getsockname()[1]
        fillers: list[socket.socket] = []
        try:
            for _ in range(4):
                filler = socket.socket()
                filler.settimeout(0)
                filler.connect_ex((host, port))
                fillers.append(filler)
            yield port
        finally:
            for filler in fillers:
                filler.close()
