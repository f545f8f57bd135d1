"""The resolver's four answers, its retries and its bounds, against a real server."""

import asyncio
import time
from ipaddress import ip_address

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from services.scanner.context import ProbeContext
from services.scanner.resolver import Lookup, Resolver
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Signing, ZoneSpec

A, TXT, MX = dns.rdatatype.A, dns.rdatatype.TXT, dns.rdatatype.MX
LOOPBACK = ip_address("127.0.0.1")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good.test", Lookup.PRESENT),
        ("good.test.", Lookup.PRESENT),
        ("GOOD.test", Lookup.PRESENT),
        ("www.unsigned.test", Lookup.NXDOMAIN),
        ("mailonly.test", Lookup.NODATA),
        ("deep.nsec3.test", Lookup.NODATA),
        ("fails.test", Lookup.BROKEN),
        ("refuses.test", Lookup.BROKEN),
        ("silent.test", Lookup.UNKNOWN),
        ("garbage.test", Lookup.UNKNOWN),
        ("cut.test", Lookup.PRESENT),
        ("stall.test", Lookup.UNKNOWN),
        ("udp.test", Lookup.PRESENT),
        ("a.circle.test", Lookup.BROKEN),
        ("c0.chain.test", Lookup.BROKEN),
        ("c9.chain.test", Lookup.NXDOMAIN),
        ("x..y", Lookup.BROKEN),
        ("a" * 64 + ".test", Lookup.BROKEN),
        ("ü" * 300, Lookup.BROKEN),
    ],
)
async def test_every_question_ends_in_one_of_four_ways(
    context: ProbeContext, name: str, expected: Lookup
) -> None:
    answer = await context.resolver.lookup(name, A)

    assert answer.lookup is expected
    assert answer.is_known == (expected in {Lookup.PRESENT, Lookup.NODATA, Lookup.NXDOMAIN})
    assert bool(answer.records) == (expected is Lookup.PRESENT)
    assert answer.reason or answer.records


