"""One question whose answer counts only if the chain of trust reaches it."""

from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from services.scanner.dns.dnssec import walk_chain
from services.scanner.dns.facts import Security
from services.scanner.dns.signatures import find_rrset
from services.scanner.dns.trust_anchor import TrustAnchors
from services.scanner.dns.zone import find_zone
from services.scanner.resolver import Lookup, NobodyAnswered, Resolver, rdatas
from services.scanner.suite import ProbeError

_MAX_ALIASES = 4
# The least secure link decides; from bad to good.
_ORDER = (Security.BOGUS, Security.INDETERMINATE, Security.INSECURE, Security.SECURE)


@dataclass(frozen=True, slots=True)
class SecureAnswer:
    """``security`` is of the records and of the aliases that lead to them, where there are any."""

    lookup: Lookup
    records: tuple[Any, ...] = ()  # Any: rdata classes are made at run time
    security: Security = Security.INDETERMINATE
    reason: str = ""


async def secure_lookup(
    resolver: Resolver, anchors: TrustAnchors, name: str, rdtype: dns.rdatatype.RdataType
) -> SecureAnswer:
    """Never raises for what DNS says. An absence is told as it was answered, not proved."""
    try:
        current = dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        return SecureAnswer(Lookup.BROKEN, reason=f"{name[:80]!r} is no valid name (RFC 1035)")
    links: list[tuple[dns.name.Name, dns.rdatatype.RdataType]] = []
    for _ in range(_MAX_ALIASES + 1):
        try:
            response = await resolver.query(current, rdtype)
        except NobodyAnswered as error:
            return SecureAnswer(Lookup.UNKNOWN, reason=str(error))
        found = find_rrset(response.answer, current, rdtype)
        if found is not None:
            links.append((current, rdtype))
            security, reason = await _weakest(resolver, anchors, links)
            return SecureAnswer(Lookup.PRESENT, rdatas(found), security, reason)
        alias = find_rrset(response.answer, current, dns.rdatatype.CNAME)
        if alias is None:
            return _absent(response, current)
        links.append((current, dns.rdatatype.CNAME))
        current = rdatas(alias)[0].target
    return SecureAnswer(Lookup.BROKEN, reason=f"more than {_MAX_ALIASES} aliases in a row")


def _absent(response: dns.message.Message, name: dns.name.Name) -> SecureAnswer:
    code = response.rcode()
    if code == dns.rcode.NXDOMAIN:
        return SecureAnswer(Lookup.NXDOMAIN, reason=f"{name} does not exist")
    if code != dns.rcode.NOERROR:
        reason = f"the resolver answered {dns.rcode.to_text(code)} for {name}"
        return SecureAnswer(Lookup.BROKEN, reason=reason)
    return SecureAnswer(Lookup.NODATA, reason=f"{name} has no such record")


async def _weakest(
    resolver: Resolver,
    anchors: TrustAnchors,
    links: list[tuple[dns.name.Name, dns.rdatatype.RdataType]],
) -> tuple[Security, str]:
    worst, reason = Security.SECURE, "the chain of trust is whole"
    for name, rdtype in links:
        try:
            zone = await find_zone(resolver, name)
        except (ProbeError, NobodyAnswered) as error:
            security, words = Security.INDETERMINATE, str(error)
        else:
            facts = await walk_chain(resolver, anchors, zone, name, rdtype)
            security, words = facts.security, facts.reason
        if _ORDER.index(security) < _ORDER.index(worst):
            worst, reason = security, words
    return worst, reason
