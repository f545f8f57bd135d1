"""How a signed zone says that a name does not exist: by telling which ones do?"""

import secrets

import dns.name
import dns.rdatatype

from services.scanner.dns.facts import DenialFacts, DenialKind
from services.scanner.dns.zone import clean, plain
from services.scanner.resolver import NobodyAnswered, Resolver, rdatas

_RANDOM_BYTES = 8
_SHARED = 8
"""Characters of a random label that no real name begins with by chance."""


async def find_denial(resolver: Resolver, zone: dns.name.Name) -> DenialFacts:
    """From the answer for a name that nobody has. Never raises for what DNS says."""
    label = secrets.token_hex(_RANDOM_BYTES)
    try:
        asked = dns.name.from_text(label, zone)
        response = await resolver.query(asked, dns.rdatatype.A)
    except (NobodyAnswered, dns.name.NameTooLong) as error:
        return DenialFacts(reason=str(error))
    sets = [r for r in response.authority if r.name.is_subdomain(zone) and len(r)]
    if any(rrset.rdtype == dns.rdatatype.NSEC3 for rrset in sets):
        return DenialFacts(DenialKind.NSEC3)
    spans = [
        (rrset.name, rdatas(rrset)[0].next) for rrset in sets if rrset.rdtype == dns.rdatatype.NSEC
    ]
    if not spans:
        return DenialFacts(DenialKind.NONE, reason="no proof came with the denial")
    real = [span for span in spans if not any(_is_made_up(n, asked, label) for n in span)]
    if not real:
        return DenialFacts(DenialKind.MINIMAL)
    return DenialFacts(DenialKind.NSEC, tuple(clean(plain(name)) for name in real[0]))


def _is_made_up(name: dns.name.Name, asked: dns.name.Name, label: str) -> bool:
    start = label[:_SHARED].encode()
    return name.is_subdomain(asked) or any(part.lower().startswith(start) for part in name.labels)
