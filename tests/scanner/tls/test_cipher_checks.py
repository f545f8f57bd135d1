from dataclasses import replace
from ipaddress import ip_address

import pytest

from services.scanner.check import Check, Outcome, Severity
from services.scanner.tls import cipher_checks as checks
from services.scanner.tls.facts import (
    PoolFacts,
    Support,
    TlsFacts,
    TlsSubject,
    VersionFacts,
)
from services.scanner.tls.suites import Pool
from services.scanner.tls.wire import Version
from tests.scanner.tls.factories import some_facts, versions

REFUSED = PoolFacts(Support.REFUSED, "the server answered with the alert handshake_failure")
UNKNOWN = PoolFacts(Support.UNKNOWN, "not asked: the first handshake was slow")
BY_POOL = [
    (checks.refuses_null, Pool.NULL),
    (checks.refuses_anonymous, Pool.ANON),
    (checks.refuses_export, Pool.EXPORT),
    (checks.refuses_rc4, Pool.RC4),
    (checks.refuses_small_blocks, Pool.SMALL_BLOCK),
    (checks.refuses_cbc, Pool.CBC),
    (checks.refuses_rsa_transport, Pool.RSA_TRANSPORT),
    (checks.refuses_dhe, Pool.DHE),
]
POOL_CHECKS = [*BY_POOL, (checks.has_a_strong_dh_group, Pool.DHE)]


def _accepting(pool: Pool, **details: object) -> TlsFacts:
    found = PoolFacts(Support.ACCEPTED, "the server chose it", "TLS_SOME_SUITE")
    found = replace(found, **details)  # pyright: ignore[reportArgumentType]  # fields by name
    return some_facts(pools={pool: found})


@pytest.mark.parametrize(("check", "pool"), BY_POOL)
def test_a_weak_family_that_is_accepted_fails(check: Check[TlsFacts], pool: Pool) -> None:
    verdict = check.judge(_accepting(pool))

    assert verdict.outcome is Outcome.FAILED
    assert "TLS_SOME_SUITE" in verdict.reason
    assert verdict.problems[0].discriminator == ""


@pytest.mark.parametrize(("check", "pool"), POOL_CHECKS)
def test_a_weak_family_that_is_refused_passes(check: Check[TlsFacts], pool: Pool) -> None:
    assert check.judge(some_facts(pools={pool: REFUSED})).outcome is Outcome.PASSED


@pytest.mark.parametrize(("check", "pool"), POOL_CHECKS)
def test_a_weak_family_that_was_not_asked_is_no_verdict(check: Check[TlsFacts], pool: Pool) -> None:
    verdict = check.judge(some_facts(pools={pool: UNKNOWN}))

    assert verdict.outcome is Outcome.NOT_EVALUATED
    assert "slow" in verdict.reason
    assert check.judge(some_facts(pools={})).outcome is Outcome.NOT_EVALUATED


@pytest.mark.parametrize(("check", "pool"), POOL_CHECKS)
def test_a_server_that_takes_nothing_proves_nothing(check: Check[TlsFacts], pool: Pool) -> None:
    facts = some_facts(versions=versions(), pools={pool: REFUSED})

    assert check.judge(facts).outcome is Outcome.NOT_EVALUATED


def test_anonymous_suites_are_by_design_in_mail() -> None:
    mail = TlsSubject(ip_address("127.0.0.1"), 25, None)

    verdict = checks.refuses_anonymous.judge(replace(_accepting(Pool.ANON), subject=mail))

    assert verdict.problems[0].severity is Severity.INFO


@pytest.mark.parametrize(
    ("aead", "encrypt_then_mac", "severity"),
    [
        (Support.ACCEPTED, False, None),
        (Support.ACCEPTED, True, Severity.INFO),
        (Support.REFUSED, True, Severity.MEDIUM),
    ],
)
def test_cbc_is_worse_where_there_is_nothing_else(
    aead: Support, severity: Severity | None, *, encrypt_then_mac: bool
) -> None:
    facts = replace(_accepting(Pool.CBC, encrypt_then_mac=encrypt_then_mac), aead=aead)

    assert checks.refuses_cbc.judge(facts).problems[0].severity is severity


def test_key_transport_is_worse_where_there_is_nothing_else() -> None:
    facts = replace(_accepting(Pool.RSA_TRANSPORT), forward_secrecy=Support.REFUSED)

    assert checks.refuses_rsa_transport.judge(facts).problems[0].severity is Severity.HIGH


