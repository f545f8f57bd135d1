"""A real HTTP/1.1 server on loopback that says exactly what it was told to.

    site = Site(pages={"/": Page(headers=(("Set-Cookie", "id=1"), ("Set-Cookie", "b=2")))})
    async with serve_site(site, ssl_context=server_context(identity, directory)) as server:
        ...  # server.port, server.requests

Header lines go out in their order and as they stand, also twice or wrong.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.certificates import Identity

_REQUEST_S = 10.0
_REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 404: "Not Found"}

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. Content-Length and Connection are added unless they are among the headers."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""

    def as_bytes(self, extra: Headers = (), *, with_body: bool = True) -> bytes:
        lines = [*self.headers, *extra]
        names = {name.lower() for name, _ in lines}
        standard = (("Content-Length", str(len(self.body))), ("Connection", "close"))
        lines += [line for line in standard if line[0].lower() not in names]
        head = f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in lines)
        return head.encode("latin-1") + b"\r\n" + (self.body if with_body else b"")


def html(text: str, *headers: tuple[str, str]) -> Page:
    """A page of HTML."""
    return Page(200, (("Content-Type", "text/html; charset=utf-8"), *headers), text.encode())


def redirect(location: str, *headers: tuple[str, str], status: int = 301) -> Page:
    return Page(status, (("Location", location), *headers))


NOT_FOUND = Page(404, (("Content-Type", "text/plain"),), b"Not found\n")


@dataclass(frozen=True, slots=True)
class Site:
    """What is served: pages by path, and header lines that every answer carries."""

    pages: Mapping[str, Page]
    headers: Headers = ()
    missing: Page = NOT_FOUND

    def answer(self, method: str, path: str) -> bytes:
        page = self.pages.get(path.partition("?")[0], self.missing)
        return page.as_bytes(self.headers, with_body=method != "HEAD")


@dataclass(slots=True)
class WebServer:
    """A running server; ``requests`` grows by each request line with its Host."""

    port: int
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def server_context(identity: Identity, directory: Path, *, name: str = "server") -> ssl.SSLContext:
    """A server context with today's defaults; the caller may weaken it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.write(directory, name))
    return context


@asynccontextmanager
async def serve_site(
    site: Site,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncGenerator[WebServer]:
    """Serve until the block ends. Port 0 takes a free one."""
    running = WebServer(port)

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that hangs up in the middle is no matter of the server's.
        with suppress(OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_REQUEST_S):
                await _answer(site, running, reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(on_connection, host, port, ssl=ssl_context)
    async with server:
        running.port = server.sockets[0].getsockname()[1]
        yield running


async def _answer(
    site: Site, running: WebServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, _, rest = head.partition("\r\n")
    method, _, target = request_line.partition(" ")
    hosts = [line[5:].strip() for line in rest.split("\r\n") if line.lower().startswith("host:")]
    running.requests.append((request_line, hosts[0] if hosts else ""))
    writer.write(site.answer(method, target.partition(" ")[0]))
    await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    with suppress(ConnectionError):
        await reader.read(1)  # until the client has read and closed
