from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.scanner.check import Outcome, Severity
from services.scanner.tls import certificate_checks as checks
from services.scanner.tls import trust_checks
from services.scanner.tls.facts import CertificateFacts, KeyFacts, TrustFacts, TrustStatus
from tests.scanner.tls.factories import (
    NOW,
    a_certificate,
    an_intermediate,
    some_facts,
    trusted,
)

UNTRUSTED = TrustFacts(TrustStatus.UNTRUSTED, "the issuer CN=X was not sent and is no trusted root")


@pytest.mark.parametrize("check", checks.CHECKS + trust_checks.CHECKS, ids=lambda c: c.info.id)
def test_no_certificate_is_no_verdict(check: checks.Check[checks.TlsFacts]) -> None:
    facts = replace(some_facts(), chain=(), chain_problem="the server sent no certificate")

    verdict = check.judge(facts)

    assert verdict.outcome is Outcome.NOT_EVALUATED
    assert "the server sent no certificate" in verdict.reason


@pytest.mark.parametrize("check", checks.CHECKS + trust_checks.CHECKS, ids=lambda c: c.info.id)
def test_a_good_certificate_passes(check: checks.Check[checks.TlsFacts]) -> None:
    assert check.judge(some_facts()).outcome is Outcome.PASSED


def test_an_expired_certificate_fails_the_same_way_whatever_its_date() -> None:
    verdict = checks.is_not_expired.judge(
        some_facts(a_certificate(not_after=NOW - timedelta(seconds=1)))
    )

    assert verdict.outcome is Outcome.FAILED
    assert verdict.problems[0].discriminator == ""


def test_an_expired_intermediate_on_the_path_fails() -> None:
    old = an_intermediate(not_after=NOW - timedelta(days=1))

    verdict = checks.is_not_expired.judge(some_facts(a_certificate(), old))

    assert verdict.outcome is Outcome.FAILED
    assert "intermediate" in verdict.reason


def test_an_expired_certificate_that_no_path_needs_is_ignored() -> None:
    unneeded = an_intermediate(not_after=NOW - timedelta(days=1), fingerprint="unneeded")

    facts = some_facts(a_certificate(), an_intermediate(), unneeded)

    assert checks.is_not_expired.judge(facts).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [(timedelta(minutes=4), Outcome.PASSED), (timedelta(minutes=6), Outcome.FAILED)],
)
def test_clocks_may_differ_by_five_minutes(ahead: timedelta, outcome: Outcome) -> None:
    facts = some_facts(a_certificate(not_before=NOW + ahead))

    assert checks.is_valid_already.judge(facts).outcome is outcome


@pytest.mark.parametrize(
    ("lifetime_days", "left_days", "outcome"),
    [
        (90, 15, Outcome.PASSED),
        (90, 13, Outcome.FAILED),
        (6, 2.5, Outcome.PASSED),
        (6, 1.5, Outcome.FAILED),
        (30, 11, Outcome.PASSED),
        (31, 11, Outcome.FAILED),
    ],
)
def test_soon_depends_on_the_lifetime(
    lifetime_days: float, left_days: float, outcome: Outcome
) -> None:
    end = NOW + timedelta(days=left_days)
    leaf = a_certificate(not_before=end - timedelta(days=lifetime_days), not_after=end)

    assert checks.does_not_expire_soon.judge(some_facts(leaf)).outcome is outcome


def test_an_expired_certificate_does_not_expire_soon() -> None:
    verdict = checks.does_not_expire_soon.judge(
        some_facts(a_certificate(not_after=NOW - timedelta(days=1)))
    )

    assert verdict.outcome is Outcome.NOT_EVALUATED
    assert not verdict.is_applicable


def test_another_name_is_a_mismatch() -> None:
    verdict = checks.covers_the_name.judge(some_facts(name="other.example.test"))

    assert verdict.outcome is Outcome.FAILED
    assert "www.example.test" in verdict.reason


