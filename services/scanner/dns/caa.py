"""Looks up who may issue certificates for a name (CAA, RFC 8659)."""

from typing import Any

import dns.name
import dns.rdatatype

from services.scanner.dns.facts import CaaFacts, CaaRecord
from services.scanner.dns.zone import clean, plain
from services.scanner.resolver import Lookup, Resolver


async def find_caa(resolver: Resolver, subject: dns.name.Name) -> CaaFacts:
    """Climb from the name to the TLD; the first set found counts (RFC 8659 section 3)."""
    for index in range(len(subject.labels) - 1):
        owner = dns.name.Name(subject.labels[index:])
        answer = await resolver.lookup(str(owner), dns.rdatatype.CAA)
        if answer.lookup is Lookup.PRESENT:
            return CaaFacts(Lookup.PRESENT, plain(owner), _caa_records(answer.records))
        if not answer.is_known:
            return CaaFacts(answer.lookup, reason=answer.reason)
    return CaaFacts(Lookup.NODATA)


def _caa_records(records: tuple[Any, ...]) -> tuple[CaaRecord, ...]:
    return tuple(CaaRecord(r.flags, _text(r.tag).lower(), _text(r.value)) for r in records)


def _text(value: bytes) -> str:
    return clean(value.decode("utf-8", "replace"))
