"""Servers to look at: OpenSSL's, and byte servers for what OpenSSL 3 cannot or will not do."""

import asyncio
import socketserver
import ssl
import threading
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from services.scanner.tls.wire import (
    ContentType,
    Cursor,
    Extension,
    HandshakeType,
    Version,
    numbers,
    vector,
)
from tests.lab.certificates import Identity

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def server_context(
    identity: Identity,
    directory: Path,
    *,
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ciphers: str | None = None,
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if ciphers is not None:
        context.set_ciphers(ciphers)  # its security level also says which keys may be loaded
    context.load_cert_chain(*identity.write(directory))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
        context.minimum_version, context.maximum_version = oldest, newest
    return context


@asynccontextmanager
async def serving(talk: Talk) -> AsyncGenerator[int]:
    """The port of a server that talks so to each connection."""
    connections: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        try:
            with suppress(OSError, EOFError):  # the client has seen enough
                await talk(reader, writer)
        finally:
            connections.discard(writer)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in tuple(connections):
            writer.transport.abort()
        await server.wait_closed()


@contextmanager
def serving_tls(context: ssl.SSLContext) -> Generator[int]:
    """The port of a real TLS server: OpenSSL on blocking sockets, one thread a connection.

    asyncio's own TLS drops the alert of a failed handshake, and the alert is what we look at.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.settimeout(10)
                with context.wrap_socket(self.request, server_side=True) as wrapped:
                    wrapped.recv(1)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def record(kind: ContentType, body: bytes, version: Version = Version.TLS12) -> bytes:
    return bytes((kind,)) + numbers(2, (version,)) + vector(2, body)


def message(kind: HandshakeType, body: bytes) -> bytes:
    return bytes((kind,)) + vector(3, body)


def server_hello(
    version: int,
    suite: int,
    *,
    compression: int = 0,
    extensions: dict[int, bytes] | None = None,
    random: bytes = bytes(32),
) -> bytes:
    """The message, without its record."""
    body = numbers(2, (version,)) + random + vector(1, b"") + numbers(2, (suite,))
    body += bytes((compression,))
    if extensions is not None:
        body += vector(
            2, b"".join(numbers(2, (kind,)) + vector(2, e) for kind, e in extensions.items())
        )
    return message(HandshakeType.SERVER_HELLO, body)


def certificates(*chain: bytes) -> bytes:
    """The Certificate message up to TLS 1.2."""
    return message(HandshakeType.CERTIFICATE, vector(3, b"".join(vector(3, der) for der in chain)))


def hello_done() -> bytes:
    return message(HandshakeType.SERVER_HELLO_DONE, b"")


def alert(description: int, level: int = 2) -> bytes:
    return record(ContentType.ALERT, bytes((level, description)))


class Offer:
    """A ClientHello as a server sees it."""

    def __init__(self, body: bytes) -> None:
        cursor = Cursor(body)
        self.legacy_version = self.version = cursor.number(2)
        cursor.take(32)
        cursor.vector(1)
        self.suites = _pairs(cursor.vector(2))
        self.compressions = tuple(cursor.vector(1))
        self.extensions: dict[int, bytes] = {}
        if not cursor.is_done:
            listed = Cursor(cursor.vector(2))
            while not listed.is_done:
                kind = listed.number(2)
                self.extensions[kind] = listed.vector(2)
        versions = self.extensions.get(Extension.SUPPORTED_VERSIONS)
        if versions is not None:
            self.version = max(_pairs(Cursor(versions).vector(1)))

    @property
    def groups(self) -> tuple[int, ...]:
        return _pairs(self.extensions.get(Extension.SUPPORTED_GROUPS, b"\0\0")[2:])

    @property
    def server_name(self) -> str | None:
        sent = self.extensions.get(Extension.SERVER_NAME)
        return None if sent is None else sent[5:].decode()


def _pairs(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))


async def read_offer(reader: asyncio.StreamReader) -> Offer | None:
    """The hello of one connection; None for one of SSL 2.0."""
    header = await reader.readexactly(5)
    if header[0] != ContentType.HANDSHAKE:
        return None
    body = await reader.readexactly(int.from_bytes(header[3:], "big"))
    return Offer(body[4:])


def answering(choose: Callable[[Offer], bytes], *, ssl2: bytes = b"") -> Talk:
    """A server that reads a hello and answers what ``choose`` makes of it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        offer = await read_offer(reader)
        writer.write((ssl2 or alert(70)) if offer is None else choose(offer))
        await writer.drain()
        await reader.read(1)

    return talk
