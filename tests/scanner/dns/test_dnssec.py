"""Each state of the chain of trust, against a real server with real signatures."""

from pathlib import Path

import pytest

from services.scanner.address import AddressPolicy
from services.scanner.check import Endpoint, Outcome
from services.scanner.context import ProbeContext, ProbeOptions
from services.scanner.data_file import DataFileError
from services.scanner.dns import SUITE
from services.scanner.dns.facts import ChainFault, DnssecFacts, Security
from services.scanner.dns.probe import probe_dns
from services.scanner.dns.trust_anchor import load_anchors
from services.scanner.engine import open_context
from tests.lab.dns_context import dns_context
from tests.lab.dns_server import DnsLab
from tests.lab.dns_zones import Denial, Signing, ZoneSpec

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_EVALUATED


async def dnssec_of(context: ProbeContext, name: str) -> DnssecFacts:
    return (await probe_dns(context, name)).dnssec


@pytest.mark.parametrize(
    "name",
    [
        "good.test",
        "www.good.test",
        "alias.good.test",
        "any.wild.good.test",
        "nsec3.test",
        "child.deep.nsec3.test",
        "soon.test",
        "short.test",
        "sha1.test",
    ],
)
async def test_a_whole_chain_is_secure(context: ProbeContext, name: str) -> None:
    facts = await dnssec_of(context, name)

    assert (facts.security, facts.reason) == (Security.SECURE, "the chain of trust is whole")
    assert facts.signed_until is not None
    assert [ds.is_matched for ds in facts.ds] == [True]


async def test_a_set_too_large_to_look_at_does_not_break_the_chain(
    lab: DnsLab, tmp_path: Path
) -> None:
    facts = await dnssec_of(dns_context(lab, tmp_path, timeout_s=5.0), "huge.test")

    assert facts.security is Security.SECURE


@pytest.mark.parametrize(
    ("name", "words", "is_signed"),
    [
        ("unsigned.test", "proves that there is no DS", False),
        ("unsigned.nsec3.test", "proves that there is no DS", False),
        ("below.optout.example", "opt-out", False),
        ("below.costly.test", "iterations", False),
        ("nods.test", "proves that there is no DS", True),
        ("zone.dark", "proves that there is no DS", False),
    ],
)
async def test_a_proved_end_of_the_chain_is_insecure(
    context: ProbeContext, name: str, words: str, *, is_signed: bool
) -> None:
    facts = await dnssec_of(context, name)

    assert facts.security is Security.INSECURE
    assert words in facts.reason
    assert facts.is_signed is is_signed


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("mismatch.test", ChainFault.DS_MISMATCH),
        ("expired.test", ChainFault.SIGNATURE_EXPIRED),
        ("bogus.test", ChainFault.SIGNATURE_INVALID),
        ("stripped.test", ChainFault.SIGNATURE_MISSING),
        ("below.undenied.test", ChainFault.DENIAL_MISSING),
    ],
)
async def test_a_broken_chain_is_bogus_and_says_why(
    context: ProbeContext, name: str, fault: ChainFault
) -> None:
    facts = await dnssec_of(context, name)

    assert (facts.security, facts.fault) == (Security.BOGUS, fault)
    assert facts.reason


async def test_silence_on_the_way_is_indeterminate(tmp_path: Path) -> None:
    zones = [ZoneSpec("good.test", "@ A 192.0.2.1")]
    with DnsLab(zones, silent_types=frozenset({"DNSKEY"})) as lab:
        facts = await dnssec_of(dns_context(lab, tmp_path, timeout_s=0.1), "good.test")

    assert facts.security is Security.INDETERMINATE
    assert "no answer" in facts.reason


async def test_a_foreign_anchor_is_the_operators_trouble_not_the_targets(
    lab: DnsLab, context: ProbeContext, tmp_path: Path
) -> None:
    with DnsLab([ZoneSpec("other.test")]) as other:
        foreign = dns_context(other, tmp_path).options.dnssec_anchor_file
    options = context.options
    stranger = ProbeContext(
        type(options)(dns_servers=options.dns_servers, dnssec_anchor_file=foreign),
        context.resolver,
        context.connector,
    )

    facts = await dnssec_of(stranger, "good.test")

    assert facts.security is Security.INDETERMINATE
    assert "trust anchor" in facts.reason