@pytest.mark.parametrize(
    ("bits", "outcome"),
    [(1024, Outcome.FAILED), (2048, Outcome.PASSED), (None, Outcome.NOT_EVALUATED)],
)
def test_the_dh_prime_is_measured(bits: int | None, outcome: Outcome) -> None:
    facts = _accepting(Pool.DHE, dh_prime_bits=bits)

    assert checks.has_a_strong_dh_group.judge(facts).outcome is outcome


@pytest.mark.parametrize(
    ("support", "outcome"),
    [
        (Support.ACCEPTED, Outcome.PASSED),
        (Support.REFUSED, Outcome.FAILED),
        (Support.UNKNOWN, Outcome.NOT_EVALUATED),
    ],
)
def test_a_post_quantum_group_is_looked_for(support: Support, outcome: Outcome) -> None:
    facts = some_facts(post_quantum=support)

    assert checks.has_a_post_quantum_group.judge(facts).outcome is outcome


def test_without_tls13_there_is_no_question_of_post_quantum() -> None:
    facts = some_facts(versions=versions(TLS12=Support.ACCEPTED))

    assert not checks.has_a_post_quantum_group.judge(facts).is_applicable


def _tls12(**details: object) -> TlsFacts:
    seen = VersionFacts(Version.TLS12, Support.ACCEPTED, "the server chose it")
    seen = replace(seen, **details)  # pyright: ignore[reportArgumentType]  # fields by name
    return some_facts(versions={**versions(), Version.TLS12: seen})


EXTENSIONS = [
    (checks.renegotiates_securely, "secure_renegotiation"),
    (checks.has_extended_master_secret, "extended_master_secret"),
]


@pytest.mark.parametrize(("check", "name"), EXTENSIONS)
def test_extensions_of_tls12_are_wanted(check: Check[TlsFacts], name: str) -> None:
    assert check.judge(_tls12(**{name: True})).outcome is Outcome.PASSED
    assert check.judge(_tls12(**{name: False})).outcome is Outcome.FAILED


def test_compression_is_unwanted() -> None:
    assert checks.does_not_compress.judge(_tls12(compression=0)).outcome is Outcome.PASSED
    assert checks.does_not_compress.judge(_tls12(compression=1)).outcome is Outcome.FAILED


@pytest.mark.parametrize("check", [checks.does_not_compress, checks.renegotiates_securely])
def test_tls13_alone_has_no_weakness_of_tls12(check: Check[TlsFacts]) -> None:
    alone = some_facts(versions=versions(TLS13=Support.ACCEPTED))
    unsure = some_facts(versions=versions(TLS13=Support.ACCEPTED, TLS12=Support.UNKNOWN))

    assert check.judge(alone).outcome is Outcome.PASSED
    assert check.judge(unsure).outcome is Outcome.NOT_EVALUATED
    assert check.judge(some_facts(versions=versions())).outcome is Outcome.NOT_EVALUATED


def test_a_refused_or_silent_tls12_has_no_extended_master_secret_to_judge() -> None:
    check = checks.has_extended_master_secret

    refused = check.judge(some_facts(versions=versions(TLS13=Support.ACCEPTED)))
    unknown = check.judge(some_facts(versions=versions(TLS12=Support.UNKNOWN)))

    assert not refused.is_applicable
    assert unknown.outcome is Outcome.NOT_EVALUATED
    assert unknown.is_applicable


@pytest.mark.parametrize(
    ("encrypt_then_mac", "outcome"), [(True, Outcome.PASSED), (False, Outcome.FAILED)]
)
def test_cbc_wants_encrypt_then_mac(*, encrypt_then_mac: bool, outcome: Outcome) -> None:
    facts = _accepting(Pool.CBC, encrypt_then_mac=encrypt_then_mac)

    assert checks.encrypts_then_macs.judge(facts).outcome is outcome


@pytest.mark.parametrize(
    ("found", "outcome"), [(REFUSED, Outcome.PASSED), (UNKNOWN, Outcome.NOT_EVALUATED)]
)
def test_without_cbc_nobody_needs_encrypt_then_mac(found: PoolFacts, outcome: Outcome) -> None:
    verdict = checks.encrypts_then_macs.judge(some_facts(pools={Pool.CBC: found}))

    assert verdict.outcome is outcome
