"""Signed and unsigned zones for a lab: a root, TLDs and zones below, with faults to order."""

import base64
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, cast

import dns.dnssec
import dns.name
import dns.node
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.util import Bitmap

_dnssec = cast("Any", dns.dnssec)  # Any: half of it is bound to placeholders without types
_DAY_S = 86_400
_TTL_S = 60
_OPT_OUT = 1
_SECURE_ENTRY_POINT = 257


class Signing(StrEnum):
    """What is right or wrong with a zone's signatures."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    NO_DS = "no_ds"
    """Signed, and the parent proves that there is no DS."""
    DS_MISMATCH = "ds_mismatch"
    """The parent's DS belongs to another key."""
    EXPIRED = "expired"
    BOGUS = "bogus"
    """Every signature but the key's own is altered."""
    STRIPPED = "stripped"
    """DS and keys are there, the signatures of the data are not."""


class Denial(StrEnum):
    """How a zone proves what it does not have."""

    NSEC = "nsec"
    NSEC3 = "nsec3"
    OPT_OUT = "opt_out"
    """NSEC3 that leaves unsigned delegations out."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """One zone to build; ``records`` are zone-file lines. SOA and NS are added where missing."""

    origin: str
    records: str = ""
    signing: Signing = Signing.SIGNED
    denial: Denial = Denial.NSEC
    algorithm: Algorithm = Algorithm.ECDSAP256SHA256
    rsa_bits: int = 2048
    ds_digest: DSDigest = DSDigest.SHA256
    nsec3_iterations: int = 0
    expires_in_s: int = 30 * _DAY_S
    allows_transfer: bool = False

    @property
    def name(self) -> dns.name.Name:
        return dns.name.from_text(self.origin)


@dataclass(frozen=True)
class LabZone:
    """A zone as it is served; what is looked up for each answer is kept."""

    spec: ZoneSpec
    zone: dns.zone.Zone
    key: DNSKEY | None

    @cached_property
    def nsec3_owners(self) -> list[dns.name.Name]:
        """Hashed names, in order."""
        return sorted(n for n in self.zone.nodes if self.rrset(n, dns.rdatatype.NSEC3))

    @cached_property
    def nsec_owners(self) -> list[dns.name.Name]:
        return sorted(n for n in self.zone.nodes if self.rrset(n, dns.rdatatype.NSEC))

    @cached_property
    def names(self) -> set[dns.name.Name]:
        """Every name that exists, the empty ones between them and the apex too."""
        hashed = set(self.nsec3_owners)
        return names_with_empty_ones(
            (n for n in self.zone.nodes if n not in hashed), self.spec.name
        )

    def rrset(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        """A record set with its owner's name, or None."""
        return self.zone.get_rrset(name, rdtype)

    def signatures(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> dns.rrset.RRset | None:
        return self.zone.get_rrset(name, dns.rdatatype.RRSIG, rdtype)


def build_zones(specs: Iterable[ZoneSpec]) -> tuple[dict[dns.name.Name, LabZone], str]:
    """Zones by origin, with missing parents made, and the root's DS line as trust anchor."""
    wanted = {spec.name: spec for spec in specs}
    for name in list(wanted):
        for parent in (dns.name.root, dns.name.Name(name.labels[-2:])):
            wanted.setdefault(parent, ZoneSpec(parent.to_text()))
    zones: dict[dns.name.Name, LabZone] = {}
    delegations: dict[dns.name.Name, list[dns.rrset.RRset]] = {name: [] for name in wanted}
    for name in sorted(wanted, key=len, reverse=True):
        built, ds = _build(wanted[name], delegations[name])
        zones[name] = built
        if name != dns.name.root:
            parent = next(p for p in _ancestors(name) if p in wanted)
            servers = built.rrset(name, dns.rdatatype.NS)
            delegations[parent].extend(r for r in (servers, ds) if r is not None)
    root_key = zones[dns.name.root].key
    anchor = "" if root_key is None else f". IN DS {_ds(dns.name.root, root_key, DSDigest.SHA256)}"
    return zones, anchor


def _ancestors(name: dns.name.Name) -> Iterable[dns.name.Name]:
    while name != dns.name.root:
        name = name.parent()
        yield name


def _ds(name: dns.name.Name, key: DNSKEY, digest: DSDigest) -> dns.rdata.Rdata:
    return dns.dnssec.make_ds(name, key, digest, policy=dns.dnssec.allow_all_policy)


def _build(
    spec: ZoneSpec, delegations: list[dns.rrset.RRset]
) -> tuple[LabZone, dns.rrset.RRset | None]:
    zone = dns.zone.from_text(
        f"$TTL {_TTL_S}\n@ SOA ns1 hostmaster 1 3600 600 86400 {_TTL_S}\n{spec.records}\n",
        origin=spec.name,
        relativize=False,
        check_origin=False,
    )
    if zone.get_rdataset(spec.name, dns.rdatatype.NS) is None:
        servers = ["ns1.lab.", "ns2.lab."]
        zone.replace_rdataset(spec.name, dns.rdataset.from_text("IN", "NS", _TTL_S, *servers))
    for rrset in delegations:
        zone.replace_rdataset(rrset.name, rrset)
    if spec.signing is Signing.UNSIGNED:
        return LabZone(spec, zone, None), None
    private, key = _new_key(spec)
    _sign(zone, spec, private, key)
    if spec.signing is Signing.NO_DS:
        return LabZone(spec, zone, key), None
    published = _new_key(spec)[1] if spec.signing is Signing.DS_MISMATCH else key
    ds = dns.rrset.from_rdata(spec.name, _TTL_S, _ds(spec.name, published, spec.ds_digest))
    return LabZone(spec, zone, key), ds


def _new_key(spec: ZoneSpec) -> tuple[Any, DNSKEY]:  # Any: one of cryptography's private keys
    match spec.algorithm:
        case Algorithm.ECDSAP256SHA256:
            private: Any = ec.generate_private_key(ec.SECP256R1())  # Any: keys of three kinds
        case Algorithm.ECDSAP384SHA384:
            private = ec.generate_private_key(ec.SECP384R1())
        case Algorithm.ED25519:
            private = ed25519.Ed25519PrivateKey.generate()
        case _:
            private = rsa.generate_private_key(65_537, spec.rsa_bits)
    key = _dnssec.make_dnskey(private.public_key(), spec.algorithm, flags=_SECURE_ENTRY_POINT)
    return private, key


def _sign(zone: dns.zone.Zone, spec: ZoneSpec, private: Any, key: DNSKEY) -> None:  # noqa: ANN401 - one of cryptography's private keys
    now = int(time.time())
    is_expired = spec.signing is Signing.EXPIRED
    times = {
        "inception": now - 20 * _DAY_S,
        "expiration": now - _DAY_S if is_expired else now + spec.expires_in_s,
    }
    policy = dns.dnssec.allow_all_policy
    _dnssec.sign_zone(zone, keys=[(private, key)], policy=policy, **times)
    if spec.denial is not Denial.NSEC:
        _remove_nsec(zone)
    if spec.denial in {Denial.NSEC3, Denial.OPT_OUT}:
        for rrset in _nsec3_chain(zone, spec):
            zone.replace_rdataset(rrset.name, rrset)
            signature = _dnssec.sign(rrset, private, spec.name, key, policy=policy, **times)
            zone.replace_rdataset(rrset.name, dns.rdataset.from_rdata(_TTL_S, signature))
    if spec.signing in {Signing.BOGUS, Signing.STRIPPED}:
        _spoil(zone, spec)


def _remove_nsec(zone: dns.zone.Zone) -> None:
    for name in list(zone.nodes):
        zone.delete_rdataset(name, dns.rdatatype.NSEC)
        zone.delete_rdataset(name, dns.rdatatype.RRSIG, dns.rdatatype.NSEC)


def _spoil(zone: dns.zone.Zone, spec: ZoneSpec) -> None:
    for name, rdataset in list(zone.iterate_rdatasets()):
        covers = rdataset.covers
        if rdataset.rdtype != dns.rdatatype.RRSIG or covers == dns.rdatatype.DNSKEY:
            continue
        zone.delete_rdataset(name, dns.rdatatype.RRSIG, covers)
        if spec.signing is Signing.BOGUS:
            zone.replace_rdataset(name, dns.rdataset.from_rdata(_TTL_S, *map(_altered, rdataset)))


def _altered(rdata: dns.rdata.Rdata) -> dns.rdata.Rdata:
    signature = cast("Any", rdata).signature  # Any: rdata classes are made at run time
    return rdata.replace(signature=bytes([signature[0] ^ 0xFF]) + signature[1:])


def rdatasets_of(node: dns.node.Node) -> list[dns.rdataset.Rdataset]:
    """The sets of a node, typed for our checker."""
    return cast("Any", node).rdatasets  # Any: dnspython leaves the list untyped


def hash_of(name: dns.name.Name, iterations: int) -> bytes:
    """The NSEC3 hash without salt (RFC 5155 section 5)."""
    text = dns.dnssec.nsec3_hash(name, None, iterations, "SHA1")
    return base64.b32hexdecode(text.upper())


def nsec3_owner(digest: bytes, origin: dns.name.Name) -> dns.name.Name:
    return dns.name.Name([base64.b32hexencode(digest).lower(), *origin.labels])


def _nsec3_chain(zone: dns.zone.Zone, spec: ZoneSpec) -> list[dns.rrset.RRset]:
    is_opt_out = spec.denial is Denial.OPT_OUT
    hashes: dict[bytes, set[dns.rdatatype.RdataType]] = {}
    for name in names_with_empty_ones(zone.nodes, spec.name):
        node = zone.get_node(name)
        types: set[dns.rdatatype.RdataType] = set()
        if node is not None:
            types = {r.rdtype for r in rdatasets_of(node)}
        is_delegation = dns.rdatatype.NS in types and name != spec.name
        if is_opt_out and is_delegation and dns.rdatatype.DS not in types:
            continue
        hashes[hash_of(name, spec.nsec3_iterations)] = types
    order = sorted(hashes)
    flags = _OPT_OUT if is_opt_out else 0
    chain: list[dns.rrset.RRset] = []
    for index, digest in enumerate(order):
        following = order[(index + 1) % len(order)]
        rdata = _nsec3(flags, spec.nsec3_iterations, following, hashes[digest])
        chain.append(dns.rrset.from_rdata(nsec3_owner(digest, spec.name), _TTL_S, rdata))
    return chain


def _nsec3(
    flags: int, iterations: int, following: bytes, types: set[dns.rdatatype.RdataType]
) -> dns.rdata.Rdata:
    windows = bytearray()
    for window, bitmap in Bitmap.from_rdtypes(list(types)).windows:
        windows += bytes([window, len(bitmap)]) + bitmap
    wire = bytes([1, flags]) + iterations.to_bytes(2, "big") + b"\0"
    wire += bytes([len(following)]) + following + bytes(windows)
    rdclass = dns.rdataclass.IN
    return dns.rdata.from_wire(rdclass, dns.rdatatype.NSEC3, wire, 0, len(wire))


def names_with_empty_ones(
    keys: Iterable[dns.name.Name], origin: dns.name.Name
) -> set[dns.name.Name]:
    """Every name of the zone and the empty ones between it and the apex (RFC 5155 7.1)."""
    names: set[dns.name.Name] = {origin}
    for key in keys:
        name = key
        while name not in names:
            names.add(name)
            name = name.parent()
    return names


def with_transfer(spec: ZoneSpec) -> ZoneSpec:
    """The same zone, open to transfer by anybody."""
    return replace(spec, allows_transfer=True)
