"""A name that is an alias: does the chain end at something that is still there?"""

from functools import cache
from importlib.resources import files

import dns.exception
import dns.name
import dns.rdatatype

from services.scanner.dns.facts import AliasFacts, Claim
from services.scanner.dns.zone import plain
from services.scanner.resolver import DnsAnswer, Lookup, NobodyAnswered, Resolver


async def follow_alias(resolver: Resolver, answer: DnsAnswer) -> AliasFacts:
    """From the answer to the question for addresses. Never raises for what DNS says."""
    chain = tuple(alias.rstrip(".") for alias in answer.aliases)
    if not chain or answer.lookup is not Lookup.NXDOMAIN:
        return AliasFacts(answer.lookup, chain, answer.reason)
    end = chain[-1].lower()
    for suffix, claim in _suffixes().items():
        if end.endswith(f".{suffix}"):
            return AliasFacts(answer.lookup, chain, answer.reason, claim, suffix)
    free = await _unregistered_domain(resolver, end)
    claim = Claim.UNREGISTERED if free else Claim.UNKNOWN
    return AliasFacts(answer.lookup, chain, answer.reason, claim, free)


async def _unregistered_domain(resolver: Resolver, name: str) -> str:
    """The domain below a top-level one that does not exist; "" where it does, or is not known.

    The SOA beside a denial is of the zone that speaks (RFC 2308): if that is the top-level domain,
    there is no delegation below it.
    """
    try:
        end = dns.name.from_text(name)
        response = await resolver.query(end, dns.rdatatype.SOA)
    except (dns.exception.DNSException, UnicodeError, NobodyAnswered):
        return ""
    speakers = [r.name for r in response.authority if r.rdtype == dns.rdatatype.SOA]
    is_top_level = any(len(name.labels) == 2 and end.is_subdomain(name) for name in speakers)  # noqa: PLR2004 - one label and the root's empty one
    return plain(dns.name.Name(end.labels[-3:])) if is_top_level else ""


@cache
def _suffixes() -> dict[str, Claim]:
    text = files("services.scanner.dns").joinpath("takeover-suffixes.txt").read_text("ascii")
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return {words[0]: Claim(words[1]) for words in lines if words}
