"""Servers that mean no good, or stumble: no verdict, no hang, no exception."""

import asyncio
import socket
import struct
import time

import pytest

from services.scanner.check import Endpoint, Outcome
from services.scanner.context import ProbeContext
from services.scanner.suite import ProbeError
from services.scanner.tls import SUITE, speaks_tls
from services.scanner.tls.facts import Support
from services.scanner.tls.probe import probe_tls
from services.scanner.tls.suites import Pool
from services.scanner.tls.wire import ContentType, HandshakeType, Version
from tests.scanner.tls import servers
from tests.scanner.tls.conftest import NAME, at, make_context

SHORT_S = 0.3


@pytest.fixture
def hasty() -> ProbeContext:
    """Waits for nobody."""
    return make_context(exchange_timeout_s=SHORT_S)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        pass


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in servers.record(ContentType.HANDSHAKE, bytes(200)):
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0.1)


async def babbling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    await writer.drain()
    await reader.read(4096)


async def cutting_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)
    _reset(writer)


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(4096)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    hello = servers.server_hello(Version.TLS12, 0xC02F)
    writer.write(servers.record(ContentType.HANDSHAKE, hello))
    filler = servers.message(HandshakeType.HELLO_REQUEST, bytes(8000))
    while True:
        writer.write(servers.record(ContentType.HANDSHAKE, filler))
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@pytest.mark.parametrize("talk", [silent, dripping, babbling, cutting_off, closing])
async def test_a_server_that_speaks_no_tls_gets_no_verdict(
    hasty: ProbeContext, talk: servers.Talk
) -> None:
    async with servers.serving(talk) as port:
        result = await SUITE.run(hasty, at(port), Endpoint(NAME, port, "tls"))
        is_tls = await speaks_tls(hasty, at(port).address, port, NAME)

    assert {r.verdict.outcome for r in result.results} == {Outcome.NOT_EVALUATED}
    assert all(r.verdict.reason for r in result.results)
    assert not is_tls


@pytest.mark.parametrize(("talk", "connections"), [(silent, 2), (dripping, 2), (babbling, 1)])
async def test_silence_and_noise_are_asked_no_further(
    hasty: ProbeContext, talk: servers.Talk, connections: int
) -> None:
    started = time.monotonic()
    async with servers.serving(talk) as port:
        facts = await probe_tls(hasty, at(port))

    assert facts.connections == connections
    assert time.monotonic() - started < 2 * SHORT_S + 1.5


async def test_an_endless_flight_ends_and_the_version_stands(context: ProbeContext) -> None:
    async with servers.serving(endless) as port:
        facts = await probe_tls(context, at(port))

    assert facts.support(Version.TLS12) is Support.ACCEPTED
    assert facts.leaf is None
    assert "256 KB" in facts.chain_problem


async def test_a_closed_port_is_an_error_of_the_probe(context: ProbeContext) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ProbeError, match="no connection"):
            await probe_tls(context, at(unused.getsockname()[1]))


async def test_an_address_that_may_not_be_scanned_is_not_connected_to() -> None:
    forbidden = make_context()
    subject = at(443)
    subject = type(subject)(type(subject.address)("10.0.0.1"), 443, None)

    result = await SUITE.run(forbidden, subject, Endpoint("10.0.0.1", 443, "tls"))

    assert result.facts is None
    assert "NIS2_SCAN_ALLOWED_NETWORKS" in (result.error or "")


async def test_versions_cut_off_twice_beside_a_good_one_are_refused(
    context: ProbeContext,
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        offer = await servers.read_offer(reader)
        if offer is None or offer.version != Version.TLS12:
            _reset(writer)
            return
        body = servers.server_hello(Version.TLS12, 0xC02F) + servers.hello_done()
        writer.write(servers.record(ContentType.HANDSHAKE, body))
        await reader.read(1)

    async with servers.serving(talk) as port:
        facts = await probe_tls(context, at(port))

    assert facts.support(Version.TLS10) is Support.REFUSED
    assert "directly afterwards" in facts.reason(Version.TLS10)


async def test_a_rate_limit_is_no_refusal(context: ProbeContext) -> None:
    answered = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        await servers.read_offer(reader)
        answered += 1
        if answered > 1:
            _reset(writer)
            return
        body = servers.server_hello(Version.TLS12, 0xC02F) + servers.hello_done()
        writer.write(servers.record(ContentType.HANDSHAKE, body))
        await reader.read(1)

    async with servers.serving(talk) as port:
        facts = await probe_tls(context, at(port))

    assert facts.support(Version.TLS12) is Support.ACCEPTED
    assert facts.support(Version.TLS13) is Support.UNKNOWN
    assert facts.support(Version.TLS10) is Support.UNKNOWN


async def test_a_slow_server_is_asked_less() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        offer = await servers.read_offer(reader)
        await asyncio.sleep(1.1)
        if offer is None or offer.version != Version.TLS12 or 0x002F not in offer.suites:
            writer.write(servers.alert(70))
        else:
            body = servers.server_hello(Version.TLS12, 0x002F) + servers.hello_done()
            writer.write(servers.record(ContentType.HANDSHAKE, body))
        await reader.read(1)

    async with servers.serving(talk) as port:
        facts = await probe_tls(make_context(), at(port))

    assert facts.support(Version.TLS10) is Support.REFUSED
    taken = {pool for pool, found in facts.pools.items() if found.support is Support.ACCEPTED}
    assert taken == {Pool.CBC, Pool.RSA_TRANSPORT}
    assert facts.connections <= 10
    assert {facts.heartbleed.reason, facts.weak_curve.reason, facts.early_data_problem} == {
        "not asked: the server's handshakes are slow"
    }


async def test_one_slow_moment_makes_no_slow_server() -> None:
    """The first hello meets a busy machine; the others are answered at once."""
    delays = iter([1.2])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        offer = await servers.read_offer(reader)
        await asyncio.sleep(next(delays, 0))
        if offer is None or offer.version != Version.TLS12 or 0x002F not in offer.suites:
            writer.write(servers.alert(70))
        else:
            body = servers.server_hello(Version.TLS12, 0x002F) + servers.hello_done()
            writer.write(servers.record(ContentType.HANDSHAKE, body))
        await reader.read(1)

    async with servers.serving(talk) as port:
        facts = await probe_tls(make_context(), at(port))

    assert facts.weak_curve.support is Support.REFUSED
