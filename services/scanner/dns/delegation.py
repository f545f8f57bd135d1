"""What the parent zone says of a zone's name servers, asked of the parent's own servers."""

from ipaddress import ip_address

import dns.flags
import dns.message
import dns.name
import dns.rdatatype

from services.scanner.address import Address, AddressRefused
from services.scanner.context import ProbeContext
from services.scanner.dns.facts import DelegationFacts
from services.scanner.dns.servers import DNS_PORT, ask_directly
from services.scanner.dns.zone import clean, find_zone, plain
from services.scanner.resolver import MAX_RECORDS, NobodyAnswered, rdatas
from services.scanner.suite import ProbeError

_MOST_SERVERS = 2


async def find_delegation(
    context: ProbeContext, zone: dns.name.Name, port: int = DNS_PORT
) -> DelegationFacts:
    """Of the first of the parent's servers that answers. Never raises for what they do."""
    if zone == dns.name.root:
        return DelegationFacts(reason="the root has no parent")
    try:
        parent = await find_zone(context.resolver, zone.parent())
    except (ProbeError, NobodyAnswered) as error:
        return DelegationFacts(reason=str(error))
    reason = "no name server of the parent is known"
    for address in await _servers_of(context, parent):
        try:
            context.connector.policy.check(address, port)
        except AddressRefused as error:
            reason = str(error)
            continue
        question = dns.message.make_query(zone, dns.rdatatype.NS, flags=dns.flags.Flag(0))
        response = await ask_directly(context, question, address, port)
        names = () if response is None else _names_in(response, zone)
        if names:
            return DelegationFacts(plain(parent), names)
        reason = f"{address} gives no delegation for {plain(zone)}"
    return DelegationFacts(plain(parent), reason=reason)


async def _servers_of(context: ProbeContext, parent: dns.name.Name) -> list[Address]:
    answer = await context.resolver.lookup(str(parent), dns.rdatatype.NS)
    found: list[Address] = []
    for record in answer.records[:_MOST_SERVERS]:
        addresses = await context.resolver.lookup(str(record.target), dns.rdatatype.A)
        found += [ip_address(r.address) for r in addresses.records[:1]]
    return found


def _names_in(response: dns.message.Message, zone: dns.name.Name) -> tuple[str, ...]:
    """A referral stands in the authority section, an answer of one who serves both in the other."""
    names = {
        clean(str(rdata.target).lower())
        for rrset in (*response.answer, *response.authority)
        if rrset.name == zone and rrset.rdtype == dns.rdatatype.NS
        for rdata in rdatas(rrset)[:MAX_RECORDS]
    }
    return tuple(sorted(names))
