"""Does a record set carry a valid signature of its zone? (RFC 4035 section 5.3)."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

import dns.dnssec
import dns.exception
import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rrset
from cryptography.exceptions import UnsupportedAlgorithm

from services.scanner.resolver import MAX_RECORDS, rdatas

_dnssec = cast("Any", dns.dnssec)  # Any: the function is bound to a placeholder without types

CLOCK_SKEW_S = 300
# A hostile zone may publish many keys with one tag and many signatures (CVE-2023-50387).
_MAX_SIGNATURES = 6
_MAX_KEYS_PER_TAG = 4


class SignatureFault(StrEnum):
    """Why no signature counts; where several fail, the first of this order is told."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    INVALID = "invalid"
    UNKNOWN_KEY = "unknown_key"
    MISSING = "missing"


_ORDER = tuple(SignatureFault)


@dataclass(frozen=True, slots=True)
class Signed:
    """A set with a valid signature, and that signature's life."""

    rrset: dns.rrset.RRset
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ZoneKeys:
    """A zone's name and the keys its records may be signed with."""

    name: dns.name.Name
    keys: tuple[Any, ...]  # Any: rdata classes are made at run time


def find_rrset(
    section: list[dns.rrset.RRset], name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> dns.rrset.RRset | None:
    """A set of a sensible size; None for an absurdly large one too (TGT-2)."""
    for rrset in section:
        if rrset.name == name and rrset.rdtype == rdtype and 0 < len(rrset) <= MAX_RECORDS:
            return rrset
    return None


def find_signatures(section: list[dns.rrset.RRset], rrset: dns.rrset.RRset) -> tuple[Any, ...]:
    """The RRSIG records that cover this set."""
    for candidate in section:
        is_signature = candidate.rdtype == dns.rdatatype.RRSIG and candidate.name == rrset.name
        if is_signature and candidate.covers == rrset.rdtype:
            return rdatas(candidate)
    return ()


def validate(
    section: list[dns.rrset.RRset], rrset: dns.rrset.RRset, zone: ZoneKeys
) -> Signed | SignatureFault:
    """The set as signed by the zone, or why it is not."""
    signatures = find_signatures(section, rrset)
    if not signatures:
        return SignatureFault.MISSING
    faults: set[SignatureFault] = set()
    for signature in signatures[:_MAX_SIGNATURES]:
        fault = _fault_of(rrset, signature, zone)
        if fault is None:
            return Signed(rrset, _moment(signature.inception), _moment(signature.expiration))
        faults.add(fault)
    return min(faults, key=_ORDER.index)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _fault_of(
    rrset: dns.rrset.RRset,
    signature: Any,  # noqa: ANN401 - rdata classes are made at run time
    zone: ZoneKeys,
) -> SignatureFault | None:
    keys = [
        key
        for key in zone.keys
        if key.algorithm == signature.algorithm and key.key_id() == signature.key_tag
    ][:_MAX_KEYS_PER_TAG]
    if signature.signer != zone.name or not keys:
        return SignatureFault.UNKNOWN_KEY
    # None of the sets looked at here may come out of a wildcard.
    if not rrset.name.is_subdomain(zone.name) or signature.labels != _labels_of(rrset.name):
        return SignatureFault.INVALID
    now = time.time()
    if signature.expiration < now - CLOCK_SKEW_S:
        return SignatureFault.EXPIRED
    if signature.inception > now + CLOCK_SKEW_S:
        return SignatureFault.NOT_YET_VALID
    within = min(max(now, signature.inception), signature.expiration)
    return None if _verifies(rrset, signature, zone.name, keys, within) else SignatureFault.INVALID


def _labels_of(name: dns.name.Name) -> int:
    """As the RRSIG counts them: without the root and without a leading asterisk."""
    return len(name) - 1 - int(name.is_wild())


def _verifies(
    rrset: dns.rrset.RRset,
    signature: Any,  # noqa: ANN401 - rdata classes are made at run time
    zone: dns.name.Name,
    keys: list[Any],
    now: float,
) -> bool:
    dnskeys = dns.rdataset.from_rdata_list(0, keys)
    try:
        _dnssec.validate_rrsig(rrset, signature, {zone: dnskeys}, now=now)
    except (dns.exception.DNSException, UnsupportedAlgorithm, ValueError):
        return False
    return True
