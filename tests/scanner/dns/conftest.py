"""One lab with a zone for every state, and a fresh context per test.

Name servers stand on loopback and private addresses, which the policy of these tests refuses:
nothing here leaves the machine.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dns.dnssectypes import Algorithm, DSDigest

from services.scanner.context import ProbeContext
from tests.lab.dns_context import dns_context
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Denial, Signing, ZoneSpec

_DAY_S = 86_400
_WHOLE = """
@ A 10.9.0.1
@ AAAA fd00:1::1
@ CAA 0 issue "ca.example"
@ CAA 0 iodef "mailto:security@good.test"
www A 192.0.2.2
alias CNAME www
*.wild A 192.0.2.3
"""

ZONES = (
    ZoneSpec("lab", "ns1 A 127.1.0.53\nns1 AAAA fd00:1::53\nns2 A 127.2.0.53"),
    ZoneSpec("good.test", _WHOLE),
    ZoneSpec("nsec3.test", "@ A 192.0.2.1\nsub.deep A 192.0.2.9", denial=Denial.NSEC3),
    ZoneSpec("child.deep.nsec3.test", "@ A 192.0.2.1"),
    ZoneSpec("unsigned.nsec3.test", "@ A 192.0.2.1", Signing.UNSIGNED),
    ZoneSpec("optout.example", denial=Denial.OPT_OUT),
    ZoneSpec("below.optout.example", "@ A 192.0.2.1", Signing.UNSIGNED),
    ZoneSpec("costly.test", denial=Denial.NSEC3, nsec3_iterations=2000),
    ZoneSpec("below.costly.test", "@ A 192.0.2.1", Signing.UNSIGNED),
    ZoneSpec("unsigned.test", "@ A 192.0.2.1", Signing.UNSIGNED),
    ZoneSpec("nods.test", "@ A 192.0.2.1", Signing.NO_DS),
    ZoneSpec("mismatch.test", "@ A 192.0.2.1", Signing.DS_MISMATCH),
    ZoneSpec("expired.test", "@ A 192.0.2.1", Signing.EXPIRED),
    ZoneSpec("soon.test", "@ A 192.0.2.1", expires_in_s=_DAY_S),
    ZoneSpec("bogus.test", "@ A 192.0.2.1", Signing.BOGUS),
    ZoneSpec("stripped.test", "@ A 192.0.2.1", Signing.STRIPPED),
    ZoneSpec("undenied.test", denial=Denial.NONE),
    ZoneSpec("below.undenied.test", "@ A 192.0.2.1", Signing.UNSIGNED),
    ZoneSpec("short.test", "@ A 192.0.2.1", algorithm=Algorithm.RSASHA256, rsa_bits=1024),
    ZoneSpec("sha1.test", "@ A 192.0.2.1", algorithm=Algorithm.RSASHA1, ds_digest=DSDigest.SHA1),
    ZoneSpec("dark", signing=Signing.UNSIGNED),
    ZoneSpec("zone.dark", "@ A 192.0.2.1", Signing.UNSIGNED),
    ZoneSpec("open.test", "@ NS ns1\nns1 A 127.0.0.1", allows_transfer=True),
    ZoneSpec("one.test", "@ NS ns1.lab.\n@ A 192.0.2.1"),
    ZoneSpec("near.test", "@ NS a\n@ NS b\na A 127.3.0.1\nb A 127.3.0.2\n@ A 192.0.2.1"),
    ZoneSpec("plain.test", '@ A 192.0.2.1\n@ CAA 0 issue "ca.example"'),
    ZoneSpec("mailonly.test", "@ MX 10 mx.lab."),
    ZoneSpec("circle.test", "a CNAME b\nb CNAME a"),
    ZoneSpec("chain.test", "\n".join(f"c{i} CNAME c{i + 1}" for i in range(15))),
    ZoneSpec("huge.test", "\n".join(f"@ A 10.0.{i // 250}.{i % 250}" for i in range(4000))),
    ZoneSpec("odd.test", '@ CAA 0 issue "<script>\\000\\226\\128\\174"\na\\.b\\000c A 192.0.2.1'),
    ZoneSpec("sick.test", "@ A 192.0.2.1"),
    ZoneSpec("blind.test", "@ NS ns.silent.test."),
    ZoneSpec("halfblind.test", "@ NS ns1.lab.\n@ NS ns2.lab.\n@ NS ns.fails.test."),
    ZoneSpec("cut.test", "@ A 192.0.2.1"),
    ZoneSpec("stall.test", "@ A 192.0.2.1"),
    ZoneSpec("udp.test", "@ A 192.0.2.1"),
    ZoneSpec(
        "links.test",
        "gone CNAME nothing.good.test.\nfree CNAME www.nobodys.test.\n"
        "cloud CNAME shop.azure-api.net.\nproof CNAME shop.azurewebsites.net.\n"
        "ill CNAME www.good.test.",
    ),
    ZoneSpec("azure-api.net"),
    ZoneSpec("azurewebsites.net"),
)
FAULTS = {
    "fails.test": Fault.SERVFAIL,
    "refuses.test": Fault.REFUSED,
    "silent.test": Fault.SILENT,
    "garbage.test": Fault.GARBAGE,
    "cut.test": Fault.TRUNCATED,
    "stall.test": Fault.TRUNCATED_THEN_STALL,
    "udp.test": Fault.SILENT_OVER_UDP,
    "sick.test": Fault.ONLY_SOA,
    "ill.links.test": Fault.ONLY_SOA,
}


@pytest.fixture(scope="session")
def lab() -> Iterator[DnsLab]:
    with DnsLab(ZONES, FAULTS) as running:
        yield running


@pytest.fixture
def context(lab: DnsLab, tmp_path: Path) -> ProbeContext:
    return dns_context(lab, tmp_path)
