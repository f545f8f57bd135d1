"""What a server chooses: order of suites, curves, signatures, early data, bugs. Pure."""

from services.scanner.check import Check, Verdict, check
from services.scanner.tls.facts import Support, TlsFacts
from services.scanner.tls.suites import NAMES, pools_of
from services.scanner.tls.wire import Version

_GOOD_SUITES = "Offer ECDHE suites with AES-GCM or ChaCha20-Poly1305 only."
_WEAK_SUITES = frozenset(f"TLS_{name}" for code, name in NAMES.items() if pools_of(code))


def _classic(facts: TlsFacts) -> list[Version]:
    return [version for version in facts.accepted if Version.SSL2 < version < Version.TLS13]


def _without_classic(facts: TlsFacts) -> Verdict:
    """For what TLS 1.3 does not have, at a server from which nothing older was taken."""
    if Version.TLS13 not in facts.accepted:
        return Verdict.not_evaluated("no version was accepted")
    unknown = [
        version
        for version in (Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3)
        if facts.support(version) is Support.UNKNOWN
    ]
    if unknown:
        return Verdict.not_evaluated(f"{unknown[0].label}: {facts.reason(unknown[0])}")
    return Verdict.passed("TLS 1.3 does not have this weakness")


@check(
    "tls.cipher.order",
    rationale="Where weak suites are enabled and the client decides, a careless client gets one"
    " although both could do better.",
    remediation="Switch the weak suites off rather than order them.",
    sources=("Mozilla Server Side TLS 5.7", "NCSC-NL TLS 2025"),
)
def prefers_good_suites(facts: TlsFacts) -> Verdict:
    classic = _classic(facts)
    if not classic:
        return _without_classic(facts)
    weak = [pool for pool, found in facts.pools.items() if found.support is Support.ACCEPTED]
    if not weak:
        unknown = [found for found in facts.pools.values() if found.support is Support.UNKNOWN]
        if unknown or not facts.pools:
            return Verdict.not_evaluated(unknown[0].reason if unknown else "not asked")
        return Verdict.passed("no weak suite is enabled, so the order does not matter")
    usual, reverse = facts.versions[max(classic)].suite, facts.reversed_choice
    if reverse.support is not Support.ACCEPTED or usual is None or reverse.suite is None:
        return Verdict.not_evaluated(f"worst suites first: {reverse.reason}")
    if usual == reverse.suite or reverse.suite not in _WEAK_SUITES:
        return Verdict.passed(f"the server chooses {reverse.suite} whatever the client prefers")
    return Verdict.failed(
        f"the client decides: {usual} when good suites come first, {reverse.suite} when weak"
        " ones do",
        evidence={"best_first": usual, "worst_first": reverse.suite},
    )


@check(
    "tls.kex.curve_weak",
    rationale="Curves below 256 bits, and binary ones, give less than 128 bits of security.",
    remediation="Offer x25519, secp256r1 and secp384r1 only.",
    sources=("RFC 8422 5.1.1", "NIST SP 800-186", "BSI TR-02102-2"),
)
def refuses_weak_curves(facts: TlsFacts) -> Verdict:
    if not _classic(facts):
        return _without_classic(facts)
    found = facts.weak_curve
    match found.support:
        case Support.ACCEPTED if found.group is not None:
            return Verdict.failed(
                f"accepts the weak curve {found.group}",
                evidence={"group": found.group, "suite": found.suite},
            )
        case Support.ACCEPTED:
            return Verdict.not_evaluated("the server did not show its curve")
        case Support.REFUSED:
            return Verdict.passed(f"refuses weak curves: {found.reason}")
        case Support.UNKNOWN:
            return Verdict.not_evaluated(f"weak curves: {found.reason}")


@check(
    "tls.kex.sha1_signature",
    rationale="Whoever finds a collision can forge the server's part of the key exchange.",
    remediation="Switch SHA-1 off in the list of signature algorithms.",
    sources=("RFC 9155", "NCSC-NL TLS 2025 3.3.5"),
)
def does_not_sign_with_sha1(facts: TlsFacts) -> Verdict:
    if facts.support(Version.TLS12) is Support.REFUSED and _classic(facts):
        return Verdict.not_applicable("TLS 1.1 and older always do, which has checks of its own")
    if Version.TLS12 not in facts.accepted:
        return _without_classic(facts)
    found = facts.sha1_signature
    match found.support:
        case Support.ACCEPTED:
            return Verdict.failed(
                "signs its key exchange with SHA-1 when nothing else is offered",
                evidence={"suite": found.suite},
            )
        case Support.REFUSED:
            return Verdict.passed(f"does not sign with SHA-1: {found.reason}")
        case Support.UNKNOWN:
            return Verdict.not_evaluated(f"signatures with SHA-1: {found.reason}")


@check(
    "tls.early_data",
    rationale="Requests in early data can be played back by anyone on the path.",
    remediation="Switch early data off, or take safe methods alone in it (RFC 8470).",
    sources=("RFC 8446 8", "RFC 8470"),
)
def takes_no_early_data(facts: TlsFacts) -> Verdict:
    if facts.support(Version.TLS13) is Support.REFUSED and facts.accepted:
        return Verdict.passed("only TLS 1.3 has early data")
    if facts.early_data_bytes is None:
        return Verdict.not_evaluated(f"early data: {facts.early_data_problem}")
    if facts.early_data_bytes == 0:
        return Verdict.passed("no ticket of the server allows early data")
    return Verdict.failed(
        f"tickets allow {facts.early_data_bytes} bytes of early data",
        evidence={"max_early_data_size": facts.early_data_bytes},
    )


@check(
    "tls.heartbleed",
    rationale="Anyone can read the server's memory, with its private key and passwords in it.",
    remediation="Update OpenSSL, then replace keys, certificates and passwords.",
    sources=("CVE-2014-0160", "RFC 6520"),
)
def keeps_its_memory(facts: TlsFacts) -> Verdict:
    if not _classic(facts):
        return _without_classic(facts)
    found = facts.heartbleed
    match found.support:
        case Support.ACCEPTED:
            return Verdict.failed(
                "gives away its memory (Heartbleed)", evidence={"answer": found.reason}
            )
        case Support.REFUSED:
            return Verdict.passed(f"does not give away its memory: {found.reason}")
        case Support.UNKNOWN:
            return Verdict.not_evaluated(f"Heartbleed: {found.reason}")


CHECKS: tuple[Check[TlsFacts], ...] = (
    prefers_good_suites,
    refuses_weak_curves,
    does_not_sign_with_sha1,
    takes_no_early_data,
    keeps_its_memory,
)
