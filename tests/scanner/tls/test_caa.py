"""Whether CAA allows the issuer: judged from facts, and seen through a server and a name server."""

from dataclasses import replace
from datetime import date
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.scanner.address import AddressPolicy
from services.scanner.check import Endpoint, Outcome
from services.scanner.connector import Connector
from services.scanner.context import ProbeContext
from services.scanner.dns.facts import CaaFacts, CaaRecord
from services.scanner.resolver import Lookup
from services.scanner.tls import SUITE
from services.scanner.tls.caa import allowed_issuers, known_issuers, name_issued_for, parse_issuers
from services.scanner.tls.caa_checks import issuer_is_allowed_by_caa
from services.scanner.tls.facts import TlsFacts, TrustFacts, TrustStatus
from tests.lab.certificates import Authority
from tests.lab.dns_context import dns_context
from tests.lab.dns_server import DnsLab
from tests.lab.dns_zones import Signing, ZoneSpec
from tests.scanner.tls import servers
from tests.scanner.tls.conftest import at
from tests.scanner.tls.factories import a_certificate, an_intermediate, some_facts

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_EVALUATED


def caa(*lines: str) -> CaaFacts:
    """``issue ca.example``, with a flag of 128 where the line begins with an exclamation mark."""
    records = tuple(
        CaaRecord(128 if line.startswith("!") else 0, *line.removeprefix("!").split(" ", 1))
        for line in lines
    )
    return CaaFacts(Lookup.PRESENT, "example.test", records)


def _facts(found: CaaFacts, issuer: str, *, issued_for: str = "www.example.test") -> TlsFacts:
    return some_facts(
        a_certificate(issuer_organization=issuer, dns_names=(issued_for,)),
        an_intermediate(issuer_organization=issuer),
        caa=found,
        issued_for=issued_for,
    )


@pytest.mark.parametrize(
    ("found", "issuer", "outcome"),
    [
        (caa("issue letsencrypt.org"), "Let's Encrypt", P),
        (caa("issue LetsEncrypt.org; accounturi=https://x.test/1"), "Let's Encrypt", P),
        (caa("issue digicert.com"), "DigiCert, Inc.", P),
        (caa("issue sectigo.com", "issue pki.goog"), "Google Trust Services", P),
        (caa("iodef mailto:a@example.test"), "Let's Encrypt", P),
        (CaaFacts(Lookup.NODATA), "Let's Encrypt", P),
        (caa("issue digicert.com"), "Let's Encrypt", F),
        (caa("issue ;"), "Let's Encrypt", F),
        (caa("issue ;"), "Nobody We Know", F),
        (caa("issue letsencrypt.org", "!tbs unknown"), "Let's Encrypt", F),
        (caa("issue digicert.com"), "Nobody We Know", F),
        (caa("issue digicert.com"), "", F),
        (caa("issue digicert.com", "issue ca.test"), "Nobody We Know", N),
        (caa("issue ca.test"), "", N),
        (CaaFacts(Lookup.UNKNOWN, reason="no answer"), "Let's Encrypt", N),
        (CaaFacts(Lookup.BROKEN, reason="SERVFAIL"), "Let's Encrypt", N),
    ],
)
def test_the_issuer_must_be_named_where_somebody_is(
    found: CaaFacts, issuer: str, outcome: Outcome
) -> None:
    assert issuer_is_allowed_by_caa.judge(_facts(found, issuer)).outcome is outcome


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (caa("issue letsencrypt.org", "issuewild ;"), F),
        (caa("issue digicert.com", "issuewild letsencrypt.org"), P),
        (caa("issue letsencrypt.org"), P),
    ],
)
def test_for_a_wildcard_issuewild_has_the_last_word(found: CaaFacts, outcome: Outcome) -> None:
    facts = _facts(found, "Let's Encrypt", issued_for="*.example.test")

    assert issuer_is_allowed_by_caa.judge(facts).outcome is outcome


def test_a_brand_under_an_authority_is_allowed_with_it() -> None:
    facts = some_facts(
        a_certificate(issuer_organization="Brand Of Somebody"),
        an_intermediate(issuer_organization="Sectigo Limited"),
        caa=caa("issue sectigo.com"),
        issued_for="www.example.test",
    )

    assert issuer_is_allowed_by_caa.judge(facts).outcome is P


def test_a_private_certificate_is_no_matter_of_caa() -> None:
    facts = _facts(caa("issue digicert.com"), "Let's Encrypt")
    facts = replace(facts, trust=TrustFacts(TrustStatus.UNTRUSTED, "leads nowhere"))

    assert not issuer_is_allowed_by_caa.judge(facts).is_applicable


def test_the_exact_name_of_a_certificate_goes_before_its_wildcard() -> None:
    assert name_issued_for(("*.a.test", "b.a.test"), "b.a.test") == "b.a.test"
    assert name_issued_for(("*.a.test", "a.test"), "b.a.test") == "*.a.test"
    assert name_issued_for(("a.test",), "b.a.test") == ""


def test_a_malformed_value_allows_nobody() -> None:
    """RFC 8659 4.2."""
    assert allowed_issuers((CaaRecord(0, "issue", "%%%%%"),), is_wildcard=False) == {"%%%%%"}
    assert allowed_issuers((CaaRecord(0, "issue", ""),), is_wildcard=False) == frozenset()


def test_the_table_is_dated_and_its_names_are_names() -> None:
    table = known_issuers()

    assert table.as_of >= date(2026, 9, 1)
    assert len(table.domains) >= 40
    assert all("." in name for names in table.domains.values() for name in names)


@pytest.mark.parametrize("text", ["A = a.test", "as of 2026-01-01\nA a.test", "as of soon"])
def test_a_bad_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"as of|line|isoformat"):
        parse_issuers(text)


@pytest.mark.parametrize(
    ("name", "outcome"), [("good.test", P), ("www.strict.test", F), ("plain.test", P)]
)
async def test_the_name_servers_and_the_certificate_are_compared(
    authority: Authority, tmp_path: Path, name: str, outcome: Outcome
) -> None:
    """The lab's authority is known to nobody: only "nobody may issue" can be held against it."""
    zones = (
        ZoneSpec("good.test", '@ CAA 0 iodef "mailto:a@good.test"', Signing.UNSIGNED),
        ZoneSpec("strict.test", '@ CAA 0 issue ";"\nwww A 127.0.0.1', Signing.UNSIGNED),
        ZoneSpec("plain.test", "@ A 127.0.0.1", Signing.UNSIGNED),
        ZoneSpec("test", signing=Signing.UNSIGNED),
    )
    server = servers.server_context(authority.issue([name]), tmp_path)
    with DnsLab(zones) as lab, servers.serving_tls(server) as port:
        context = _trusting(dns_context(lab, tmp_path), authority.write(tmp_path))
        result = await SUITE.run(context, at(port, name), Endpoint(name, port, "tls"))

    (verdict,) = [r.verdict for r in result.results if r.check.id == "tls.cert.caa_mismatch"]
    assert verdict.outcome is outcome, verdict.reason


def _trusting(context: ProbeContext, ca_file: Path) -> ProbeContext:
    connector = Connector(
        AddressPolicy((ip_network("127.0.0.0/8"),)),
        connections_per_address=4,
        connections_per_second=1000,
    )
    options = replace(context.options, ca_file=ca_file)
    return replace(context, options=options, connector=connector)