class _SlowServer(asyncio.DatagramProtocol):
    """Looks up one name after the other, as a small resolver does."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()
        self.most_waiting = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - IPv4 alone
        self._waiting.put_nowait((data, addr))
        self.most_waiting = max(self.most_waiting, self._waiting.qsize())

    async def answer(self) -> None:
        while True:
            wire, client = await self._waiting.get()
            await asyncio.sleep(0.002)
            query = dns.message.from_wire(wire)
            response = dns.message.make_response(query, recursion_available=True)
            name = query.question[0].name
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.7"))
            self._transport.sendto(response.to_wire(), client)


async def test_a_slow_resolver_is_not_buried_under_the_questions_of_many_targets() -> None:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        _SlowServer, local_addr=("127.0.0.1", 0)
    )
    resolver = Resolver(((LOOPBACK, server.port),), timeout_s=20)
    try:
        async with asyncio.TaskGroup() as servers:
            working = servers.create_task(server.answer())
            async with asyncio.TaskGroup() as tasks:
                asked = [tasks.create_task(resolver.lookup(f"n{n}.test", A)) for n in range(400)]
            working.cancel()
    finally:
        transport.close()

    assert {task.result().lookup for task in asked} == {Lookup.PRESENT}
    assert server.most_waiting <= 50


async def test_an_alias_is_followed_and_told(context: ProbeContext) -> None:
    answer = await context.resolver.lookup("alias.good.test", A)

    assert answer.aliases == ("www.good.test.",)
    assert [record.address for record in answer.records] == ["192.0.2.2"]


async def test_an_alias_itself_can_be_asked_for(context: ProbeContext) -> None:
    answer = await context.resolver.lookup("alias.good.test", dns.rdatatype.CNAME)

    assert [str(record.target) for record in answer.records] == ["www.good.test."]


async def test_addresses_come_ipv4_first(context: ProbeContext) -> None:
    answer = await context.resolver.addresses("good.test")

    assert [str(address) for address in answer.addresses] == ["10.9.0.1", "fd00:1::1"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.good.test", "does not exist"),
        ("mailonly.test", "no address record"),
        ("fails.test", "SERVFAIL"),
        ("silent.test", "no answer"),
    ],
)
async def test_a_name_without_address_says_why(
    context: ProbeContext, name: str, words: str
) -> None:
    answer = await context.resolver.addresses(name)

    assert answer.addresses == ()
    assert words in answer.reason


async def test_four_thousand_records_are_cut_at_a_hundred(lab: DnsLab) -> None:
    resolver = Resolver(((LOOPBACK, lab.port),), timeout_s=5.0)

    answer = await resolver.lookup("huge.test", A)

    assert len(answer.records) == 100
    assert answer.reason == "only 100 of 4000 records read"


async def test_a_second_question_is_answered_from_the_cache(context: ProbeContext) -> None:
    for _ in range(3):
        await context.resolver.lookup("good.test", A)

    assert context.resolver.queries_sent == 1


async def test_a_silent_server_is_retried_over_tcp_and_on_the_next_server() -> None:
    specs = [ZoneSpec("good.test", "@ A 192.0.2.1")]
    with DnsLab(specs, {".": Fault.SILENT}) as mute, DnsLab(specs) as well:
        resolver = Resolver(((LOOPBACK, mute.port), (LOOPBACK, well.port)), timeout_s=0.2)

        answer = await resolver.lookup("good.test", A)

    assert answer.lookup is Lookup.PRESENT
    assert [how for *_, how in mute.queries] == ["udp", "tcp"]
    assert [how for *_, how in well.queries] == ["udp"]


async def test_servfail_of_one_server_is_checked_with_another_once() -> None:
    specs = [ZoneSpec("good.test", "@ A 192.0.2.1")]
    with DnsLab(specs, {".": Fault.SERVFAIL}) as ill, DnsLab(specs) as well:
        resolver = Resolver(((LOOPBACK, ill.port), (LOOPBACK, well.port)))

        answer = await resolver.lookup("good.test", A)

    assert answer.lookup is Lookup.PRESENT
    assert [how for *_, how in ill.queries] == ["udp"]


async def test_a_stalled_answer_costs_no_more_than_the_attempts(context: ProbeContext) -> None:
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(context.resolver.lookup(f"n{i}.stall.test", A)) for i in range(50)
        ]

    assert {task.result().lookup for task in tasks} == {Lookup.UNKNOWN}
    assert time.monotonic() - started < 4


async def test_a_dead_resolver_is_unknown_and_not_absent() -> None:
    with DnsLab([ZoneSpec("good.test")]) as gone:
        port = gone.port
    resolver = Resolver(((LOOPBACK, port),), timeout_s=0.2)

    assert (await resolver.lookup("good.test", A)).lookup is Lookup.UNKNOWN


async def test_the_raw_question_asks_for_unchecked_signatures(context: ProbeContext) -> None:
    response = await context.resolver.query(dns.name.from_text("bogus.test"), A)

    kinds = {rrset.rdtype for rrset in response.answer}
    assert kinds == {A, dns.rdatatype.RRSIG}


async def test_ipv6_resolvers_are_asked_too() -> None:
    try:
        with DnsLab([ZoneSpec("good.test", "@ A 192.0.2.1")], host="::1") as lab:
            resolver = Resolver(((ip_address("::1"), lab.port),), timeout_s=0.5)
            answer = await resolver.lookup("good.test", A)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")

    assert answer.lookup is Lookup.PRESENT


@pytest.mark.parametrize(
    "name",
    ["a\x00b.test", "<script>.test", "=1+1.test", "\\999.test", "\\000.test", "..", "a b.test", ""],
)
async def test_no_name_breaks_the_resolver(context: ProbeContext, name: str) -> None:
    answer = await context.resolver.lookup(name, A)

    assert answer.records == ()
    assert answer.lookup is not Lookup.UNKNOWN


async def test_large_answers_push_each_other_out_of_the_memory() -> None:
    """TGT-8: a hostile zone has as many names as it likes, each with 64 KB to say."""
    text = " ".join(f'"{"x" * 250}"' for _ in range(200))
    with DnsLab([ZoneSpec("large.test", f"*.large.test. TXT {text}", Signing.UNSIGNED)]) as lab:
        resolver = Resolver(((ip_address(lab.host), lab.port),))
        for number in range(90):  # 4.5 MB
            assert (await resolver.lookup(f"n{number}.large.test", TXT)).lookup is Lookup.PRESENT
        sent = resolver.queries_sent
        await resolver.lookup("n89.large.test", TXT)
        assert resolver.queries_sent == sent
        await resolver.lookup("n0.large.test", TXT)

    assert resolver.queries_sent > sent
