"""Protocol versions: which are offered that should not be, and which are missing. Pure."""

from services.scanner.check import Check, Verdict, check
from services.scanner.tls.facts import Support, TlsFacts
from services.scanner.tls.wire import Version

_MODERN_ONLY = "Accept TLS 1.2 and TLS 1.3 only."
_NOTHING_ACCEPTED = "the server took no hello of any version, so its refusals prove nothing"


def _refuses(facts: TlsFacts, version: Version) -> Verdict:
    """Passed when a version is refused by a server that accepts another one."""
    match facts.support(version):
        case Support.ACCEPTED:
            suite = facts.versions[version].suite
            seen = f"accepts {version.label}" + (f" with {suite}" if suite else "")
            return Verdict.failed(seen, evidence={"version": version.label, "suite": suite})
        case Support.REFUSED if facts.accepted:
            return Verdict.passed(f"{version.label} is refused: {facts.reason(version)}")
        case Support.REFUSED:
            return Verdict.not_evaluated(_NOTHING_ACCEPTED)
        case Support.UNKNOWN:
            return Verdict.not_evaluated(f"{version.label}: {facts.reason(version)}")


@check(
    "tls.protocol.sslv2",
    rationale="SSL 2.0 can be broken outright, and where a key is shared with it, it opens the"
    " traffic of newer versions too (DROWN).",
    remediation=_MODERN_ONLY,
    sources=("RFC 6176", "CVE-2016-0800"),
)
def refuses_sslv2(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Version.SSL2)


@check(
    "tls.protocol.sslv3",
    rationale="SSL 3.0 is broken by design: its padding lets an attacker on the path read"
    " cookies (POODLE).",
    remediation=_MODERN_ONLY,
    sources=("RFC 7568", "CVE-2014-3566"),
)
def refuses_sslv3(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Version.SSL3)


@check(
    "tls.protocol.tls10",
    rationale="TLS 1.0 rests on MD5 and SHA-1 and knows no authenticated encryption; no current"
    " browser speaks it.",
    remediation=_MODERN_ONLY,
    sources=("RFC 8996", "NIST SP 800-52r2 3.1", "BSI TR-02102-2 3.2", "NCSC-NL TLS 2025"),
)
def refuses_tls10(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Version.TLS10)


@check(
    "tls.protocol.tls11",
    rationale="TLS 1.1 rests on MD5 and SHA-1 and knows no authenticated encryption; no current"
    " browser speaks it.",
    remediation=_MODERN_ONLY,
    sources=("RFC 8996", "NIST SP 800-52r2 3.1", "BSI TR-02102-2 3.2", "NCSC-NL TLS 2025"),
)
def refuses_tls11(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Version.TLS11)


def _unknown(facts: TlsFacts, *versions: Version) -> Verdict | None:
    """Not evaluated when the answer hangs on a version of which nothing is known."""
    for version in versions:
        if facts.support(version) is Support.UNKNOWN:
            return Verdict.not_evaluated(f"{version.label}: {facts.reason(version)}")
    return None


@check(
    "tls.protocol.no_modern",
    rationale="Every connection to this server uses a protocol that was withdrawn; current"
    " clients cannot connect at all.",
    remediation="Upgrade the TLS library or put a current reverse proxy in front.",
    sources=("RFC 8996", "RFC 9325 3.1.1"),
)
def has_a_modern_version(facts: TlsFacts) -> Verdict:
    modern = [v for v in (Version.TLS12, Version.TLS13) if v in facts.accepted]
    if modern:
        return Verdict.passed("accepts " + " and ".join(v.label for v in modern))
    if not facts.accepted:
        return Verdict.not_evaluated(
            facts.reason(Version.TLS12)
            if facts.support(Version.TLS12) is Support.UNKNOWN
            else _NOTHING_ACCEPTED
        )
    old = [version.label for version in facts.accepted]
    return _unknown(facts, Version.TLS12, Version.TLS13) or Verdict.failed(
        f"accepts {', '.join(old)} but neither TLS 1.2 nor TLS 1.3", evidence={"accepted": old}
    )


@check(
    "tls.protocol.no_tls13",
    rationale="TLS 1.3 drops every weak option of TLS 1.2 and hides the certificate; NIST"
    " requires it since 2024 and the BSI ends TLS 1.2 with 2031.",
    remediation="Enable TLS 1.3 beside TLS 1.2.",
    sources=("RFC 8446", "NIST SP 800-52r2 3.1", "BSI TR-02102-2 (2026-01)"),
)
def has_tls13(facts: TlsFacts) -> Verdict:
    if Version.TLS13 in facts.accepted:
        return Verdict.passed("accepts TLS 1.3")
    if Version.TLS12 in facts.accepted:
        return _unknown(facts, Version.TLS13) or Verdict.failed(
            "accepts TLS 1.2 but not TLS 1.3", evidence={"answer": facts.reason(Version.TLS13)}
        )
    if facts.accepted and facts.support(Version.TLS12) is Support.REFUSED:
        return Verdict.not_applicable("TLS 1.2 is missing too, which has a check of its own")
    return _unknown(facts, Version.TLS13, Version.TLS12) or Verdict.not_evaluated(_NOTHING_ACCEPTED)


CHECKS: tuple[Check[TlsFacts], ...] = (
    refuses_sslv2,
    refuses_sslv3,
    refuses_tls10,
    refuses_tls11,
    has_a_modern_version,
    has_tls13,
)
