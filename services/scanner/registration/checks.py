"""Checks of the registration. Each judges facts and looks at nothing itself."""

from datetime import timedelta

from services.scanner.check import Severity, Verdict, check
from services.scanner.registration.facts import Registration, RegistrationFacts

_SOON, _VERY_SOON = timedelta(days=30), timedelta(days=7)
# RFC 3915 section 3.1, in the words of RFC 8056: the registration has ended and can only be saved.
_LOST = frozenset({"redemption period", "pending delete"})


@check(
    "reg.expiry.soon",
    rationale="When the registration ends, site and mail are gone, and anybody may take the name "
    "over with everything that trusts it.",
    remediation="Renew the domain, and switch automatic renewal on at the registrar.",
    sources=("RFC 9083 section 4.5", "RFC 3915", "Regulation (EU) 2024/2690 annex 12.4.1"),
)
def expiry_soon(facts: RegistrationFacts) -> Verdict:
    found = facts.registration
    if found is None:
        return Verdict.not_evaluated(f"the registration could not be looked up: {facts.reason}")
    lost = sorted(_LOST & set(found.statuses))
    if lost:
        return Verdict.failed(
            f"The registration of {found.domain} has ended: {lost[0]}",
            severity=Severity.CRITICAL,
            evidence=_evidence(found),
        )
    if found.expires_at is None:
        return Verdict.not_evaluated("the registry publishes no expiry date")
    left = found.expires_at - facts.observed_at
    if left >= _SOON:
        return Verdict.passed(f"{found.domain} is registered until {found.expires_at:%Y-%m-%d}")
    verb = "ended" if left < timedelta() else "ends"
    return Verdict.failed(
        f"The registration of {found.domain} {verb} on {found.expires_at:%Y-%m-%d}",
        severity=Severity.CRITICAL if left < _VERY_SOON else None,
        evidence=_evidence(found),
    )


@check(
    "reg.expiry.unknown",
    rationale="Nobody outside can see when the domain has to be renewed: keep the date yourself.",
    remediation="None; note the date of renewal in the inventory.",
    sources=("RFC 9083 section 4.5", "Regulation (EU) 2024/2690 annex 12.4.1"),
)
def expiry_unknown(facts: RegistrationFacts) -> Verdict:
    found = facts.registration
    if found is None:
        return Verdict.not_evaluated(f"the registration could not be looked up: {facts.reason}")
    if found.expires_at is None:
        return Verdict.failed(
            f"The registry does not publish when {found.domain} ends", evidence=_evidence(found)
        )
    return Verdict.passed("the registry publishes the expiry date")


def _evidence(found: Registration) -> dict[str, object]:
    expires_at = found.expires_at
    return {
        "domain": found.domain,
        "expires_at": None if expires_at is None else expires_at.isoformat(),
        "status": list(found.statuses),
        "registrar": found.registrar,
        "source": found.source,
    }


CHECKS = (expiry_soon, expiry_unknown)
