"""Asks a zone's own name servers: do they serve it, and do they give it away whole?"""

import asyncio
from typing import Any

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from services.scanner.address import Address, AddressRefused
from services.scanner.context import ProbeContext
from services.scanner.dns.facts import NameServer, ServerFacts, ServerState
from services.scanner.resolver import MAX_RECORDS, rdatas

DNS_PORT = 53
_MAX_SERVERS = 8
_MAX_MESSAGES = 20
_SOAS_OF_A_WHOLE_ZONE = 2
_LONGEST_TIMEOUT_S = 2.0
_LENGTH_BYTES = 2
# ValueError: what dnspython raises for some malformed messages.
_FAILURES = (OSError, EOFError, ValueError, dns.exception.DNSException)


async def ask_servers(
    context: ProbeContext,
    zone: dns.name.Name,
    name_servers: tuple[NameServer, ...],
    port: int = DNS_PORT,
) -> tuple[ServerFacts, ...]:
    """One fact per address, at most eight. What a server does never raises."""
    addresses = list(dict.fromkeys(a for server in name_servers for a in server.addresses))
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(ask_server(context, zone, address, port))
            for address in addresses[:_MAX_SERVERS]
        ]
    return tuple(task.result() for task in tasks)


async def ask_server(
    context: ProbeContext, zone: dns.name.Name, address: Address, port: int = DNS_PORT
) -> ServerFacts:
    """SOA over UDP, then over TCP where UDP is silent; then a zone transfer, cut short."""
    try:
        context.connector.policy.check(address, port)
    except AddressRefused as error:
        return ServerFacts(address, ServerState.NOT_ASKED, str(error))
    question = dns.message.make_query(zone, dns.rdatatype.SOA, flags=dns.flags.Flag(0))
    response = await ask_directly(context, question, address, port)
    if response is None:
        return ServerFacts(address, ServerState.SILENT, "no answer over UDP and TCP")
    state, reason = _state_of(response, zone)
    if state is not ServerState.SERVES:
        return ServerFacts(address, state, reason)
    try:
        records = await _transfer(context, zone, address, port)
    except _FAILURES:
        return ServerFacts(address, state)
    return ServerFacts(address, state, "", records > 0, records)


async def ask_directly(
    context: ProbeContext, question: dns.message.Message, address: Address, port: int
) -> dns.message.Message | None:
    """One server's answer, over TCP where UDP brings none; None where both are silent.

    Also for an address that may not be probed.
    """
    try:
        context.connector.policy.check(address, port)
    except AddressRefused:
        return None
    for ask in (_over_udp, _over_tcp):
        try:
            return await ask(context, question, address, port)
        except _FAILURES:
            continue
    return None


async def _over_udp(
    context: ProbeContext, question: dns.message.Message, address: Address, port: int
) -> dns.message.Message:
    async with context.connector.slot(address), asyncio.timeout(_timeout_s(context)):
        return await dns.asyncquery.udp(
            question, str(address), port=port, ignore_unexpected=True, ignore_errors=True
        )


async def _over_tcp(
    context: ProbeContext, question: dns.message.Message, address: Address, port: int
) -> dns.message.Message:
    async with (
        context.connector.open(address, port, timeout_s=_timeout_s(context)) as (reader, writer),
        asyncio.timeout(_timeout_s(context)),
    ):
        writer.write(question.to_wire(prepend_length=True))
        return await _read_message(reader)


async def _read_message(reader: asyncio.StreamReader) -> dns.message.Message:
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    return dns.message.from_wire(await reader.readexactly(length), one_rr_per_rrset=True)


def _timeout_s(context: ProbeContext) -> float:
    """A name server is near or it is none: shorter than other handshakes."""
    return min(_LONGEST_TIMEOUT_S, context.options.connect_timeout_s)


def _state_of(response: dns.message.Message, zone: dns.name.Name) -> tuple[ServerState, str]:
    if response.rcode() != dns.rcode.NOERROR:
        return ServerState.REFUSES, f"it answers {dns.rcode.to_text(response.rcode())}"
    has_soa = any(r.name == zone and r.rdtype == dns.rdatatype.SOA for r in response.answer)
    if not has_soa or not response.flags & dns.flags.AA:
        return ServerState.NOT_AUTHORITATIVE, "its answer is not authoritative"
    return ServerState.SERVES, ""


async def _transfer(context: ProbeContext, zone: dns.name.Name, address: Address, port: int) -> int:
    """Records read of an AXFR (RFC 5936); 0 where it is refused.

    Reading stops at the second SOA or after a hundred records: enough to know.
    """
    question = dns.message.make_query(zone, dns.rdatatype.AXFR, flags=dns.flags.Flag(0))
    async with (
        context.connector.open(address, port, timeout_s=_timeout_s(context)) as (reader, writer),
        asyncio.timeout(_timeout_s(context)),
    ):
        writer.write(question.to_wire(prepend_length=True))
        records = soas = 0
        for _ in range(_MAX_MESSAGES):
            message = await _read_message(reader)
            if message.rcode() != dns.rcode.NOERROR or not message.answer:
                return 0
            kinds = [_kind(rdata) for rrset in message.answer for rdata in rdatas(rrset)]
            records += len(kinds)
            soas += kinds.count(dns.rdatatype.SOA)
            if soas >= _SOAS_OF_A_WHOLE_ZONE or (soas and records >= MAX_RECORDS):
                return records
        return 0


def _kind(rdata: Any) -> dns.rdatatype.RdataType:  # noqa: ANN401 - rdata classes are made at run time
    return rdata.rdtype