def test_the_common_name_covers_nothing() -> None:
    leaf = a_certificate(has_names=False, dns_names=())

    assert checks.covers_the_name.judge(some_facts(leaf)).outcome is Outcome.FAILED


def test_an_address_has_no_name_to_cover() -> None:
    verdict = checks.covers_the_name.judge(some_facts(name=None))

    assert verdict.outcome is Outcome.NOT_EVALUATED
    assert not verdict.is_applicable


@pytest.mark.parametrize(
    ("has_names", "outcome"),
    [(True, Outcome.PASSED), (False, Outcome.FAILED), (None, Outcome.NOT_EVALUATED)],
)
def test_alternative_names_are_needed(*, has_names: bool | None, outcome: Outcome) -> None:
    facts = some_facts(a_certificate(has_names=has_names))

    assert checks.has_alternative_names.judge(facts).outcome is outcome


@pytest.mark.parametrize(
    ("key", "outcome", "severity"),
    [
        (KeyFacts("RSA", 1024, exponent=65537), Outcome.FAILED, None),
        (KeyFacts("RSA", 2048, exponent=65537), Outcome.FAILED, Severity.INFO),
        (KeyFacts("RSA", 3072, exponent=65537), Outcome.PASSED, None),
        (KeyFacts("RSA", 4096, exponent=1), Outcome.FAILED, None),
        (KeyFacts("EC", 192, curve="secp192r1"), Outcome.FAILED, None),
        (KeyFacts("EC", 224, curve="secp224r1"), Outcome.PASSED, None),
        (KeyFacts("DSA", 1024), Outcome.FAILED, None),
        (KeyFacts("Ed25519", 256), Outcome.PASSED, None),
        (KeyFacts("1.2.3.4", None), Outcome.NOT_EVALUATED, None),
    ],
)
def test_keys_are_judged_by_kind_and_size(
    key: KeyFacts, outcome: Outcome, severity: Severity | None
) -> None:
    verdict = checks.has_a_strong_key.judge(some_facts(a_certificate(key=key)))

    assert verdict.outcome is outcome
    assert [problem.severity for problem in verdict.problems] == (
        [severity] if outcome is Outcome.FAILED else []
    )


def test_a_weak_intermediate_key_counts_as_well() -> None:
    weak = an_intermediate(key=KeyFacts("RSA", 1024, exponent=65537))

    assert checks.has_a_strong_key.judge(some_facts(a_certificate(), weak)).outcome is (
        Outcome.FAILED
    )


@pytest.mark.parametrize("name", ["md5", "sha1"])
def test_broken_hashes_fail_on_leaf_and_intermediate(name: str) -> None:
    for chain in (
        (a_certificate(signature_hash=name), an_intermediate()),
        (a_certificate(), an_intermediate(signature_hash=name)),
    ):
        assert checks.has_a_strong_signature.judge(some_facts(*chain)).outcome is Outcome.FAILED


def test_a_root_signed_with_sha1_is_exempt() -> None:
    root = an_intermediate(signature_hash="sha1", is_self_issued=True, fingerprint="root")

    facts = some_facts(a_certificate(), an_intermediate(), root)

    assert checks.has_a_strong_signature.judge(facts).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("issued", "days", "outcome"),
    [
        (datetime(2026, 3, 14, tzinfo=UTC), 398, Outcome.PASSED),
        (datetime(2026, 3, 14, tzinfo=UTC), 399, Outcome.FAILED),
        (datetime(2026, 3, 15, tzinfo=UTC), 200, Outcome.PASSED),
        (datetime(2026, 3, 15, tzinfo=UTC), 201, Outcome.FAILED),
        (datetime(2027, 3, 15, tzinfo=UTC), 101, Outcome.FAILED),
        (datetime(2029, 3, 15, tzinfo=UTC), 47, Outcome.PASSED),
        (datetime(2029, 3, 15, tzinfo=UTC), 48, Outcome.FAILED),
    ],
)
def test_the_day_of_issue_sets_the_limit(issued: datetime, days: int, outcome: Outcome) -> None:
    leaf = a_certificate(not_before=issued, not_after=issued + timedelta(days=days))

    verdict = checks.is_short_lived_enough.judge(some_facts(leaf))

    assert verdict.outcome is outcome
    assert all(problem.severity is None for problem in verdict.problems)


