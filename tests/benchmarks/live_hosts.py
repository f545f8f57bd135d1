"""Hosts on loopback that have something to say, served by a thread of their own."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from tests.lab.certificates import Authority
from tests.lab.web_server import Page, Site, html, redirect, serve_site, server_context
from tests.scanner.net.listeners import listening, says
from tests.scanner.ssh.servers import GOOD, offering

_HTML = html(
    "<title>Shop</title><script src='/app.js'></script>" + "<p>text</p>" * 200,
    ("Content-Security-Policy", "default-src 'self'"),
    ("Set-Cookie", "session=1; HttpOnly"),
)
_SITE = Site(pages={"/": _HTML, "/app.js": Page(body=b"let a = 1;" * 1000)})


async def _ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Most of what comes to the port asks who is there, in other protocols."""
    with suppress(AssertionError):
        await offering(GOOD)(reader, writer)


_MAIL = says(b"220 mx.lab.test ESMTP\r\n")


@asynccontextmanager
async def _host(number: int, directory: Path) -> AsyncGenerator[str]:
    """A web server in TLS and in the clear; every second one has SSH, every fourth mail."""
    address = f"127.30.0.{10 + number * 11}"
    identity = Authority.create("Benchmark Root").issue([f"host{number}.lab.test"])
    tls = server_context(identity, directory / str(number))
    upgrade = Site(pages={"/": redirect(f"https://{address}/")})
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serve_site(_SITE, host=address, port=443, ssl_context=tls))
        await stack.enter_async_context(serve_site(upgrade, host=address, port=80))
        if number % 2 == 0:
            await stack.enter_async_context(listening(_ssh, host=address, port=22))
        if number % 4 == 0:
            await stack.enter_async_context(listening(_MAIL, host=address, port=25))
        yield address


@contextmanager
def live_hosts(count: int, directory: Path) -> Generator[tuple[str, ...]]:
    """Their addresses, all in 127.30.0.0/24."""
    addresses: list[str] = []
    is_ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            addresses.extend(
                [
                    await stack.enter_async_context(_host(number, directory))
                    for number in range(count)
                ]
            )
            is_ready.set()
            await stop.wait()

    thread = threading.Thread(target=_run, args=(loop, serve, is_ready), daemon=True)
    thread.start()
    is_ready.wait()
    try:
        if len(addresses) < count:
            raise RuntimeError("the live hosts did not start: are their ports free?")
        yield tuple(addresses)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _run(
    loop: asyncio.AbstractEventLoop, serve: Callable[[], Awaitable[None]], is_ready: threading.Event
) -> None:
    try:
        loop.run_until_complete(serve())
    finally:
        is_ready.set()
        loop.close()
