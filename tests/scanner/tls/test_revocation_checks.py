"""Revocation, stapling and transparency judged from facts made by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.scanner.check import Check, Outcome, Severity
from services.scanner.tls import revocation_checks as checks
from services.scanner.tls.extensions import sent_logs
from services.scanner.tls.facts import (
    RevocationFacts,
    RevocationStatus,
    TlsFacts,
    TrustFacts,
    TrustStatus,
)
from services.scanner.tls.wire import vector
from tests.scanner.tls.factories import a_certificate, some_facts


def test_a_certificate_that_demands_a_staple_fails_hard_without_one() -> None:
    leaf = a_certificate(must_staple=True)

    verdict = checks.staples_its_status.judge(some_facts(leaf, is_staple_known=True))

    assert verdict.problems[0].severity is Severity.HIGH


def test_an_encrypted_flight_says_nothing_about_its_staple() -> None:
    leaf = a_certificate(ocsp_urls=("http://ocsp.example.test/",))

    unknown = checks.staples_its_status.judge(some_facts(leaf))
    none = checks.staples_its_status.judge(some_facts(a_certificate()))

    assert (unknown.outcome, unknown.is_applicable) == (Outcome.NOT_EVALUATED, True)
    assert not none.is_applicable


@pytest.mark.parametrize("check", [checks.is_not_revoked, checks.revocation_can_be_determined])
def test_a_certificate_that_names_no_source_cannot_be_asked_about(
    check: Check[TlsFacts],
) -> None:
    nowhere = RevocationFacts(RevocationStatus.NOT_NAMED, "it names none")

    verdict = check.judge(some_facts(revocation=nowhere))

    assert not verdict.is_applicable


PUBLIC = TrustFacts(TrustStatus.TRUSTED, "leads to a root", ("leaf", "root"), is_public=True)


@pytest.mark.parametrize(
    ("logs", "days", "outcome"),
    [
        ((), 90, Outcome.FAILED),
        (("a",), 90, Outcome.FAILED),
        (("a", "b"), 90, Outcome.PASSED),
        (("a", "b"), 199, Outcome.FAILED),
        (("a", "b", "c"), 199, Outcome.PASSED),
    ],
)
def test_public_certificates_need_timestamps_of_several_logs(
    logs: tuple[str, ...], days: int, outcome: Outcome
) -> None:
    leaf = a_certificate(timestamps=logs)
    leaf = replace(leaf, not_after=leaf.not_before + timedelta(days=days))

    verdict = checks.stands_in_the_logs.judge(some_facts(leaf, trust=PUBLIC, is_staple_known=True))

    assert verdict.outcome is outcome


def test_timestamps_of_the_handshake_count_and_unseen_ones_are_no_fault() -> None:
    sent = some_facts(trust=PUBLIC, timestamps_sent=("a", "b"), is_staple_known=True)

    assert checks.stands_in_the_logs.judge(sent).outcome is Outcome.PASSED
    assert (
        checks.stands_in_the_logs.judge(some_facts(trust=PUBLIC)).outcome is Outcome.NOT_EVALUATED
    )
    assert not checks.stands_in_the_logs.judge(some_facts()).is_applicable


def test_the_logs_of_a_handshake_are_read_and_hostile_lists_are_empty() -> None:
    one = vector(2, b"\0" + b"A" * 32 + bytes(12))
    assert sent_logs(vector(2, one + one)) == (("41" * 32),)
    assert sent_logs(b"\xff\xff\0") == ()
    assert sent_logs(None) == ()


def test_without_the_issuer_s_key_nothing_is_asked_and_nothing_is_said() -> None:
    leaf = a_certificate(crl_urls=("http://crl.example.test/",))

    verdict = checks.revocation_can_be_determined.judge(some_facts(leaf))

    assert (verdict.outcome, verdict.is_applicable) == (Outcome.NOT_EVALUATED, True)
