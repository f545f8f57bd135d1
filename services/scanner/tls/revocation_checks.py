"""Revocation, stapling, transparency. Pure."""

from datetime import timedelta

from services.scanner.check import Check, Severity, Verdict, check
from services.scanner.tls.certificate_checks import needs_leaf, shown
from services.scanner.tls.facts import CertificateFacts, RevocationStatus, TlsFacts

_LONG_LIVED = timedelta(days=180)
_FEW, _MANY = 2, 3


@check(
    "tls.cert.revoked",
    rationale="The issuer has withdrawn its word, mostly because the key is in other hands;"
    " clients that ask refuse the connection.",
    remediation="Replace key and certificate at once, and find out why it was revoked.",
    sources=("RFC 5280 5", "RFC 6960", "CA/B BR 4.9.1"),
)
@needs_leaf
def is_not_revoked(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    found = facts.revocation
    match found.status:
        case RevocationStatus.REVOKED:
            return Verdict.failed(
                f"the certificate is revoked: {found.reason} ({found.source})",
                evidence={**shown(leaf), "source": found.source, "answer": found.reason},
            )
        case RevocationStatus.GOOD:
            return Verdict.passed(f"not revoked: {found.reason} ({found.source})")
        case RevocationStatus.NOT_NAMED:
            return Verdict.not_applicable(found.reason)
        case RevocationStatus.UNKNOWN | RevocationStatus.NOT_ASKED:
            return Verdict.not_evaluated(f"revocation: {found.reason}")


@check(
    "tls.cert.revocation_unknown",
    rationale="Whether the certificate was withdrawn could not be found out by us, and so by no"
    " client either.",
    remediation="Nothing at the server; tell the issuer when it lasts.",
    sources=("RFC 5280 6.3", "RFC 6960"),
)
@needs_leaf
def revocation_can_be_determined(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    found = facts.revocation
    match found.status:
        case RevocationStatus.UNKNOWN:
            return Verdict.failed(
                f"revocation cannot be determined: {found.reason}", evidence=shown(leaf)
            )
        case RevocationStatus.NOT_ASKED:
            return Verdict.not_evaluated(found.reason)
        case RevocationStatus.NOT_NAMED:
            return Verdict.not_applicable(found.reason)
        case RevocationStatus.GOOD | RevocationStatus.REVOKED:
            return Verdict.passed(f"the {found.source} of its issuer tells")


@check(
    "tls.ocsp.no_staple",
    rationale="Without a staple each client asks the issuer and tells it which site is visited;"
    " where the certificate demands one, clients refuse the connection.",
    remediation="Switch OCSP stapling on.",
    sources=("RFC 6066 8", "RFC 7633"),
)
@needs_leaf
def staples_its_status(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    if not leaf.ocsp_urls and not leaf.must_staple:
        return Verdict.not_applicable("the certificate names no OCSP responder")
    if not facts.is_staple_known:
        return Verdict.not_evaluated("the certificate came encrypted, so its staple was not seen")
    if facts.has_staple:
        return Verdict.passed("the server staples an OCSP answer")
    if leaf.must_staple:
        return Verdict.failed(
            "the certificate demands a staple, and the server sends none",
            severity=Severity.HIGH,
            evidence=shown(leaf),
        )
    return Verdict.failed("the server sends no OCSP staple", evidence=shown(leaf))


@check(
    "tls.cert.ct_missing",
    rationale="Browsers refuse public certificates that stand in no transparency log: a wrongly"
    " issued one would go unseen.",
    remediation="Have the certificate issued again with its timestamps (SCTs) inside.",
    sources=("RFC 6962", "Chrome CT policy"),
)
@needs_leaf
def stands_in_the_logs(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    if not facts.trust.is_public:
        return Verdict.not_applicable("the certificate does not lead to a public root")
    wanted = _MANY if leaf.lifetime > _LONG_LIVED else _FEW
    logs = {*leaf.timestamps, *facts.timestamps_sent}
    if len(logs) >= wanted:
        return Verdict.passed(f"timestamps of {len(logs)} logs vouch for it")
    if not facts.is_staple_known:
        return Verdict.not_evaluated(
            f"{len(logs)} timestamps are inside, and the handshake was encrypted"
        )
    return Verdict.failed(
        f"timestamps of {len(logs)} logs, {wanted} are needed",
        evidence={**shown(leaf), "logs": sorted(logs)},
    )


CHECKS: tuple[Check[TlsFacts], ...] = (
    is_not_revoked,
    revocation_can_be_determined,
    staples_its_status,
    stands_in_the_logs,
)
