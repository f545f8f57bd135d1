"""Identification against real sockets: by what is said, never by the number of the port."""

import asyncio
import time
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from services.scanner.context import ProbeContext
from services.scanner.net.facts import PortFacts, PortState, Service
from services.scanner.net.identify import Door, identify, ports_to_ask
from tests.lab.certificates import Authority
from tests.lab.web_server import Page, Site, serve_site, server_context
from tests.scanner.net.listeners import Behaviour, answers, hangs_up, listening, says

LOCALHOST = ip_address("127.0.0.1")
SITE = Site(pages={"/": Page(200, (("Server", "lab"),), b"hello")})


async def _identify(context: ProbeContext, port: int) -> Service:
    return await identify(context, Door(LOCALHOST, port, None))


@pytest.mark.parametrize(
    ("behaviour", "name"),
    [
        (says(b"SSH-2.0-lab\r\n"), "ssh"),
        (says(b"220 mx.lab.test ESMTP\r\n"), "smtp"),
        (says(b"RFB 003.008\n"), "vnc"),
        (answers(b"-NOAUTH Authentication required.\r\n", to=b"GET"), "redis"),
        pytest.param(answers(b"+PONG\r\n", to=b"PING"), "redis", id="redis without a login"),
        (answers(b"S", to=b"\x00\x00\x00\x08\x04\xd2\x16\x2f"), "postgresql"),
        pytest.param(
            answers(b"N", to=b"\x00\x00\x00\x08\x04\xd2\x16\x2f"),
            "postgresql",
            id="postgresql without TLS",
        ),
        (answers(bytes.fromhex("030000130ed000001234000209080000000000"), to=b"\x03\x00"), "rdp"),
    ],
)
async def test_a_plain_service_is_recognised(
    context: ProbeContext, behaviour: Behaviour, name: str
) -> None:
    async with listening(behaviour) as server:
        service = await _identify(context, server.port)

    assert service.name == name
    assert service.has_spoken
    assert not service.is_web


async def test_a_web_server_is_recognised_on_any_port(context: ProbeContext) -> None:
    async with serve_site(SITE) as server:
        service = await _identify(context, server.port)

    assert service == Service(server.port, "http", "lab", is_web=True)


async def test_https_is_http_inside_tls(context: ProbeContext, tmp_path: Path) -> None:
    identity = Authority.create("Lab").issue(["lab.test"])
    async with serve_site(SITE, ssl_context=server_context(identity, tmp_path)) as server:
        service = await _identify(context, server.port)

    assert service == Service(server.port, "https", "lab", is_tls=True, is_web=True)


async def test_the_name_of_the_target_is_asked_for(context: ProbeContext) -> None:
    async with serve_site(SITE) as server:
        await identify(context, Door(LOCALHOST, server.port, "shop.example.test"))

    assert server.requests == [("GET / HTTP/1.1", "shop.example.test")]


async def test_a_mail_server_inside_tls_is_no_web_server(
    context: ProbeContext, tmp_path: Path
) -> None:
    identity = Authority.create("Lab").issue(["lab.test"])

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK IMAP4rev1 ready\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(
        greet, "127.0.0.1", 0, ssl=server_context(identity, tmp_path)
    )
    async with server:
        service = await _identify(context, server.sockets[0].getsockname()[1])

    assert (service.name, service.is_tls, service.is_web) == ("imaps", True, False)


async def test_a_database_behind_a_tunnel_is_asked_in_tls(
    context: ProbeContext, tmp_path: Path
) -> None:
    """Redis hangs up on HTTP, so that nothing is heard before its own question."""
    identity = Authority.create("Lab").issue(["lab.test"])

    async def redis(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # the scanner hangs up when it knows enough
            if await reader.readline() == b"PING\r\n":
                writer.write(b"+PONG\r\n")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(
        redis, "127.0.0.1", 0, ssl=server_context(identity, tmp_path)
    )
    async with server:
        service = await _identify(context, server.sockets[0].getsockname()[1])

    assert (service.name, service.is_tls, service.is_web) == ("redis", True, False)


async def test_a_plain_error_of_a_tls_port_does_not_make_it_http(
    context: ProbeContext, tmp_path: Path
) -> None:
    """Many servers answer HTTP on an HTTPS port with a plain 400: TLS is asked first."""
    identity = Authority.create("Lab").issue(["lab.test"])
    async with serve_site(SITE, ssl_context=server_context(identity, tmp_path)) as server:
        service = await _identify(context, server.port)

    assert service.name == "https"
    assert server.requests == [("GET / HTTP/1.1", "127.0.0.1")]


async def test_what_says_something_strange_is_unknown_and_has_spoken(
    context: ProbeContext,
) -> None:
    async with listening(says(b"\x01\x02wat\x1b[31m\n")) as server:
        service = await _identify(context, server.port)

    assert service.name == "unknown"
    assert service.banner == "\ufffd\ufffdwat\ufffd[31m"
    assert service.has_spoken


async def test_a_port_that_hangs_up_has_not_spoken(context: ProbeContext) -> None:
    async with listening(hangs_up) as server:
        service = await _identify(context, server.port)

    assert service == Service(server.port, has_spoken=False)


async def test_a_port_that_stays_silent_is_given_up_in_time(context: ProbeContext) -> None:
    """TGT-1: hello, page, two questions, each within the exchange time-out of a second."""

    async def listens(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(listens) as server:
        started_s = time.monotonic()
        service = await _identify(context, server.port)

    assert not service.has_spoken
    assert time.monotonic() - started_s < 6


async def test_a_banner_without_end_is_cut(context: ProbeContext) -> None:
    """TGT-2: at most 1 KiB is read."""
    sent = 0

    async def floods(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(b"A" * 65_536)
            await writer.drain()
            sent += 65_536

    async with listening(floods) as server:
        service = await _identify(context, server.port)

    assert service.name == "unknown"
    assert len(service.banner) <= 256
    # What the kernel's and asyncio's buffers take, and no more.
    assert sent < 32 * 1024 * 1024


async def test_a_drip_of_single_bytes_does_not_hold_the_scanner(context: ProbeContext) -> None:
    """TGT-1: the whole exchange is bounded, not each read."""

    async def drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with listening(drips) as server, asyncio.timeout(10):
        service = await _identify(context, server.port)

    assert service.name == "unknown"


def test_every_open_port_is_asked() -> None:
    states = {22: PortState.OPEN, 80: PortState.CLOSED, 443: PortState.OPEN}

    assert ports_to_ask(PortFacts(LOCALHOST, states)) == (22, 443)


def test_of_a_host_that_accepts_everything_a_sample_is_asked() -> None:
    facts = PortFacts(LOCALHOST, dict.fromkeys(range(1, 1001), PortState.OPEN))

    asked = ports_to_ask(facts)

    assert len(asked) == 8
    assert {80, 443} <= set(asked)
    assert max(asked) > 800