async def test_an_unsigned_root_gives_no_verdict(tmp_path: Path) -> None:
    zones = [
        ZoneSpec(".", signing=Signing.UNSIGNED),
        ZoneSpec("test", signing=Signing.UNSIGNED),
        ZoneSpec("zone.test", "@ A 192.0.2.1", Signing.UNSIGNED),
    ]
    anchor = tmp_path / "anchor.txt"
    with DnsLab([ZoneSpec("a.test")]) as signed:
        signed.write_anchor(anchor)
    with DnsLab(zones) as lab:
        lab.anchor = anchor.read_text(encoding="utf-8")
        facts = await dnssec_of(dns_context(lab, tmp_path), "zone.test")

    assert facts.security is Security.INDETERMINATE
    assert "no DNSSEC records" in facts.reason


async def test_the_ad_bit_convinces_nobody(tmp_path: Path) -> None:
    zones = [ZoneSpec("test", denial=Denial.NONE), ZoneSpec("x.test", "@ A 192.0.2.1")]
    zones.append(ZoneSpec("y.test", "@ A 192.0.2.1", Signing.UNSIGNED))
    with DnsLab(zones, sets_ad=True) as lab:
        facts = await dnssec_of(dns_context(lab, tmp_path), "y.test")

    assert facts.security is Security.BOGUS


VERDICTS = {
    #                        missing no_ds bogus expired mismatch weak walkable
    "good.test":            (P, P, P, P, P, P, F),
    "nsec3.test":           (P, P, P, P, P, P, P),
    "undenied.test":        (P, P, P, P, P, P, N),
    "unsigned.test":        (F, N, N, N, N, N, N),
    "zone.dark":            (N, N, N, N, N, N, N),
    "nods.test":            (P, F, N, N, N, P, F),
    "mismatch.test":        (P, P, F, N, F, P, F),
    "expired.test":         (P, P, F, F, P, P, F),
    "soon.test":            (P, P, P, F, P, P, F),
    "bogus.test":           (P, P, F, P, P, P, F),
    "stripped.test":        (P, P, F, P, P, P, F),
    "below.undenied.test":  (N, N, F, N, N, N, N),
    "short.test":           (P, P, P, P, P, F, F),
    "sha1.test":            (P, P, P, P, P, F, F),
}  # fmt: skip


@pytest.mark.parametrize("name", VERDICTS)
async def test_the_dnssec_checks_judge_each_state(context: ProbeContext, name: str) -> None:
    result = await SUITE.run(context, name, Endpoint(name, protocol="dns"))

    outcomes = {r.check.id: r.verdict.outcome for r in result.results}
    ids = (
        *("missing", "no_ds", "bogus", "sig_expired", "ds_mismatch", "weak_algorithm"),
        "nsec_walkable",
    )
    assert {i: outcomes[f"dns.dnssec.{i}"] for i in ids} == dict(
        zip(ids, VERDICTS[name], strict=True)
    )


@pytest.mark.parametrize("name", ["fails.test", "silent.test", "garbage.test", "nowhere.test"])
async def test_what_cannot_be_seen_is_not_evaluated(context: ProbeContext, name: str) -> None:
    result = await SUITE.run(context, name, Endpoint(name, protocol="dns"))

    assert result.error
    assert {r.verdict.outcome for r in result.results} == {N}


def test_ianas_anchors_are_built_in() -> None:
    anchors = load_anchors(None)

    assert [record.key_tag for record in anchors.records] == [20326, 38696]


@pytest.mark.parametrize(
    "text", ["", "; nothing\n", "hello", ". IN DS 1 2", "example. IN DS 1 8 2 AB"]
)
def test_an_anchor_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "anchor.txt"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match="anchor"):
        load_anchors(path)


@pytest.mark.parametrize(
    ("text", "words"), [("hello", "'hello' is no DS"), ("", "no DS"), (None, "No such file")]
)
async def test_a_bad_anchor_file_stops_the_start_not_a_scan(
    tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / "operators-anchor.txt"
    if text is not None:
        path.write_text(text, encoding="utf-8")

    with pytest.raises(DataFileError, match=words) as caught:
        async with open_context(ProbeOptions(dnssec_anchor_file=path), AddressPolicy()):
            pass
    assert str(path) in str(caught.value)
