"""Names: parsing, the zone that holds one, and text of strangers made fit to show."""

import dns.exception
import dns.name
import dns.rcode
import dns.rdatatype

from services.scanner.resolver import Resolver
from services.scanner.suite import ProbeError

_MAX_TEXT = 1024


def parse_name(name: str) -> dns.name.Name:
    """Raises ProbeError for what DNS cannot carry."""
    try:
        return dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ProbeError(f"{name[:80]!r} is no valid domain name (RFC 1035)") from error


async def find_zone(resolver: Resolver, subject: dns.name.Name) -> dns.name.Name:
    """The apex of the zone that holds a name: the owner of the SOA that comes back.

    Raises ProbeError for a name that does not exist, NobodyAnswered.
    """
    response = await resolver.query(subject, dns.rdatatype.SOA)
    if response.rcode() == dns.rcode.NXDOMAIN and not response.answer:
        raise ProbeError("the name does not exist (NXDOMAIN)")
    for rrset in (*response.answer, *response.authority):
        if rrset.rdtype == dns.rdatatype.SOA and subject.is_subdomain(rrset.name):
            return rrset.name
    if response.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        code = dns.rcode.to_text(response.rcode())
        raise ProbeError(f"the resolver answered {code} for {plain(subject)}")
    return await _zone_by_climbing(resolver, subject)


async def _zone_by_climbing(resolver: Resolver, subject: dns.name.Name) -> dns.name.Name:
    """Where the name is an alias, the SOA that came back is its target's: ask above."""
    for index in range(1, len(subject.labels) - 1):
        ancestor = dns.name.Name(subject.labels[index:])
        response = await resolver.query(ancestor, dns.rdatatype.SOA)
        for rrset in (*response.answer, *response.authority):
            if rrset.rdtype == dns.rdatatype.SOA and subject.is_subdomain(rrset.name):
                return rrset.name
    raise ProbeError("no zone was found for the name")


def clean(text: str) -> str:
    """Text of a stranger, fit for JSON and a terminal (TGT-5): printable and short."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_MAX_TEXT])


def plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)
