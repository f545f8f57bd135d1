"""Zones: signed, unsigned, broken; name servers; CAA; aliases. Mail is good everywhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from dns.dnssectypes import Algorithm, DSDigest

from tests.lab.dns_server import Fault
from tests.lab.dns_zones import Denial, Signing, ZoneSpec
from tests.lab.lab import GOOD_MAIL, Lab
from tests.lab.truth import Case, ids

_DNSSEC = "missing no_ds bogus sig_expired ds_mismatch weak_algorithm nsec_walkable"
_ALL = ids(
    " ".join(f"dns.dnssec.{kind}" for kind in _DNSSEC.split())
    + " dns.axfr.open dns.caa.missing dns.caa.no_iodef dns.ns.single dns.ns.same_network"
    " dns.ns.lame dns.cname.dangling mail.spf.missing mail.dmarc.missing"
)
_DAY_S = 86_400
_GOOD = ZoneSpec("", denial=Denial.NSEC3)


@dataclass(frozen=True, slots=True)
class _Zone:
    name: str
    must: str = ""
    spec: ZoneSpec = _GOOD
    records: str | None = None
    """In place of the good ones."""
    more: str = ""
    fault: Fault | None = None
    may: str = ""


def _signed() -> Iterator[_Zone]:
    yield _Zone("good")
    yield _Zone("unsigned", "dns.dnssec.missing", replace(_GOOD, signing=Signing.UNSIGNED))
    yield _Zone("no-ds", "dns.dnssec.no_ds", replace(_GOOD, signing=Signing.NO_DS))
    yield _Zone(
        "ds-mismatch",
        "dns.dnssec.ds_mismatch dns.dnssec.bogus",
        replace(_GOOD, signing=Signing.DS_MISMATCH),
    )
    yield _Zone(
        "expired",
        "dns.dnssec.bogus dns.dnssec.sig_expired",
        replace(_GOOD, signing=Signing.EXPIRED),
    )
    yield _Zone("altered", "dns.dnssec.bogus", replace(_GOOD, signing=Signing.BOGUS))
    yield _Zone("stripped", "dns.dnssec.bogus", replace(_GOOD, signing=Signing.STRIPPED))
    yield _Zone("two-days-left", "dns.dnssec.sig_expired", replace(_GOOD, expires_in_s=2 * _DAY_S))
    yield _Zone("nine-days-left", "", replace(_GOOD, expires_in_s=9 * _DAY_S))
    yield _Zone(
        "rsa-1024",
        "dns.dnssec.weak_algorithm",
        replace(_GOOD, algorithm=Algorithm.RSASHA256, rsa_bits=1024),
    )
    yield _Zone("rsa-2048", "", replace(_GOOD, algorithm=Algorithm.RSASHA256))
    yield _Zone("ds-sha1", "dns.dnssec.weak_algorithm", replace(_GOOD, ds_digest=DSDigest.SHA1))
    yield _Zone("ds-sha384", "", replace(_GOOD, ds_digest=DSDigest.SHA384))
    yield _Zone("p-384", "", replace(_GOOD, algorithm=Algorithm.ECDSAP384SHA384))
    yield _Zone("ed25519", "", replace(_GOOD, algorithm=Algorithm.ED25519))
    yield _Zone("nsec", "dns.dnssec.nsec_walkable", replace(_GOOD, denial=Denial.NSEC))
    yield _Zone("nsec3-iterated", "", replace(_GOOD, nsec3_iterations=10))
    yield _Zone("opt-out", "", replace(_GOOD, denial=Denial.OPT_OUT))


def _kept() -> Iterator[_Zone]:
    mail = '@ TXT "v=spf1 -all"\n@ MX 0 .\n_dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@{domain}"\n'
    yield _Zone("no-caa", "dns.caa.missing", records=mail)
    yield _Zone("caa-forbids-all", "dns.caa.no_iodef", records=mail + '@ CAA 0 issue ";"')
    yield _Zone(
        "caa-upper", "", records=mail + '@ CAA 0 ISSUE "lab.ca"\n@ CAA 0 IODEF "mailto:a@lab.ca"'
    )
    yield _Zone("axfr", "dns.axfr.open", replace(_GOOD, allows_transfer=True))
    yield _Zone("one-server", "dns.ns.single", more="@ NS ns1.lab.")
    yield _Zone("one-address-twice", "dns.ns.single", more="@ NS ns1.lab.\n@ NS same.lab.")
    yield _Zone("same-network", "dns.ns.same_network", more="@ NS ns1.lab.\n@ NS near.lab.")
    yield _Zone(
        "lame-refuses", "dns.ns.lame", more="@ NS ns1.lab.\n@ NS ns2.lab.\n@ NS refuses.lab."
    )
    yield _Zone(
        "lame-not-authoritative",
        "dns.ns.lame",
        more="@ NS ns1.lab.\n@ NS ns2.lab.\n@ NS cache.lab.",
    )
    yield _Zone("lame-silent", "dns.ns.lame", more="@ NS ns1.lab.\n@ NS ns2.lab.\n@ NS mute.lab.")
    yield _Zone("lame-dead", "dns.ns.lame", more="@ NS ns1.lab.\n@ NS ns2.lab.\n@ NS dead.lab.")
    yield _Zone("tcp-alone", "", more="@ NS ns1.lab.\n@ NS ns2.lab.\n@ NS tcp.lab.")
    yield _Zone("truncating", "", fault=Fault.TRUNCATED)
    yield _Zone("servfail", fault=Fault.SERVFAIL)
    yield _Zone("only-soa", fault=Fault.ONLY_SOA)
    yield _Zone("silent", fault=Fault.SILENT)
    yield _Zone("garbage", fault=Fault.GARBAGE)


_SERVERS: Mapping[str, tuple[int, int, dict[str, Fault]]] = {
    "near": (1, 2, {}),
    "refuses": (4, 1, {".": Fault.REFUSED}),
    "cache": (5, 1, {".": Fault.NOT_AUTHORITATIVE}),
    "mute": (6, 1, {".": Fault.SILENT}),
    "tcp": (7, 1, {".": Fault.SILENT_OVER_UDP}),
}


def cases(lab: Lab) -> Iterator[Case]:
    for name, (network, host, faults) in _SERVERS.items():
        address = lab.infrastructure(network, host)
        lab.name_servers[address] = faults
        lab.host("lab", f"{name} A {address}")
    lab.host("lab", f"dead A {lab.infrastructure(8)}", f"same A {lab.infrastructure(1)}")
    for zone in (*_signed(), *_kept()):
        domain = f"dns-{zone.name}.lab"
        records = GOOD_MAIL if zone.records is None else zone.records
        text = f"{records.format(domain=domain)}\n{zone.more}"
        lab.zone(replace(zone.spec, origin=domain, records=text), zone.fault)
        wanted = ids(zone.must)
        yield Case(f"dns-{zone.name}", domain, wanted, _ALL - wanted, ids(zone.may))
    yield from _aliases(lab)
    yield from _below(lab)


def _aliases(lab: Lab) -> Iterator[Case]:
    dangling = "dns.cname.dangling"
    here = lab.address()
    lab.host(
        "alias.lab",
        f"here A {here}",
        "fine CNAME here",
        "gone CNAME nothing.alias.lab.",
        "free CNAME www.never-registered.lab.",
        "bucket CNAME lab-bucket.s3.amazonaws.com.",
        "pages CNAME nobody.github.io.",
        "two CNAME step",
        "step CNAME nothing.alias.lab.",
        "broken CNAME x.alias-broken.lab.",
        "mute CNAME x.alias-mute.lab.",
        "circle CNAME circle2",
        "circle2 CNAME circle",
        "to-text CNAME text",
        'text TXT "here"',
    )
    lab.zone(ZoneSpec("alias-broken.lab"), Fault.SERVFAIL)
    lab.zone(ZoneSpec("alias-mute.lab"), Fault.SILENT)
    for name, must in (
        ("fine", ""),
        ("gone", dangling),
        ("free", dangling),
        ("bucket", dangling),
        ("pages", dangling),
        ("two", dangling),
        ("broken", ""),
        ("mute", ""),
        ("circle", ""),
        ("to-text", ""),
    ):
        wanted = ids(must)
        yield Case(f"dns-alias-{name}", f"{name}.alias.lab", wanted, _ALL - wanted)


def _below(lab: Lab) -> Iterator[Case]:
    """Names inside a zone that is well kept: what the apex has holds for them too."""
    lab.host("below.lab", f"www A {lab.address()}", f"a.b.c A {lab.address()}")
    yield Case("dns-inside", "www.below.lab", traps=_ALL)
    yield Case("dns-deep-inside", "a.b.c.below.lab", traps=_ALL)
