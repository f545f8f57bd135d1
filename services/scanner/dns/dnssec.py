"""Walks the chain of trust from the root's anchor to a zone (RFC 4035 section 5).

Every answer is asked for with CD set and judged here; what a resolver says by the AD bit or by
SERVFAIL proves nothing.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NoReturn

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.dnssectypes import Algorithm, DSDigest

from services.scanner.dns.denial import NoDs, prove_no_ds
from services.scanner.dns.facts import ChainFault, DnssecFacts, DsFact, KeyFact, Security
from services.scanner.dns.keys import key_fact, zone_keys
from services.scanner.dns.signatures import (
    SignatureFault,
    Signed,
    ZoneKeys,
    find_rrset,
    find_signatures,
    validate,
)
from services.scanner.dns.trust_anchor import TrustAnchors, matches_ds
from services.scanner.resolver import NobodyAnswered, Resolver, rdatas

_MAX_DEPTH = 16
# RFC 9904: what a validator can compute; a zone signed with nothing else counts as unsigned.
_ALGORITHMS = frozenset(
    {
        Algorithm.RSASHA1,
        Algorithm.RSASHA1NSEC3SHA1,
        Algorithm.RSASHA256,
        Algorithm.RSASHA512,
        Algorithm.ECDSAP256SHA256,
        Algorithm.ECDSAP384SHA384,
        Algorithm.ED25519,
        Algorithm.ED448,
    }
)
_DIGESTS = frozenset({DSDigest.SHA1, DSDigest.SHA256, DSDigest.SHA384})
_FAULTS = {
    SignatureFault.EXPIRED: (ChainFault.SIGNATURE_EXPIRED, "has expired"),
    SignatureFault.NOT_YET_VALID: (ChainFault.SIGNATURE_NOT_YET_VALID, "is not valid yet"),
    SignatureFault.INVALID: (ChainFault.SIGNATURE_INVALID, "does not verify"),
    SignatureFault.UNKNOWN_KEY: (ChainFault.SIGNATURE_INVALID, "is by no key of the zone"),
    SignatureFault.MISSING: (ChainFault.SIGNATURE_MISSING, "is missing"),
}
_NO_DS_WORDS = {
    NoDs.UNSIGNED_DELEGATION: "the parent proves that there is no DS",
    NoDs.OPT_OUT: "the parent leaves unsigned delegations out of its proofs (NSEC3 opt-out)",
    NoDs.TOO_COSTLY: "the parent's NSEC3 iterations are beyond what validators compute (RFC 9276)",
}


class _Ended(Exception):
    """The walk is over before the data; carries what is to be said."""

    def __init__(
        self, security: Security, reason: str, at: dns.name.Name, fault: ChainFault | None = None
    ) -> None:
        super().__init__(reason)
        self.security, self.reason, self.at, self.fault = security, reason, at, fault


@dataclass(slots=True)
class _Walk:
    """What is learned on the way about the zone asked for."""

    resolver: Resolver
    zone: dns.name.Name
    ds: tuple[DsFact, ...] = ()
    keys: tuple[KeyFact, ...] = ()
    is_signed: bool = False
    lives: list[Signed] = field(default_factory=list[Signed])

    async def ask(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> dns.message.Message:
        try:
            response = await self.resolver.query(name, rdtype)
        except NobodyAnswered as error:
            raise _Ended(Security.INDETERMINATE, str(error), name) from error
        if response.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            kind, code = dns.rdatatype.to_text(rdtype), dns.rcode.to_text(response.rcode())
            raise _Ended(Security.INDETERMINATE, f"{code} for {name} {kind}, unchecked too", name)
        return response

    def note_keys(self, response: dns.message.Message, rrset: dns.rrset.RRset) -> None:
        if rrset.name == self.zone:
            self.keys = tuple(map(key_fact, rdatas(rrset)))
            self.is_signed = bool(find_signatures(response.answer, rrset))

    def note_life(self, signed: Signed, zone: dns.name.Name) -> None:
        if zone == self.zone:
            self.lives.append(signed)


async def walk_chain(
    resolver: Resolver,
    anchors: TrustAnchors,
    zone: dns.name.Name,
    subject: dns.name.Name,
    rdtype: dns.rdatatype.RdataType = dns.rdatatype.A,
) -> DnssecFacts:
    """The state of ``zone`` and of the subject's records in it. What servers do never raises.

    What a wildcard made is left unjudged where addresses are asked for, and is indeterminate
    where any other type is: who asks for that means to rely on the answer.
    """
    walk = _Walk(resolver, zone)
    try:
        current = await _descend(walk, anchors)
        await _check_data(walk, current, (zone, dns.rdatatype.SOA))
        await _check_data(walk, current, (subject, rdtype))
        facts = DnssecFacts(Security.SECURE, "the chain of trust is whole", str(zone))
    except _Ended as end:
        if end.security is Security.INSECURE and not walk.keys:
            await _look_for_keys(walk)
        facts = DnssecFacts(
            end.security, end.reason, str(zone), broken_at=str(end.at), fault=end.fault
        )
    first = min(walk.lives, key=lambda signed: signed.until, default=None)
    return replace(
        facts,
        keys=walk.keys,
        ds=walk.ds,
        is_signed=walk.is_signed,
        signed_since=None if first is None else first.since,
        signed_until=None if first is None else first.until,
        checked_at=datetime.now(UTC),
    )


async def _descend(walk: _Walk, anchors: TrustAnchors) -> ZoneKeys:
    """The keys of the zone asked for."""
    current = await _root_keys(walk, anchors)
    labels = walk.zone.labels
    if len(labels) > _MAX_DEPTH:
        raise _Ended(Security.INDETERMINATE, "the name has too many labels", walk.zone)
    for index in range(len(labels) - 2, -1, -1):
        child = dns.name.Name(labels[index:])
        ds = await _find_ds(walk, current, child)
        if ds:
            current = await _child_keys(walk, child, ds)
    return current


async def _root_keys(walk: _Walk, anchors: TrustAnchors) -> ZoneKeys:
    """Trouble here is the resolver's or the anchor's, never the target's."""
    root = dns.name.root
    response = await walk.ask(root, dns.rdatatype.DNSKEY)
    rrset = find_rrset(response.answer, root, dns.rdatatype.DNSKEY)
    if rrset is None or not find_signatures(response.answer, rrset):
        reason = "the resolver gives no DNSSEC records"
        raise _Ended(Security.INDETERMINATE, reason, root)
    keys = zone_keys(rrset)
    signed = validate(response.answer, rrset, ZoneKeys(root, anchors.trusted(keys)))
    if isinstance(signed, SignatureFault):
        reason = "the root's keys do not match the trust anchor"
        raise _Ended(Security.INDETERMINATE, reason, root)
    return ZoneKeys(root, keys)