@pytest.mark.parametrize(("days", "outcome"), [(825, Outcome.PASSED), (826, Outcome.FAILED)])
def test_a_private_authority_has_825_days_and_then_a_remark(days: int, outcome: Outcome) -> None:
    leaf = a_certificate(not_after=NOW - timedelta(days=30) + timedelta(days=days))

    verdict = checks.is_short_lived_enough.judge(some_facts(leaf, trust=UNTRUSTED))

    assert verdict.outcome is outcome
    assert all(problem.severity is Severity.INFO for problem in verdict.problems)


def _self_signed() -> CertificateFacts:
    return a_certificate(is_self_issued=True, is_self_signed=True)


def test_a_self_signed_certificate_fails() -> None:
    trust = TrustFacts(TrustStatus.SELF_SIGNED, "the certificate is signed with its own key")
    facts = some_facts(_self_signed(), trust=trust)

    assert trust_checks.is_not_self_signed.judge(facts).outcome is Outcome.FAILED
    assert trust_checks.leads_to_a_trusted_root.judge(facts).outcome is Outcome.FAILED
    assert not trust_checks.sends_its_intermediates.judge(facts).is_applicable


def test_a_self_signed_certificate_in_the_trust_store_passes() -> None:
    trust = TrustFacts(TrustStatus.TRUSTED, "leads to itself", ("leaf",))
    facts = some_facts(_self_signed(), trust=trust)

    assert trust_checks.is_not_self_signed.judge(facts).outcome is Outcome.PASSED
    assert trust_checks.leads_to_a_trusted_root.judge(facts).outcome is Outcome.PASSED


def test_an_unknown_issuer_is_untrusted_and_nothing_is_said_of_the_chain() -> None:
    facts = some_facts(a_certificate(), trust=UNTRUSTED)

    assert trust_checks.leads_to_a_trusted_root.judge(facts).outcome is Outcome.FAILED
    assert trust_checks.is_not_self_signed.judge(facts).outcome is Outcome.PASSED
    assert trust_checks.sends_its_intermediates.judge(facts).outcome is Outcome.NOT_EVALUATED


def test_an_issuer_that_could_not_be_fetched_is_said_to_be_so() -> None:
    trust = replace(UNTRUSTED, fetch_problem="ca.example.test did not answer in time")
    facts = some_facts(a_certificate(), trust=trust)

    assert "did not answer" in trust_checks.leads_to_a_trusted_root.judge(facts).reason
    assert "did not answer" in trust_checks.sends_its_intermediates.judge(facts).reason


def test_an_issuer_that_had_to_be_fetched_is_an_incomplete_chain_and_trusted() -> None:
    trust = replace(trusted(), status=TrustStatus.TRUSTED_AFTER_FETCH)
    facts = some_facts(a_certificate(), trust=trust, fetched=(an_intermediate(),))

    verdict = trust_checks.sends_its_intermediates.judge(facts)

    assert verdict.outcome is Outcome.FAILED
    assert "CN=Lab Intermediate" in verdict.reason
    assert trust_checks.leads_to_a_trusted_root.judge(facts).outcome is Outcome.PASSED


def test_trust_that_was_not_assessed_is_no_verdict() -> None:
    facts = some_facts(trust=TrustFacts(TrustStatus.UNKNOWN, "not assessed"))

    assert trust_checks.leads_to_a_trusted_root.judge(facts).outcome is Outcome.NOT_EVALUATED
    assert trust_checks.sends_its_intermediates.judge(facts).outcome is Outcome.NOT_EVALUATED
