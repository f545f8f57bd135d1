import pytest

from services.scanner.check import Check, Outcome, Verdict
from services.scanner.tls import checks
from services.scanner.tls.facts import Support, TlsFacts
from services.scanner.tls.wire import Version
from tests.scanner.tls.factories import some_facts, versions

YES, NO, WHO_KNOWS = Support.ACCEPTED, Support.REFUSED, Support.UNKNOWN
OLD = [
    (checks.refuses_sslv2, Version.SSL2),
    (checks.refuses_sslv3, Version.SSL3),
    (checks.refuses_tls10, Version.TLS10),
    (checks.refuses_tls11, Version.TLS11),
]


def _judge(check: Check[TlsFacts], **support: Support) -> Verdict:
    return check.judge(some_facts(versions=versions(**support)))


@pytest.mark.parametrize(("check", "version"), OLD)
def test_an_old_version_that_is_accepted_fails(check: Check[TlsFacts], version: Version) -> None:
    verdict = _judge(check, **{version.name: YES, "TLS13": YES})

    assert verdict.outcome is Outcome.FAILED
    assert version.label in verdict.reason
    assert verdict.problems[0].discriminator == ""


@pytest.mark.parametrize(("check", "version"), OLD)
def test_an_old_version_that_is_refused_passes(check: Check[TlsFacts], version: Version) -> None:
    assert _judge(check, TLS12=YES).outcome is Outcome.PASSED


@pytest.mark.parametrize(("check", "version"), OLD)
def test_silence_about_an_old_version_is_no_verdict(
    check: Check[TlsFacts], version: Version
) -> None:
    verdict = _judge(check, **{version.name: WHO_KNOWS, "TLS12": YES})

    assert verdict.outcome is Outcome.NOT_EVALUATED
    assert verdict.is_applicable


@pytest.mark.parametrize(("check", "version"), OLD)
def test_a_server_that_refuses_everything_proves_nothing(
    check: Check[TlsFacts], version: Version
) -> None:
    assert _judge(check).outcome is Outcome.NOT_EVALUATED


@pytest.mark.parametrize(
    ("support", "outcome"),
    [
        ({"TLS12": YES}, Outcome.PASSED),
        ({"TLS13": YES, "TLS12": WHO_KNOWS}, Outcome.PASSED),
        ({"TLS10": YES}, Outcome.FAILED),
        ({"SSL3": YES, "TLS13": WHO_KNOWS}, Outcome.NOT_EVALUATED),
        ({"TLS10": YES, "TLS12": WHO_KNOWS}, Outcome.NOT_EVALUATED),
        ({}, Outcome.NOT_EVALUATED),
        ({"TLS12": WHO_KNOWS}, Outcome.NOT_EVALUATED),
    ],
)
def test_a_modern_version_is_needed(support: dict[str, Support], outcome: Outcome) -> None:
    assert _judge(checks.has_a_modern_version, **support).outcome is outcome


@pytest.mark.parametrize(
    ("support", "outcome", "is_applicable"),
    [
        ({"TLS13": YES}, Outcome.PASSED, True),
        ({"TLS12": YES}, Outcome.FAILED, True),
        ({"TLS12": YES, "TLS13": WHO_KNOWS}, Outcome.NOT_EVALUATED, True),
        ({"TLS10": YES}, Outcome.NOT_EVALUATED, False),
        ({"TLS10": YES, "TLS12": WHO_KNOWS}, Outcome.NOT_EVALUATED, True),
        ({}, Outcome.NOT_EVALUATED, True),
    ],
)
def test_tls13_is_wanted_beside_tls12(
    support: dict[str, Support], outcome: Outcome, *, is_applicable: bool
) -> None:
    verdict = _judge(checks.has_tls13, **support)

    assert verdict.outcome is outcome
    assert verdict.is_applicable is is_applicable
