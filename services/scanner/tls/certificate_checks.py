"""The certificate itself: dates, names, keys, hashes, lifetime. Pure.

A problem has no discriminator: one endpoint, one problem of a kind, so that a certificate which
was renewed and is about to expire again is the same finding.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.scanner.check import Check, Severity, Verdict, check
from services.scanner.tls.facts import CertificateFacts, KeyFacts, TlsFacts
from services.scanner.tls.names import covers

_CLOCK_TOLERANCE = timedelta(minutes=5)
_SOON = timedelta(days=14)
_SHORT_LIVED = timedelta(days=30)
_PRIVATE_LIMIT = timedelta(days=825)
# CA/Browser Forum ballots SC-22 and SC-081v3: the limit that holds from a day of issue on.
_PUBLIC_LIMITS = (
    (datetime(2029, 3, 15, tzinfo=UTC), timedelta(days=47)),
    (datetime(2027, 3, 15, tzinfo=UTC), timedelta(days=100)),
    (datetime(2026, 3, 15, tzinfo=UTC), timedelta(days=200)),
    (datetime(2020, 9, 1, tzinfo=UTC), timedelta(days=398)),
    (datetime.min.replace(tzinfo=UTC), timedelta(days=825)),
)
_BROKEN_HASHES = frozenset({"md2", "md4", "md5", "sha1"})
_MIN_RSA_BITS = 2048
_GOOD_RSA_BITS = 3072
_MIN_CURVE_BITS = 224
_MIN_EXPONENT = 3

LeafJudge = Callable[[TlsFacts, CertificateFacts], Verdict]


def needs_leaf(judge: LeafJudge) -> Callable[[TlsFacts], Verdict]:
    """Not evaluated without a certificate; else the judge gets it."""

    def judge_facts(facts: TlsFacts) -> Verdict:
        if facts.leaf is None:
            reason = facts.chain_problem or "no certificate was seen"
            return Verdict.not_evaluated(f"no certificate to judge: {reason}")
        return judge(facts, facts.leaf)

    return judge_facts


def shown(certificate: CertificateFacts) -> dict[str, object]:
    """The certificate as evidence, ready for JSON."""
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": certificate.serial,
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "fingerprint_sha256": certificate.fingerprint,
    }


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _which(facts: TlsFacts, certificate: CertificateFacts) -> str:
    if certificate is facts.leaf:
        return "the certificate"
    return f"the intermediate {certificate.subject}"


@check(
    "tls.cert.expired",
    rationale="Clients refuse an expired certificate, or users learn to click warnings away.",
    remediation="Renew the certificate and automate renewal (ACME).",
    sources=("RFC 5280 4.1.2.5",),
)
@needs_leaf
def is_not_expired(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    for certificate in facts.needed:
        if certificate.not_after < facts.observed_at:
            return Verdict.failed(
                f"{_which(facts, certificate)} expired on {_day(certificate.not_after)}",
                evidence=shown(certificate),
            )
    return Verdict.passed(f"the certificate is valid until {_day(leaf.not_after)}")


@check(
    "tls.cert.not_yet_valid",
    rationale="Clients refuse a certificate before its first day.",
    remediation="Deploy certificates after their validity has begun; check the CA's clock.",
    sources=("RFC 5280 4.1.2.5",),
)
@needs_leaf
def is_valid_already(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    for certificate in facts.needed:
        if certificate.not_before > facts.observed_at + _CLOCK_TOLERANCE:
            return Verdict.failed(
                f"{_which(facts, certificate)} is not valid before {_day(certificate.not_before)}",
                evidence=shown(certificate),
            )
    return Verdict.passed(f"the certificate is valid since {_day(leaf.not_before)}")


@check(
    "tls.cert.expiring_soon",
    rationale="Too little time is left for a renewal by hand before clients refuse the service.",
    remediation="Renew now and automate renewal (ACME).",
    sources=("RFC 5280 4.1.2.5", "CA/B Forum SC-081v3"),
)
@needs_leaf
def does_not_expire_soon(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    left = leaf.not_after - facts.observed_at
    if left < timedelta(0):
        return Verdict.not_applicable("the certificate has expired, which has a check of its own")
    # A fixed limit would shout at every six-day certificate for all of its life.
    limit = leaf.lifetime / 3 if leaf.lifetime <= _SHORT_LIVED else _SOON
    until = f"the certificate is valid until {_day(leaf.not_after)}"
    if left >= limit:
        return Verdict.passed(until)
    return Verdict.failed(f"{until}: {left.days} days are left", evidence=shown(leaf))


@check(
    "tls.cert.hostname_mismatch",
    rationale="Clients cannot tell this server from an impostor: the certificate is for other"
    " names.",
    remediation="Issue a certificate with every name of the service as subjectAltName.",
    sources=("RFC 9525 6",),
)
@needs_leaf
def covers_the_name(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    name = facts.subject.server_name
    if name is None:
        return Verdict.not_applicable("the target is an address without a name")
    if leaf.has_names is None:
        return Verdict.not_evaluated("the certificate's extensions cannot be read")
    if covers(leaf.dns_names, name):
        return Verdict.passed(f"the certificate covers {name}")
    listed = [*leaf.dns_names, *(str(address) for address in leaf.ip_addresses)]
    names = ", ".join(listed[:5]) + (" and more" if len(listed) > 5 else "") or "no name"  # noqa: PLR2004 - a message, not a list
    return Verdict.failed(
        f"the certificate does not cover {name}: it is for {names}",
        evidence={**shown(leaf), "name": name, "subject_alternative_names": listed[:100]},
    )


@check(
    "tls.cert.no_san",
    rationale="Names are read from subjectAltName only: without it no client accepts the"
    " certificate for any name.",
    remediation="Re-issue the certificate with its names as subjectAltName.",
    sources=("RFC 9525 2", "CA/B Baseline Requirements 7.1.4"),
)
@needs_leaf
def has_alternative_names(_facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    if leaf.has_names is None:
        return Verdict.not_evaluated("the certificate's extensions cannot be read")
    if leaf.has_names:
        return Verdict.passed("the certificate has a subjectAltName extension")
    return Verdict.failed("the certificate has no subjectAltName extension", evidence=shown(leaf))


def _key_name(key: KeyFacts) -> str:
    size = f" with {key.bits} bits" if key.bits else ""
    curve = f" ({key.curve})" if key.curve else ""
    return f"{key.algorithm}{size}{curve}"


def _weakness(key: KeyFacts) -> str | None:
    """Why a key can be broken; None when it cannot, or its kind is not known."""
    if key.bits is not None:
        if key.algorithm in {"RSA", "DSA"} and key.bits < _MIN_RSA_BITS:
            return f"less than {_MIN_RSA_BITS} bits"
        if key.algorithm == "EC" and key.bits < _MIN_CURVE_BITS:
            return f"less than {_MIN_CURVE_BITS} bits"
    if key.exponent is not None and key.exponent < _MIN_EXPONENT:
        return f"the exponent {key.exponent}"
    return None


def _key_evidence(certificate: CertificateFacts) -> dict[str, object]:
    key = certificate.key
    return {
        **shown(certificate),
        "key": {"algorithm": key.algorithm, "bits": key.bits, "curve": key.curve},
    }


@check(
    "tls.cert.weak_key",
    rationale="Whoever computes the private key from a short public one reads and forges"
    " everything.",
    remediation="Make a new key: ECDSA P-256, or RSA with 3072 bits or more.",
    sources=("NIST SP 800-131Ar2", "BSI TR-02102-1", "NCSC-NL TLS 2025", "CA/B BR 6.1.5"),
)
@needs_leaf
def has_a_strong_key(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    for certificate in facts.needed:
        weakness = _weakness(certificate.key)
        if weakness is not None:
            return Verdict.failed(
                f"{_which(facts, certificate)} has a weak key, {_key_name(certificate.key)}:"
                f" {weakness}",
                evidence=_key_evidence(certificate),
            )
    key = leaf.key
    if key.bits is None:
        return Verdict.not_evaluated(f"the size of the key is not known: {_key_name(key)}")
    if key.algorithm == "RSA" and key.bits < _GOOD_RSA_BITS:
        return Verdict.failed(
            f"the certificate has the key {_key_name(key)}: less than {_GOOD_RSA_BITS} bits are"
            " being phased out",
            severity=Severity.INFO,
            evidence=_key_evidence(leaf),
        )
    return Verdict.passed(f"the certificate has a strong key: {_key_name(key)}")


@check(
    "tls.cert.weak_signature",
    rationale="Collisions in MD5 and SHA-1 can be made: a forged certificate may carry the same"
    " signature.",
    remediation="Re-issue the certificate with SHA-256 or better.",
    sources=("RFC 9155", "RFC 9325 4.3", "CA/B BR 7.1.3"),
)
@needs_leaf
def has_a_strong_signature(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    for certificate in facts.needed:
        # A root is trusted by its key: its own signature proves nothing.
        is_root = certificate.is_self_issued and certificate is not leaf
        if certificate.signature_hash in _BROKEN_HASHES and not is_root:
            return Verdict.failed(
                f"{_which(facts, certificate)} is signed with {certificate.signature}",
                evidence={**shown(certificate), "signature": certificate.signature},
            )
    return Verdict.passed(f"the certificate is signed with {leaf.signature}")


def _public_limit(issued: datetime) -> timedelta:
    return next(limit for since, limit in _PUBLIC_LIMITS if issued >= since)


@check(
    "tls.cert.validity_too_long",
    rationale="The longer a certificate lives, the longer a stolen key is of use; clients refuse"
    " public certificates beyond the limit.",
    remediation="Use shorter certificates with automated renewal.",
    sources=("CA/B Forum SC-081v3", "CA/B BR 6.3.2"),
)
@needs_leaf
def is_short_lived_enough(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    limit = _public_limit(leaf.not_before) if facts.trust.is_trusted else _PRIVATE_LIMIT
    # The tolerance is for tools that count the last second on top of whole days.
    if leaf.lifetime <= limit + timedelta(seconds=1):
        return Verdict.passed(f"the lifetime of {leaf.lifetime.days} days is within {limit.days}")
    return Verdict.failed(
        f"the certificate lives {leaf.lifetime.days} days, {limit.days} are the limit",
        severity=None if facts.trust.is_trusted else Severity.INFO,
        evidence=shown(leaf),
    )


CHECKS: tuple[Check[TlsFacts], ...] = (
    is_not_expired,
    is_valid_already,
    does_not_expire_soon,
    covers_the_name,
    has_alternative_names,
    has_a_strong_key,
    has_a_strong_signature,
    is_short_lived_enough,
)
