"""TLSA records of mail servers, and whether the chain of trust reaches them."""

from typing import Any

import dns.rdatatype

from services.scanner.dns.facts import Security
from services.scanner.dns.secure import secure_lookup
from services.scanner.dns.trust_anchor import TrustAnchors
from services.scanner.mail.dane import TlsaFacts, TlsaRecord
from services.scanner.resolver import Lookup, Resolver

_MAX_RECORDS = 20


async def find_tlsa(
    resolver: Resolver, anchors: TrustAnchors, host: str, port: int = 25
) -> TlsaFacts:
    """What senders are to pin for a mail server (RFC 7672). Never raises for what DNS says."""
    owner = f"_{port}._tcp.{host}"
    answer = await secure_lookup(resolver, anchors, owner, dns.rdatatype.TLSA)
    records = tuple(map(_record, answer.records[:_MAX_RECORDS]))
    security = answer.security if answer.lookup is Lookup.PRESENT else Security.INDETERMINATE
    return TlsaFacts(owner, answer.lookup, records, security, answer.reason)


def _record(rdata: Any) -> TlsaRecord:  # noqa: ANN401 - rdata classes are made at run time
    return TlsaRecord(rdata.usage, rdata.selector, rdata.mtype, rdata.cert)
