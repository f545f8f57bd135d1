"""Early data: a whole TLS 1.3 handshake against OpenSSL, and tickets made by hand."""

import asyncio
import ssl
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.check import Endpoint, Outcome
from services.scanner.context import ProbeContext
from services.scanner.tls import SUITE
from services.scanner.tls.choice_checks import takes_no_early_data
from services.scanner.tls.early_data import ask_early_data
from services.scanner.tls.exchange import Line
from services.scanner.tls.facts import Support
from services.scanner.tls.tls13 import TicketClient, read_ticket
from services.scanner.tls.wire import CodecError, Version
from tests.lab.certificates import Authority
from tests.scanner.net.listeners import hangs_up, says
from tests.scanner.tls import servers
from tests.scanner.tls.conftest import NAME, at, make_context
from tests.scanner.tls.factories import some_facts, versions


def _ticket(extensions: bytes) -> bytes:
    return (
        struct.pack(">II", 7200, 1)
        + b"\x08"
        + bytes(8)
        + b"\0\x04tick"
        + (struct.pack(">H", len(extensions)) + extensions)
    )


@pytest.mark.parametrize(
    ("code", "suite"),
    [
        (0x1301, "TLS_AES_128_GCM_SHA256"),
        (0x1302, "TLS_AES_256_GCM_SHA384"),
        (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    ],
)
@pytest.mark.parametrize("tickets", [0, 2])
async def test_openssl_finishes_the_handshake_with_us(
    authority: Authority, tmp_path: Path, code: int, suite: str, tickets: int
) -> None:
    """That it reads our end of the connection proves the key schedule of each suite."""
    server = servers.server_context(authority.issue([NAME]), tmp_path)
    server.num_tickets = tickets
    seen: list[object] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((writer.get_extra_info("cipher")[0], await reader.read()))
        writer.close()

    started = await asyncio.start_server(note, "127.0.0.1", 0, ssl=server)
    client = TicketClient(NAME, (code,))
    async with started:
        port = started.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(client.hello)
        while data := await reader.read(65_536):
            writer.write(client.feed(data))
        writer.close()

    assert seen == [(suite, b"")]
    assert client.is_finished
    assert client.early_data_bytes == (0 if tickets else None)


async def test_a_server_that_asks_for_a_certificate_gets_an_empty_one(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    server = servers.server_context(authority.issue([NAME]), tmp_path)
    server.verify_mode = ssl.CERT_OPTIONAL
    server.load_verify_locations(cadata=authority.certificate_pem.decode())

    with servers.serving_tls(server) as port:
        answer = await ask_early_data(Line(context, at(port)))

    assert answer == (0, "")


async def test_a_server_that_turns_us_away_after_the_handshake_is_not_judged(
    authority: Authority, tmp_path: Path
) -> None:
    """It demands a certificate, and hands out tickets to those alone who have one."""
    server = servers.server_context(authority.issue([NAME]), tmp_path)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(cadata=authority.certificate_pem.decode())

    with servers.serving_tls(server) as port:
        allowed, problem = await ask_early_data(Line(make_context(), at(port)))

    assert allowed is None
    assert "alert" in problem


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(hangs_up, id="hangs up"),
        pytest.param(says(b"HTTP/1.1 400 Bad\r\n\r\n"), id="HTTP"),
        pytest.param(says(servers.alert(40)), id="alert"),
        pytest.param(says(b""), id="silent"),
    ],
)
async def test_without_a_handshake_nothing_is_said(talk: servers.Talk) -> None:
    context = make_context(exchange_timeout_s=1)
    async with servers.serving(talk) as port:
        allowed, problem = await ask_early_data(Line(context, at(port)))

    assert allowed is None
    assert problem


async def test_a_modern_server_passes(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    server = servers.server_context(authority.issue([NAME]), tmp_path)

    with servers.serving_tls(server) as port:
        result = await SUITE.run(context, at(port), Endpoint(NAME, port, "tls"))

    (found,) = [r for r in result.results if r.check.id == "tls.early_data"]
    assert found.verdict.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("extensions", "allowed"),
    [
        (b"", 0),
        (b"\x00\x2a\x00\x04\x00\x00\x40\x00", 16_384),
        (b"\x12\x34\x00\x01x\x00\x2a\x00\x04\xff\xff\xff\xff", 2**32 - 1),
    ],
)
def test_a_ticket_says_how_much_it_allows(extensions: bytes, allowed: int) -> None:
    assert read_ticket(_ticket(extensions)) == allowed


@given(st.binary(max_size=200))
def test_a_hostile_ticket_is_an_error_or_a_number(body: bytes) -> None:
    try:
        allowed = read_ticket(body)
    except CodecError:
        return
    assert 0 <= allowed < 2**32


@given(st.binary(max_size=400))
def test_hostile_bytes_never_finish_a_handshake(data: bytes) -> None:
    client = TicketClient(None)

    try:
        client.feed(data)
    except CodecError:
        return
    assert not client.is_finished


def test_early_data_is_judged_by_the_tickets() -> None:
    judge = takes_no_early_data.judge

    assert judge(some_facts(early_data_bytes=16_384)).outcome is Outcome.FAILED
    assert judge(some_facts(early_data_bytes=0)).outcome is Outcome.PASSED
    assert judge(some_facts()).outcome is Outcome.NOT_EVALUATED
    old = some_facts(versions=versions(TLS12=Support.ACCEPTED))
    assert old.support(Version.TLS13) is Support.REFUSED
    assert judge(old).outcome is Outcome.PASSED
