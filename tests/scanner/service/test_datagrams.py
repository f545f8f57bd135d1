"""DNS and SNMP on UDP, against sockets of our own."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

from services.scanner.address import AddressPolicy, AddressRefused
from services.scanner.check import CheckResult, Endpoint, Outcome
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext
from services.scanner.service import RESOLVER_SUITE, SNMP_SUITE, ServiceSubject, ServiceSuite
from services.scanner.service.datagrams import probe_resolver, snmp_question
from tests.scanner.net.listeners import free_port
from tests.scanner.service.speaking import LOCALHOST

Answer = Callable[[bytes], bytes | None]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[bytes] = []
        self.port = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(
        self, data: bytes, addr: tuple[str | Any, int]
    ) -> None:  # Any: asyncio's signature
        self.asked.append(data)
        said = self._answer(data)
        if said is not None:
            self._transport.sendto(said, addr)


@asynccontextmanager
async def _serving(answer: Answer) -> AsyncGenerator[_Server]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Server(answer), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()


def _dns(*, recursion: bool, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, data: bool) -> Answer:
    def answer(wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query, recursion_available=recursion)
        response.set_rcode(rcode)
        if data:
            name = query.question[0].name
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.7"))
        return response.to_wire()

    return answer


def _knows_another_root(*, is_authoritative: bool) -> Answer:
    """Nothing of the public names, and the servers of a root of its own."""

    def answer(wire: bytes) -> bytes:
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query, recursion_available=True)
        if query.question[0].name == dns.name.root:
            response.flags |= dns.flags.AA if is_authoritative else 0
            response.answer.append(dns.rrset.from_text(".", 60, "IN", "NS", "ns.lab."))
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    return answer


def _noise(_: bytes) -> bytes | None:
    return b"\x30\x02\xa2\x00"


def _silence(_: bytes) -> bytes | None:
    return None


def _forgery(wire: bytes) -> bytes | None:
    """The right answer to another question."""
    return bytes(2) + (_dns(recursion=True, data=True)(wire) or b"")[2:]


async def _judged(
    context: ProbeContext, suite: ServiceSuite, port: int, name: str | None = None
) -> CheckResult:
    subject = ServiceSubject(LOCALHOST, port, suite.name, server_name=name)
    (result,) = (await suite.run(context, subject, Endpoint("lab", port, "udp"))).results
    return result


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(_dns(recursion=True, data=True), Outcome.FAILED, id="open"),
        pytest.param(
            _dns(recursion=False, rcode=dns.rcode.REFUSED, data=False), Outcome.PASSED, id="refused"
        ),
        pytest.param(_dns(recursion=False, data=False), Outcome.PASSED, id="referral"),
        pytest.param(_dns(recursion=False, data=True), Outcome.PASSED, id="own data"),
        pytest.param(_dns(recursion=True, data=False), Outcome.PASSED, id="offers, and has none"),
        pytest.param(
            _dns(recursion=True, rcode=dns.rcode.REFUSED, data=False), Outcome.PASSED, id="RA alone"
        ),
        pytest.param(
            _dns(recursion=True, rcode=dns.rcode.SERVFAIL, data=False),
            Outcome.NOT_EVALUATED,
            id="failed",
        ),
        pytest.param(
            _knows_another_root(is_authoritative=False), Outcome.FAILED, id="open, another root"
        ),
        pytest.param(
            _knows_another_root(is_authoritative=True), Outcome.NOT_EVALUATED, id="root server"
        ),
        pytest.param(_noise, Outcome.NOT_EVALUATED, id="noise"),
        pytest.param(_silence, Outcome.NOT_EVALUATED, id="silent"),
        pytest.param(
            _forgery,
            Outcome.NOT_EVALUATED,
            id="forged",
        ),
    ],
)
async def test_a_resolver_is_open_when_it_looks_names_up(
    context: ProbeContext, answer: Answer, outcome: Outcome
) -> None:
    async with _serving(answer) as server:
        result = await _judged(context, RESOLVER_SUITE, server.port)

    assert result.verdict.outcome is outcome


async def test_the_name_asked_for_is_never_the_target_s_own(context: ProbeContext) -> None:
    async with _serving(_dns(recursion=True, data=True)) as server:
        result = await _judged(context, RESOLVER_SUITE, server.port, "ns.example.com")

    assert "example.net" in result.verdict.reason


async def test_a_lost_question_is_asked_again(context: ProbeContext) -> None:
    answers = iter([None, _dns(recursion=True, data=True)])

    def answer(wire: bytes) -> bytes | None:
        following = next(answers)
        return following(wire) if following is not None else None

    async with _serving(answer) as server:
        result = await _judged(context, RESOLVER_SUITE, server.port)

    assert result.verdict.outcome is Outcome.FAILED
    assert len(server.asked) == 2


@pytest.mark.parametrize("suite", [RESOLVER_SUITE, SNMP_SUITE], ids=["dns", "snmp"])
async def test_a_closed_port_passes(context: ProbeContext, suite: ServiceSuite) -> None:
    asking = replace(context, options=replace(context.options, tries_public_community=True))

    result = await _judged(asking, suite, free_port())

    assert result.verdict.outcome is Outcome.PASSED


async def test_an_address_out_of_scope_gets_no_datagram(context: ProbeContext) -> None:
    """SSRF-2: UDP is vetted as TCP is."""
    strict = Connector(AddressPolicy(), connections_per_address=1, connections_per_second=10)
    async with _serving(_dns(recursion=True, data=True)) as server:
        with pytest.raises(AddressRefused):
            await probe_resolver(
                replace(context, connector=strict), ServiceSubject(LOCALHOST, server.port, "dns")
            )

    assert server.asked == []


def _snmp(wire: bytes) -> bytes:
    """The same request id and variable in a response, with a text where NULL was."""
    number = wire[wire.index(b"\x02\x04") + 2 :][:4]
    text = b"\x04\x07Lab 1.0"
    variable = b"\x30" + bytes((10 + len(text),)) + bytes.fromhex("06082b06010201010100") + text
    body = b"\x02\x04" + number + b"\x02\x01\0\x02\x01\0" + b"\x30" + bytes((len(variable),))
    body += variable
    pdu = b"\xa2" + bytes((len(body),)) + body
    whole = b"\x02\x01\x01\x04\x06public" + pdu
    return b"\x30" + bytes((len(whole),)) + whole


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(_snmp, Outcome.FAILED, id="public"),
        pytest.param(_silence, Outcome.NOT_EVALUATED, id="silent"),
        pytest.param(_noise, Outcome.NOT_EVALUATED, id="noise"),
    ],
)
async def test_the_public_community_is_tried_where_it_is_switched_on(
    context: ProbeContext, answer: Answer, outcome: Outcome
) -> None:
    asking = replace(context, options=replace(context.options, tries_public_community=True))
    async with _serving(answer) as server:
        result = await _judged(asking, SNMP_SUITE, server.port)

    assert result.verdict.outcome is outcome
    if outcome is Outcome.FAILED:
        assert "Lab 1.0" in result.verdict.reason


async def test_the_public_community_is_not_tried_by_default(context: ProbeContext) -> None:
    async with _serving(_snmp) as server:
        result = await _judged(context, SNMP_SUITE, server.port)

    assert result.verdict.outcome is Outcome.NOT_EVALUATED
    assert "not switched on" in result.verdict.reason
    assert server.asked == []


def test_the_question_is_the_one_of_the_standard() -> None:
    """RFC 3416 4.2.1, as net-snmp writes it."""
    assert snmp_question(1) == bytes.fromhex(
        "302902010104067075626c6963a01c020400000001020100020100300e300c06082b060102010101000500"
    )
