"""The parent's view of a zone, names that NSEC tells, IPv6 beside IPv4: over real sockets."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import cast

import dns.message
import dns.name
import dns.rrset
import pytest

from services.scanner.address import Address
from services.scanner.check import Outcome, Severity
from services.scanner.context import ProbeContext
from services.scanner.dns.checks import ns_lame
from services.scanner.dns.delegation import find_delegation
from services.scanner.dns.dnssec_checks import nsec_walkable
from services.scanner.dns.facts import (
    Attempt,
    DenialFacts,
    DenialKind,
    DnsFacts,
    Ipv6Facts,
    ServerFacts,
    ServerState,
)
from services.scanner.dns.ipv6 import compare_families
from services.scanner.dns.name_checks import ipv6_unreachable
from services.scanner.dns.probe import probe_dns
from services.scanner.dns.walking import find_denial
from services.scanner.resolver import Resolver
from tests.lab.dns_context import dns_context
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Signing, ZoneSpec

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_EVALUATED
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
FOUR, SIX = IPv4Address("127.0.0.1"), IPv6Address("::1")


@asynccontextmanager
async def _listening(*hosts: str) -> AsyncGenerator[int]:
    """One port at several addresses."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with AsyncExitStack() as stack:
        port = 0
        for host in hosts:
            server = await stack.enter_async_context(
                await asyncio.start_server(hang_up, host, port)
            )
            port = server.sockets[0].getsockname()[1]
        yield port


@pytest.fixture
async def facts(context: ProbeContext) -> DnsFacts:
    """Of a zone without faults, to put others into."""
    return await probe_dns(context, "good.test")


@pytest.mark.parametrize(
    ("open_at", "addresses", "expected"),
    [
        (("127.0.0.1", "::1"), (FOUR, SIX), P),
        (("127.0.0.1",), (FOUR, SIX), F),
        (("::1",), (FOUR, SIX), P),
        (("127.0.0.1",), (FOUR,), N),
        (("127.0.0.9",), (FOUR, SIX), N),
    ],
)
async def test_ipv6_is_judged_beside_ipv4(
    lab: DnsLab,
    tmp_path: Path,
    facts: DnsFacts,
    open_at: tuple[str, ...],
    addresses: tuple[Address, ...],
    expected: Outcome,
) -> None:
    context = dns_context(lab, tmp_path, allowed=LOOPBACK)
    async with _listening(*open_at) as port:
        seen = await compare_families(context, addresses, port)

    assert ipv6_unreachable.judge(replace(facts, ipv6=seen)).outcome is expected


@pytest.mark.parametrize(("has_control", "expected"), [(True, F), (False, N)])
async def test_a_scanner_without_ipv6_blames_nobody(
    lab: DnsLab, tmp_path: Path, facts: DnsFacts, *, has_control: bool, expected: Outcome
) -> None:
    context = dns_context(lab, tmp_path, allowed=LOOPBACK)
    nowhere = ip_address("2001:db8::1")  # documentation: nobody routes it
    with DnsLab([ZoneSpec(".")], host="::1") as root:
        if not has_control:
            root.faults[dns.name.root] = Fault.SILENT
        async with _listening("127.0.0.1") as port:
            controls = ((ip_address(root.host), root.port),)
            seen = await compare_families(context, (FOUR, nowhere), port, controls)

    assert ipv6_unreachable.judge(replace(facts, ipv6=seen)).outcome is expected


async def test_every_closed_address_is_told(facts: DnsFacts) -> None:
    closed = tuple(Attempt(ip_address(f"2001:db8::{i}"), is_open=False) for i in (1, 2))
    seen = Ipv6Facts(closed, (Attempt(FOUR, is_open=True),), scanner_has_ipv6=True)

    verdict = ipv6_unreachable.judge(replace(facts, ipv6=seen))

    assert [p.discriminator for p in verdict.problems] == ["2001:db8::1", "2001:db8::2"]


DELEGATIONS = [
    ("same", "child NS ns1.lab.\nchild NS ns2.lab.", P),
    ("different", "child NS ns1.lab.\nchild NS ns9.lab.", F),
    ("silent", "child A 192.0.2.1", P),
]


@pytest.mark.parametrize(("case", "records", "expected"), DELEGATIONS)
async def test_parent_and_child_are_compared(
    tmp_path: Path, facts: DnsFacts, case: str, records: str, expected: Outcome
) -> None:
    zone = dns.name.from_text("child.parent.test")
    parent = ZoneSpec("parent.test", f"@ NS ns\nns A 127.0.0.1\n{records}", Signing.UNSIGNED)
    with DnsLab([parent]) as lab:
        context = dns_context(lab, tmp_path, allowed=LOOPBACK)
        seen = await find_delegation(context, zone, lab.port)
    serving = ServerFacts(FOUR, ServerState.SERVES)

    verdict = ns_lame.judge(replace(facts, delegation=seen, servers=(serving,)))

    assert verdict.outcome is expected, (case, verdict.reason)
    if expected is F:
        assert [p.severity for p in verdict.problems] == [Severity.LOW]
        assert verdict.problems[0].evidence["only_in_parent"] == ["ns9.lab."]


async def test_a_parent_that_may_not_be_asked_is_left_alone(
    lab: DnsLab, context: ProbeContext
) -> None:
    before = len(lab.queries)
    seen = await find_delegation(context, dns.name.from_text("good.test"), lab.port)

    assert seen.name_servers == ()
    assert "NIS2_SCAN_ALLOWED_NETWORKS" in seen.reason
    assert all(protocol == "udp" for _, _, protocol in lab.queries[before:])


class MadeUpDenials(asyncio.DatagramProtocol):
    """A signer that makes NSEC up for each question (RFC 4470, RFC 9824)."""

    def __init__(self, *, is_compact: bool) -> None:
        self._is_compact = is_compact

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # as asyncio promises

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name
        before, after = name.to_text(), f"\\000.{name}"
        if not self._is_compact:
            before = f"{name.labels[0].decode()}~.{name.parent()}"
            before, after = before.replace("~", "-"), f"{name.labels[0].decode()}z.{name.parent()}"
        response = dns.message.make_response(query)
        response.authority.append(dns.rrset.from_text(before, 60, "IN", "NSEC", f"{after} A RRSIG"))
        self._transport.sendto(response.to_wire(), addr)


@pytest.mark.parametrize("is_compact", [True, False])
async def test_nsec_that_is_made_up_tells_nothing(facts: DnsFacts, *, is_compact: bool) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: MadeUpDenials(is_compact=is_compact), local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    seen = await find_denial(Resolver(((FOUR, port),), 1.0), dns.name.from_text("made.test"))
    transport.close()

    assert seen.kind is DenialKind.MINIMAL
    assert nsec_walkable.judge(replace(facts, denial=seen)).outcome is P


async def test_silence_is_no_denial(facts: DnsFacts, context: ProbeContext) -> None:
    seen = await find_denial(context.resolver, dns.name.from_text("silent.test"))

    assert seen == DenialFacts(reason=seen.reason)
    assert nsec_walkable.judge(replace(facts, denial=seen)).outcome is N
