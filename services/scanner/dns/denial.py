"""Proofs that a delegation has no DS record: NSEC (RFC 4035) and NSEC3 (RFC 5155)."""

import base64
import binascii
from enum import StrEnum
from typing import Any

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset

from services.scanner.resolver import rdatas

MAX_ITERATIONS = 150
"""NSEC3 rounds that are computed; beyond, a zone counts as unsigned (RFC 9276 section 3.2)."""
_SHA1 = 1
_OPT_OUT = 1


class NoDs(StrEnum):
    """What the proof says about the name."""

    UNSIGNED_DELEGATION = "unsigned_delegation"
    OPT_OUT = "opt_out"
    NO_CUT = "no_cut"
    """The name is no delegation at all: its zone goes on, or it does not exist."""
    TOO_COSTLY = "too_costly"


def prove_no_ds(
    child: dns.name.Name, zone: dns.name.Name, proofs: list[dns.rrset.RRset]
) -> NoDs | None:
    """From record sets whose signatures are valid. None: nothing is proved."""
    for rrset in proofs:
        if rrset.rdtype == dns.rdatatype.NSEC:
            proved = _by_nsec(child, rrset.name, rdatas(rrset)[0])
            if proved is not None:
                return proved
    hashed = [_Nsec3(r.name, rdatas(r)[0]) for r in proofs if r.rdtype == dns.rdatatype.NSEC3]
    return _by_nsec3(child, zone, [h for h in hashed if h.is_usable])


def _types_of(rdata: Any) -> set[int]:  # noqa: ANN401 - rdata classes are made at run time
    types: set[int] = set()
    for window, bitmap in rdata.windows:
        for index, byte in enumerate(bitmap):
            types |= {window * 256 + index * 8 + bit for bit in range(8) if byte & (0x80 >> bit)}
    return types


def _from_types(types: set[int]) -> NoDs | None:
    """The record of the name itself (RFC 4035 5.2, RFC 5155 8.9). An SOA is the child's side."""
    if types & {dns.rdatatype.DS, dns.rdatatype.CNAME, dns.rdatatype.SOA}:
        return NoDs.NO_CUT if types & {dns.rdatatype.CNAME} else None
    return NoDs.UNSIGNED_DELEGATION if dns.rdatatype.NS in types else NoDs.NO_CUT


def _by_nsec(child: dns.name.Name, owner: dns.name.Name, rdata: Any) -> NoDs | None:  # noqa: ANN401 - rdata classes are made at run time
    types = _types_of(rdata)
    if owner == child:
        return _from_types(types)
    is_last = rdata.next <= owner
    if not (owner < child and (is_last or child < rdata.next)):
        return None
    # An ancestor's delegation says nothing about what lies below it (RFC 6840 section 4.1).
    is_cut = dns.rdatatype.NS in types and dns.rdatatype.SOA not in types
    if child.is_subdomain(owner) and (is_cut or dns.rdatatype.DNAME in types):
        return None
    return NoDs.NO_CUT


class _Nsec3:
    """One NSEC3 record, with the hash of its owner."""

    def __init__(self, owner: dns.name.Name, rdata: Any) -> None:  # noqa: ANN401 - rdata classes are made at run time
        self.rdata = rdata
        self.types = _types_of(rdata)
        try:
            self.digest = base64.b32hexdecode(owner.labels[0].upper())
        except (binascii.Error, IndexError):
            self.digest = b""

    @property
    def is_usable(self) -> bool:
        return self.rdata.algorithm == _SHA1 and bool(self.digest)

    @property
    def is_opt_out(self) -> bool:
        return bool(self.rdata.flags & _OPT_OUT)

    def covers(self, digest: bytes) -> bool:
        if self.digest < self.rdata.next:
            return self.digest < digest < self.rdata.next
        return digest > self.digest or digest < self.rdata.next  # the last of the ring


def _by_nsec3(child: dns.name.Name, zone: dns.name.Name, hashed: list[_Nsec3]) -> NoDs | None:
    if not hashed:
        return None
    salt, iterations = hashed[0].rdata.salt, hashed[0].rdata.iterations
    if iterations > MAX_ITERATIONS:
        return NoDs.TOO_COSTLY
    same = [h for h in hashed if (h.rdata.salt, h.rdata.iterations) == (salt, iterations)]

    def digest_of(name: dns.name.Name) -> bytes:
        text = dns.dnssec.nsec3_hash(name, salt, iterations, _SHA1)
        return base64.b32hexdecode(text.upper())

    closer = child
    digest = digest_of(child)
    match = next((h for h in same if h.digest == digest), None)
    if match is not None:
        return _from_types(match.types)
    while closer != zone:
        encloser = closer.parent()
        if any(h.digest == digest_of(encloser) for h in same):
            return _by_cover(digest_of(closer), same)
        closer = encloser
    return None


def _by_cover(next_closer: bytes, hashed: list[_Nsec3]) -> NoDs | None:
    """The closest encloser is proved; now the name below it must be covered (RFC 5155 8.6)."""
    cover = next((h for h in hashed if h.covers(next_closer)), None)
    if cover is None:
        return None
    return NoDs.OPT_OUT if cover.is_opt_out else NoDs.NO_CUT