async def _find_ds(walk: _Walk, parent: ZoneKeys, child: dns.name.Name) -> tuple[Any, ...]:
    """The DS records of a signed delegation; () where the name is no delegation."""
    response = await walk.ask(child, dns.rdatatype.DS)
    rrset = find_rrset(response.answer, child, dns.rdatatype.DS)
    if rrset is None:
        _require_denial(response, parent, child)
        return ()
    signed = validate(response.answer, rrset, parent)
    if isinstance(signed, SignatureFault):
        _break(signed, f"the signature of {child} DS", parent.name)
    ds = rdatas(rrset)
    if child == walk.zone:
        walk.ds = tuple(DsFact(d.key_tag, d.algorithm, d.digest_type, is_matched=False) for d in ds)
    return ds


def _require_denial(response: dns.message.Message, parent: ZoneKeys, child: dns.name.Name) -> None:
    alias = find_rrset(response.answer, child, dns.rdatatype.CNAME)
    if alias is not None and isinstance(validate(response.answer, alias, parent), Signed):
        return  # an alias is no delegation
    fault: SignatureFault | None = None
    proofs: list[dns.rrset.RRset] = []
    for rrset in response.authority:
        if rrset.rdtype in {dns.rdatatype.NSEC, dns.rdatatype.NSEC3} and len(rrset) == 1:
            signed = validate(response.authority, rrset, parent)
            if isinstance(signed, Signed):
                proofs.append(rrset)
            else:
                fault = signed
    proved = prove_no_ds(child, parent.name, proofs)
    if proved is None and fault is not None:
        _break(fault, f"the signature of the proof that {child} has no DS", parent.name)
    if proved is None:
        reason = f"{parent.name} does not prove that {child} has no DS"
        raise _Ended(Security.BOGUS, reason, parent.name, ChainFault.DENIAL_MISSING)
    if proved is not NoDs.NO_CUT:
        raise _Ended(Security.INSECURE, _NO_DS_WORDS[proved], child)


