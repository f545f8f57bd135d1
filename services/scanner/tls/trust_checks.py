"""Trust: self-signed, no path to a root, an intermediate that was not sent. Pure."""

from services.scanner.check import Check, Verdict, check
from services.scanner.tls.certificate_checks import needs_leaf, shown
from services.scanner.tls.facts import CertificateFacts, TlsFacts, TrustStatus


def _evidence(facts: TlsFacts, leaf: CertificateFacts) -> dict[str, object]:
    return {
        **shown(leaf),
        "chain": [certificate.subject for certificate in facts.chain],
        "trust": facts.trust.reason,
        "fetch_problem": facts.trust.fetch_problem,
    }


@check(
    "tls.cert.self_signed",
    rationale="Nobody vouches for the key: clients cannot tell the server from an impostor.",
    remediation="Use a certificate of a public CA, or of the organisation's own CA.",
    sources=("RFC 5280 6.1", "RFC 9525"),
)
@needs_leaf
def is_not_self_signed(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    if facts.trust.is_trusted:
        return Verdict.passed(f"the certificate {facts.trust.reason}")
    if leaf.is_self_signed:
        return Verdict.failed(
            "the certificate is signed with its own key", evidence=_evidence(facts, leaf)
        )
    return Verdict.passed(f"the certificate is issued by {leaf.issuer}")


@check(
    "tls.cert.untrusted",
    rationale="No client trusts the issuer: users see a warning, programs fail or were told not"
    " to verify.",
    remediation="Use a CA that clients trust, and send its intermediates.",
    sources=("RFC 5280 6.1", "Mozilla root store"),
)
@needs_leaf
def leads_to_a_trusted_root(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    trust = facts.trust
    if trust.status is TrustStatus.UNKNOWN:
        return Verdict.not_evaluated(trust.reason)
    if trust.is_trusted:
        return Verdict.passed(f"the certificate {trust.reason}")
    message = f"no path to a trusted root: {trust.reason}"
    if trust.fetch_problem:
        message += f"; fetching it failed as well ({trust.fetch_problem})"
    return Verdict.failed(message, evidence=_evidence(facts, leaf))


@check(
    "tls.cert.chain_incomplete",
    rationale="Clients that do not fetch or remember intermediates (most programs, many phones)"
    " cannot verify the certificate.",
    remediation="Configure the server to send every intermediate certificate.",
    sources=("RFC 8446 4.4.2", "RFC 5246 7.4.2"),
)
@needs_leaf
def sends_its_intermediates(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    trust = facts.trust
    match trust.status:
        case TrustStatus.TRUSTED:
            return Verdict.passed("what was sent is enough to reach a trusted root")
        case TrustStatus.TRUSTED_AFTER_FETCH:
            missing = [certificate.subject for certificate in facts.fetched]
            return Verdict.failed(
                f"an intermediate was not sent: {missing[0]}",
                evidence={**_evidence(facts, leaf), "not_sent": missing},
            )
        case TrustStatus.SELF_SIGNED:
            return Verdict.not_applicable("a self-signed certificate has no intermediates")
        case TrustStatus.UNTRUSTED if trust.fetch_problem:
            return Verdict.not_evaluated(
                "whether an intermediate is missing cannot be told: the issuer could not be"
                f" fetched ({trust.fetch_problem})"
            )
        case TrustStatus.UNTRUSTED:
            return Verdict.not_evaluated(
                "no trusted root can be reached, with or without further certificates"
            )
        case TrustStatus.UNKNOWN:
            return Verdict.not_evaluated(trust.reason)


CHECKS: tuple[Check[TlsFacts], ...] = (
    is_not_self_signed,
    leads_to_a_trusted_root,
    sends_its_intermediates,
)
