"""One lab with a domain for every way of getting mail records wrong, and a fresh context."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.scanner.context import ProbeContext
from tests.lab.dns_context import dns_context
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Signing, ZoneSpec

TLSA = "_25._tcp.mx TLSA 3 1 1 " + "ab" * 32
REJECT = '_dmarc TXT "v=DMARC1; p=reject; rua=mailto:d@{}"'


def a_key(bits: int) -> str:
    """A DKIM key as zone-file strings of at most 200 characters."""
    key = rsa.generate_private_key(65_537, bits).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return quoted("v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode())


def quoted(text: str) -> str:
    return " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200))


def spf(name: str, terms: str, more: str = "") -> ZoneSpec:
    """A zone that takes mail, with this SPF record and an enforced DMARC policy."""
    lines = (
        f"@ A 192.0.2.1\n@ MX 10 mx\nmx A 192.0.2.5\n@ TXT {quoted(f'v=spf1 {terms}')}\n{more}\n"
    )
    return ZoneSpec(name, lines + REJECT.format(name), Signing.UNSIGNED)


def dmarc(name: str, *texts: str, terms: str = '"v=spf1 mx ~all"') -> ZoneSpec:
    """A zone that takes mail, with these records at _dmarc."""
    lines = [f'_dmarc TXT "{text}"' for text in texts]
    lines += ["@ A 192.0.2.1", "@ MX 10 mx", "mx A 192.0.2.5", f"@ TXT {terms}"]
    return ZoneSpec(name, "\n".join(lines), Signing.UNSIGNED)


def _nested(count: int) -> str:
    """A domain per include, so that each costs one look-up."""
    return "\n".join(f'i{i} TXT "v=spf1 ip4:198.51.100.{i} -all"' for i in range(count))


def zones() -> tuple[ZoneSpec, ...]:
    whole = "\n".join(
        [
            f"s1._domainkey TXT {a_key(2048)}",
            '_mta-sts TXT "v=STSv1; id=1"',
            '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:t@whole.test"',
            '@ TXT "unrelated"',
            "www A 192.0.2.2",
        ]
    )
    ten, eleven = (" ".join(f"include:i{i}.{{}}" for i in range(n)) for n in (10, 11))
    return (
        spf("whole.test", "ip4:192.0.2.0/24 mx -all", whole),
        ZoneSpec("bare.test", "@ A 192.0.2.1\n@ MX 10 mx\nmx A 192.0.2.5\nwww A 192.0.2.2"),
        ZoneSpec("unused.test", "@ A 192.0.2.1"),
        ZoneSpec("null.test", '@ MX 0 .\n@ TXT "v=spf1 -all"\n_dmarc TXT "v=DMARC1; p=reject"'),
        spf("twice.test", "-all", '@ TXT "v=spf1 a -all"'),
        dmarc("joined.test", "v=DMARC1; p=reject", terms='"v=spf1 -a" "ll"'),
        spf("wrong.test", "ipv4:192.0.2.1 -all"),
        spf("glued.test", "ip4:192.0.2.1-all"),
        spf("after.test", "-all mx"),
        spf("plus.test", "+all"),
        spf("wide.test", "ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"),
        spf("widecut.test", "ip4:0.0.0.0/2 ip4:64.0.0.0/2 -all"),
        spf("via.test", "include:plus.test -all"),
        spf("notvia.test", "-include:plus.test -all"),
        spf("neutral.test", "mx ?all"),
        spf("endless.test", "mx"),
        spf("redirected.test", "redirect=whole.test"),
        spf("redirplus.test", "redirect=plus.test"),
        spf("soft.test", "mx ~all"),
        spf("ptr.test", "ptr -all"),
        spf("ten.test", ten.format(*["ten.test"] * 10) + " -all", _nested(10)),
        spf("eleven.test", eleven.format(*["eleven.test"] * 11) + " -all", _nested(11)),
        spf("circle.test", "include:circle.test -all"),
        spf("void.test", "a:x1.void.test a:x2.void.test a:x3.void.test -all"),
        spf("two.test", "a:x1.two.test a:x2.two.test -all"),
        spf("family.test", "a:v6.family.test -all", "v6 AAAA 2001:db8::1"),
        spf("noinclude.test", "include:unused.test -all"),
        spf("macro.test", "include:%{i}.macro.test exists:%{l}.macro.test redirect=_x.%{d} -all"),
        spf("lost.test", "include:spf.silent.test -all"),
        dmarc("strict.test", "v=DMARC1; p=reject; rua=mailto:d@strict.test"),
        dmarc("watch.test", "v=DMARC1; p=none; rua=mailto:d@watch.test"),
        dmarc("pless.test", "v=DMARC1; rua=mailto:d@pless.test"),
        dmarc("subnone.test", "v=DMARC1; p=reject; sp=none; rua=mailto:d@subnone.test"),
        dmarc("trial.test", "v=DMARC1; p=quarantine; t=y; rua=mailto:d@trial.test"),
        dmarc("part.test", "v=DMARC1; p=reject; pct=20; rua=mailto:d@part.test"),
        dmarc("mute.test", "v=DMARC1; p=reject"),
        dmarc("foreign.test", "v=DMARC1; p=reject; rua=mailto:d@watch.test"),
        dmarc("agreed.test", "v=DMARC1; p=reject; rua=mailto:d@receiver.test"),
        ZoneSpec("receiver.test", '*._report._dmarc TXT "v=DMARC1"'),
        dmarc("askless.test", "v=DMARC1; p=reject; rua=mailto:d@silent.test"),
        dmarc("typo.test", "v=DMARC1; p=rejct; rua=mailto:d@typo.test"),
        dmarc("late.test", "p=reject; v=DMARC1"),
        dmarc("pair.test", "v=DMARC1; p=reject", "v=DMARC1; p=none"),
        ZoneSpec(
            "parent.test",
            '_dmarc TXT "v=DMARC1; p=reject; sp=none; rua=mailto:d@parent.test"\nhost A 192.0.2.1',
        ),
        ZoneSpec("child.parent.test", '@ MX 10 mx\nmx A 192.0.2.5\n@ TXT "v=spf1 mx -all"'),
        ZoneSpec("suffix", '_dmarc TXT "v=DMARC1; p=reject; psd=y"'),
        ZoneSpec("under.suffix", "@ A 192.0.2.1"),
        spf("short.test", "mx -all", f"default._domainkey TXT {a_key(1024)}"),
        spf("own.test", "mx -all", f"elsewhere._domainkey TXT {a_key(2048)}"),
        spf("wild.test", "mx -all", '* TXT "v=spf1 -all"'),
        spf("revoked.test", "mx -all", 'k1._domainkey TXT "v=DKIM1; p="'),
        spf("halfill.test", "mx -all"),
        spf("dmarcill.test", "mx -all"),
        ZoneSpec("pinned.test", f"@ MX 10 mx\nmx A 192.0.2.5\n{TLSA}"),
        ZoneSpec("loose.test", f"@ MX 10 mx\nmx A 192.0.2.5\n{TLSA}", Signing.UNSIGNED),
        ZoneSpec("spoilt.test", f"@ MX 10 mx\nmx A 192.0.2.5\n{TLSA}", Signing.BOGUS),
        ZoneSpec("wildpin.test", "@ MX 10 mx\nmx A 192.0.2.5\n*.mx TLSA 3 1 1 " + "ab" * 32),
        ZoneSpec("hosted.test", "@ MX 10 mx.pinned.test.\n@ MX 20 mx.bare.test."),
    )


FAULTS = {
    "silent.test": Fault.SILENT,
    "fails.test": Fault.SERVFAIL,
    "_dmarc.dmarcill.test": Fault.SERVFAIL,
    "_mta-sts.halfill.test": Fault.SERVFAIL,
    "_tls.halfill.test": Fault.SILENT,
    "_domainkey.halfill.test": Fault.SERVFAIL,
    "_tcp.mx.halfill.test": Fault.SERVFAIL,
}


@pytest.fixture(scope="session")
def lab() -> Iterator[DnsLab]:
    with DnsLab(zones(), FAULTS) as running:
        yield running


@pytest.fixture
def context(lab: DnsLab, tmp_path: Path) -> ProbeContext:
    return dns_context(lab, tmp_path, timeout_s=0.3)
