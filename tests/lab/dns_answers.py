"""What the lab's DNS server says to one question: records, aliases, proofs of absence."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.rrset

from tests.lab.dns_zones import Denial, LabZone, hash_of, nsec3_owner, rdatasets_of

if TYPE_CHECKING:
    from tests.lab.dns_server import DnsLab

_MAX_ALIASES = 20
Zones = Mapping[dns.name.Name, LabZone]


def fill_answer(zones: Zones, query: dns.message.Message, response: dns.message.Message) -> None:
    """Follow aliases across zones as a recursive server does, then answer or deny."""
    question = query.question[0]
    is_signed = bool(query.ednsflags & dns.flags.DO)
    response.flags |= dns.flags.AA
    name = question.name
    for _ in range(_MAX_ALIASES):
        lab = _zone_for(zones, name, question.rdtype)
        if lab is None:
            response.set_rcode(dns.rcode.REFUSED)
            return
        target = _answer_from(lab, name, question.rdtype, response, is_signed=is_signed)
        if target is None:
            return
        name = target


def alias_of(zones: Zones, name: dns.name.Name) -> dns.name.Name | None:
    """Where a name leads that is an alias."""
    zone = _zone_for(zones, name, dns.rdatatype.CNAME)
    alias = zone.rrset(name, dns.rdatatype.CNAME) if zone is not None else None
    return None if alias is None else cast("Any", alias)[0].target  # Any: made at run time


def answer_transfer(lab: "DnsLab", query: dns.message.Message) -> Iterator[dns.message.Message]:
    """The whole zone where it is open, else one refusal."""
    response = dns.message.make_response(query)
    zone = lab.zones.get(query.question[0].name)
    if zone is None or not zone.spec.allows_transfer:
        response.set_rcode(dns.rcode.REFUSED)
        yield response
        return
    soa = zone.rrset(zone.spec.name, dns.rdatatype.SOA)
    if soa is None:
        raise LookupError("a zone without SOA")
    response.flags |= dns.flags.AA
    response.answer.append(soa)
    for name in sorted(zone.zone.nodes):
        for rdataset in rdatasets_of(zone.zone.nodes[name]):
            if rdataset.rdtype != dns.rdatatype.SOA:
                response.answer.append(_named(name, rdataset))
    yield response
    last = dns.message.make_response(query)
    last.answer.append(soa)
    yield last


def _zone_for(zones: Zones, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> LabZone | None:
    # A DS belongs to the parent's side of the cut (RFC 4035 section 3.1.4.1).
    is_above = rdtype == dns.rdatatype.DS and name in zones and name != dns.name.root
    start = name.parent() if is_above else name
    candidates = [origin for origin in zones if start.is_subdomain(origin)]
    return zones[max(candidates, key=len)] if candidates else None


def _answer_from(
    lab: LabZone,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    response: dns.message.Message,
    *,
    is_signed: bool,
) -> dns.name.Name | None:
    """Put records or a denial into the response; the next name if this one is an alias."""
    owner = name if lab.zone.get_node(name) is not None else _wildcard_for(lab, name)
    rrset = lab.rrset(owner, rdtype)
    alias = lab.rrset(owner, dns.rdatatype.CNAME) if rrset is None else None
    found = rrset or alias
    if found is None:
        _deny(lab, name, owner, response, is_signed=is_signed)
        return None
    _add(lab, owner, name, found, response.answer, is_signed=is_signed)
    if alias is None:
        return None
    return cast("Any", alias)[0].target  # Any: rdata classes are made at run time


def _wildcard_for(lab: LabZone, name: dns.name.Name) -> dns.name.Name:
    """The wildcard that makes this name, else the name itself (RFC 4592 section 3.3)."""
    encloser = name
    while encloser != lab.spec.name and not _exists(lab, encloser):
        encloser = encloser.parent()
    wildcard = dns.name.Name([b"*", *encloser.labels])
    is_made = not _exists(lab, name) and lab.zone.get_node(wildcard) is not None
    return wildcard if is_made else name


def _exists(lab: LabZone, name: dns.name.Name) -> bool:
    return name in lab.names


def _add(
    lab: LabZone,
    owner: dns.name.Name,
    shown: dns.name.Name,
    rrset: dns.rrset.RRset,
    section: list[dns.rrset.RRset],
    *,
    is_signed: bool,
) -> None:
    signatures = lab.signatures(owner, rrset.rdtype) if is_signed else None
    for part in (rrset, signatures):
        if part is not None and not any(p is part for p in section):
            section.append(_named(shown, part))


def _named(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    rrset = dns.rrset.RRset(name, rdataset.rdclass, rdataset.rdtype, rdataset.covers)
    cast("Any", rrset).update(rdataset)  # Any: dnspython leaves its sets untyped
    return rrset


def _deny(
    lab: LabZone,
    name: dns.name.Name,
    owner: dns.name.Name,
    response: dns.message.Message,
    *,
    is_signed: bool,
) -> None:
    if owner == name and not _exists(lab, name):
        response.set_rcode(dns.rcode.NXDOMAIN)
    soa = lab.rrset(lab.spec.name, dns.rdatatype.SOA)
    if soa is not None:
        _add(lab, lab.spec.name, lab.spec.name, soa, response.authority, is_signed=is_signed)
    if is_signed:
        for proof in _proofs(lab, name):
            _add(lab, proof.name, proof.name, proof, response.authority, is_signed=True)


def _proofs(lab: LabZone, name: dns.name.Name) -> list[dns.rrset.RRset]:
    if lab.spec.denial is Denial.NSEC:
        owners = lab.nsec_owners
        covering = owners[: bisect_right(owners, name)][-1:]
    elif lab.spec.denial is Denial.NONE:
        return []
    else:
        covering = _nsec3_owners(lab, name)
    kind = dns.rdatatype.NSEC if lab.spec.denial is Denial.NSEC else dns.rdatatype.NSEC3
    found = (lab.rrset(owner, kind) for owner in dict.fromkeys(covering))
    return [rrset for rrset in found if rrset is not None]


def _nsec3_owners(lab: LabZone, name: dns.name.Name) -> list[dns.name.Name]:
    """The match, else the closest encloser and what covers the next closer name."""
    owners = lab.nsec3_owners
    if not owners:
        return []

    def matching(wanted: dns.name.Name) -> dns.name.Name:
        digest = hash_of(wanted, lab.spec.nsec3_iterations)
        return nsec3_owner(digest, lab.spec.name)

    if matching(name) in owners:
        return [matching(name)]
    closer, encloser = name, name.parent()
    while matching(encloser) not in owners:
        closer, encloser = encloser, encloser.parent()
    before = owners[: bisect_right(owners, matching(closer))]
    return [matching(encloser), before[-1] if before else owners[-1]]