async def _child_keys(walk: _Walk, child: dns.name.Name, ds: tuple[Any, ...]) -> ZoneKeys:
    usable = [d for d in ds if d.algorithm in _ALGORITHMS and d.digest_type in _DIGESTS]
    response = await walk.ask(child, dns.rdatatype.DNSKEY)
    rrset = find_rrset(response.answer, child, dns.rdatatype.DNSKEY)
    if rrset is not None:
        walk.note_keys(response, rrset)
    if not usable:
        reason = "every DS is of an algorithm that validators do not know"
        raise _Ended(Security.INSECURE, reason, child)
    keys = zone_keys(rrset) if rrset is not None else ()
    if child == walk.zone:
        walk.ds = tuple(_matched(child, fact, record, keys) for fact, record in _pairs(walk, ds))
    entry = tuple(key for key in keys if any(matches_ds(child, d, key) for d in usable))
    if not entry:
        reason = f"no key of {child} matches a DS" if keys else f"{child} has a DS and no DNSKEY"
        raise _Ended(Security.BOGUS, reason, child, ChainFault.DS_MISMATCH)
    if rrset is None:
        raise LookupError("keys without a set")  # cannot be: entry keys come out of the set
    signed = validate(response.answer, rrset, ZoneKeys(child, entry))
    if isinstance(signed, SignatureFault):
        _break(signed, f"the signature of the keys of {child}", child)
    walk.note_life(signed, child)
    return ZoneKeys(child, keys)


def _pairs(walk: _Walk, ds: tuple[Any, ...]) -> list[tuple[DsFact, Any]]:
    return list(zip(walk.ds, ds, strict=True))


def _matched(
    zone: dns.name.Name,
    fact: DsFact,
    record: Any,  # noqa: ANN401 - rdata classes are made at run time
    keys: tuple[Any, ...],
) -> DsFact:
    return replace(fact, is_matched=any(matches_ds(zone, record, key) for key in keys))


async def _check_data(
    walk: _Walk, keys: ZoneKeys, asked: tuple[dns.name.Name, dns.rdatatype.RdataType]
) -> None:
    """What stands there must be signed; where nothing does, nothing is judged."""
    name, rdtype = asked
    response = await walk.ask(name, rdtype)
    rrset = find_rrset(response.answer, name, rdtype)
    if rrset is None:
        return
    signed = validate(response.answer, rrset, keys)
    kind = dns.rdatatype.to_text(rdtype)
    if isinstance(signed, Signed):
        walk.note_life(signed, keys.name)
    elif not _is_from_wildcard(response, rrset):
        _break(signed, f"the signature of {name} {kind}", keys.name)
    elif rdtype != dns.rdatatype.A:
        raise _Ended(Security.INDETERMINATE, f"{name} {kind} comes out of a wildcard", keys.name)


def _is_from_wildcard(response: dns.message.Message, rrset: dns.rrset.RRset) -> bool:
    """Fewer labels signed than shown: right or wrong, this walk does not judge it."""
    signatures = find_signatures(response.answer, rrset)
    return any(signature.labels < len(rrset.name) - 1 for signature in signatures)


def _break(fault: SignatureFault, what: str, at: dns.name.Name) -> NoReturn:
    chain_fault, words = _FAULTS[fault]
    raise _Ended(Security.BOGUS, f"{what} {words}", at, chain_fault)


async def _look_for_keys(walk: _Walk) -> None:
    """A zone may be signed although nobody vouches for it."""
    try:
        response = await walk.ask(walk.zone, dns.rdatatype.DNSKEY)
    except _Ended:
        return
    rrset = find_rrset(response.answer, walk.zone, dns.rdatatype.DNSKEY)
    if rrset is not None:
        walk.note_keys(response, rrset)
