"""Weak suites, key exchange and extensions. Pure.

A finding names the suite that proves it as evidence, never in its identity: which suite of a
family a server picks is its own affair.
"""

from services.scanner.check import Check, Severity, Verdict, check
from services.scanner.tls.facts import PoolFacts, Support, TlsFacts, VersionFacts
from services.scanner.tls.suites import Pool
from services.scanner.tls.wire import Version

_MIN_DH_BITS = 2048
_GOOD_SUITES = "Offer ECDHE suites with AES-GCM or ChaCha20-Poly1305 only."
_SMTP_PORTS = frozenset({25, 465, 587})


def _pool(facts: TlsFacts, pool: Pool) -> PoolFacts:
    return facts.pools.get(pool, PoolFacts(Support.UNKNOWN, "not asked"))


def _refuses(facts: TlsFacts, pool: Pool, family: str, severity: Severity | None = None) -> Verdict:
    found = _pool(facts, pool)
    match found.support:
        case Support.ACCEPTED:
            return Verdict.failed(
                f"accepts {family}: {found.suite}",
                severity=severity,
                evidence={"suite": found.suite},
            )
        case Support.REFUSED if facts.accepted:
            return Verdict.passed(f"refuses {family}: {found.reason}")
        case Support.REFUSED | Support.UNKNOWN:
            return Verdict.not_evaluated(f"{family}: {found.reason}")


@check(
    "tls.cipher.null",
    rationale="Such connections are not encrypted at all.",
    remediation=_GOOD_SUITES,
    sources=("RFC 9325 4.1",),
)
def refuses_null(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Pool.NULL, "suites without encryption")


@check(
    "tls.cipher.anon",
    rationale="Nobody proves who the server is: anyone on the path can answer in its place.",
    remediation=_GOOD_SUITES,
    sources=("RFC 9325 4.1",),
)
def refuses_anonymous(facts: TlsFacts) -> Verdict:
    # Mail servers take them by design: opportunistic TLS verifies nobody (RFC 7672 8.2).
    severity = Severity.INFO if facts.subject.port in _SMTP_PORTS else None
    return _refuses(facts, Pool.ANON, "anonymous key exchange", severity)


@check(
    "tls.cipher.export",
    rationale="Keys of 40 to 56 bits are computed in minutes (FREAK, Logjam).",
    remediation=_GOOD_SUITES,
    sources=("RFC 9325 4.1", "CVE-2015-0204", "CVE-2015-4000"),
)
def refuses_export(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Pool.EXPORT, "export suites")


@check(
    "tls.cipher.rc4",
    rationale="The biases of RC4 give away what is sent often, such as cookies.",
    remediation=_GOOD_SUITES,
    sources=("RFC 7465",),
)
def refuses_rc4(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Pool.RC4, "RC4")


@check(
    "tls.cipher.3des",
    rationale="Blocks of 64 bits repeat within a long connection and give away contents (SWEET32).",
    remediation=_GOOD_SUITES,
    sources=("CVE-2016-2183", "NIST SP 800-131Ar2"),
)
def refuses_small_blocks(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Pool.SMALL_BLOCK, "ciphers with 64-bit blocks")


@check(
    "tls.cipher.cbc",
    rationale="CBC with a MAC inside was broken by timing again and again (Lucky 13, POODLE"
    " variants).",
    remediation=_GOOD_SUITES,
    sources=("Mozilla Server Side TLS 5.7", "NCSC-NL TLS 2025", "RFC 7366"),
)
def refuses_cbc(facts: TlsFacts) -> Verdict:
    if facts.aead is Support.REFUSED:
        return _refuses(facts, Pool.CBC, "CBC suites, and nothing better", Severity.MEDIUM)
    severity = Severity.INFO if _pool(facts, Pool.CBC).encrypt_then_mac else None
    return _refuses(facts, Pool.CBC, "CBC suites", severity)


@check(
    "tls.kex.no_forward_secrecy",
    rationale="Whoever steals the server's key later reads everything recorded before; the"
    " padding oracle ROBOT needs this key exchange.",
    remediation=_GOOD_SUITES,
    sources=("NIST SP 800-52r2 3.3.1", "BSI TR-02102-2", "NCSC-NL TLS 2025", "RFC 9325 4.1"),
)
def refuses_rsa_transport(facts: TlsFacts) -> Verdict:
    if facts.forward_secrecy is Support.REFUSED:
        return _refuses(
            facts, Pool.RSA_TRANSPORT, "RSA key transport, and nothing better", Severity.HIGH
        )
    return _refuses(facts, Pool.RSA_TRANSPORT, "RSA key transport")


@check(
    "tls.kex.dh_weak",
    rationale="Discrete logarithms in groups of 1024 bits are within reach of states, of 512"
    " bits within reach of everybody (Logjam).",
    remediation="Use ECDHE, or the group ffdhe3072 of RFC 7919.",
    sources=("RFC 8270", "RFC 7919", "CVE-2015-4000"),
)
def has_a_strong_dh_group(facts: TlsFacts) -> Verdict:
    found = _pool(facts, Pool.DHE)
    if found.support is not Support.ACCEPTED:
        return _refuses(facts, Pool.DHE, "finite-field Diffie-Hellman")
    bits = found.dh_prime_bits
    if bits is None:
        return Verdict.not_evaluated("the server did not show its Diffie-Hellman group")
    if bits >= _MIN_DH_BITS:
        return Verdict.passed(f"the Diffie-Hellman prime has {bits} bits")
    return Verdict.failed(
        f"the Diffie-Hellman prime has {bits} bits",
        evidence={"suite": found.suite, "prime_bits": bits},
    )


@check(
    "tls.kex.dhe",
    rationale="Finite-field Diffie-Hellman is slow and being phased out: the BSI ends it with"
    " 2029.",
    remediation="Prefer ECDHE and drop DHE.",
    sources=("BSI TR-02102-2 (2026-01)", "NCSC-NL TLS 2025"),
)
def refuses_dhe(facts: TlsFacts) -> Verdict:
    return _refuses(facts, Pool.DHE, "finite-field Diffie-Hellman")


@check(
    "tls.kex.pqc_missing",
    rationale="What is recorded today can be read once a large quantum computer exists, unless"
    " the key exchange resists it.",
    remediation="Plan the move to the hybrid group X25519MLKEM768.",
    sources=("BSI TR-02102-2 (2026-01)", "EU PQC roadmap (2025)"),
)
def has_a_post_quantum_group(facts: TlsFacts) -> Verdict:
    if facts.accepted and facts.support(Version.TLS13) is Support.REFUSED:
        return Verdict.not_applicable("TLS 1.3 is missing, which has a check of its own")
    match facts.post_quantum:
        case Support.ACCEPTED:
            return Verdict.passed("accepts X25519MLKEM768")
        case Support.REFUSED:
            return Verdict.failed("does not accept X25519MLKEM768")
        case Support.UNKNOWN:
            return Verdict.not_evaluated("whether X25519MLKEM768 is accepted is not known")


def _classic(facts: TlsFacts) -> list[VersionFacts]:
    """Accepted versions from SSL 3.0 to TLS 1.2, newest first."""
    return [
        facts.versions[version]
        for version in reversed(facts.accepted)
        if version not in {Version.SSL2, Version.TLS13}
    ]


def _without_classic(facts: TlsFacts) -> Verdict:
    if facts.support(Version.TLS13) is not Support.ACCEPTED:
        return Verdict.not_evaluated("no version was accepted")
    if facts.support(Version.TLS12) is Support.UNKNOWN:
        return Verdict.not_evaluated(f"TLS 1.2: {facts.reason(Version.TLS12)}")
    return Verdict.passed("TLS 1.3 does not have this weakness")


@check(
    "tls.compression",
    rationale="The length of compressed records gives away secrets (CRIME).",
    remediation="Switch TLS compression off.",
    sources=("CVE-2012-4929", "RFC 9325 3.3"),
)
def does_not_compress(facts: TlsFacts) -> Verdict:
    seen = _classic(facts)
    compressing = [version.version.label for version in seen if version.compression]
    if compressing:
        return Verdict.failed(f"compresses in {', '.join(compressing)}")
    if not seen:
        return _without_classic(facts)
    return Verdict.passed("chose no compression although it was offered")


@check(
    "tls.renegotiation.insecure",
    rationale="An attacker on the path can put a request of his own before the client's.",
    remediation="Update the TLS library: it lacks RFC 5746.",
    sources=("RFC 5746", "CVE-2009-3555"),
)
def renegotiates_securely(facts: TlsFacts) -> Verdict:
    seen = _classic(facts)
    if not seen:
        return _without_classic(facts)
    if all(version.secure_renegotiation for version in seen):
        return Verdict.passed("answers the renegotiation_info extension")
    return Verdict.failed("does not answer the renegotiation_info extension")


@check(
    "tls.extension.no_ems",
    rationale="Two connections can be made to share a master secret (triple handshake).",
    remediation="Update the TLS library: it lacks RFC 7627.",
    sources=("RFC 7627", "NCSC-NL TLS 2025"),
)
def has_extended_master_secret(facts: TlsFacts) -> Verdict:
    seen = facts.versions.get(Version.TLS12)
    if seen is None or seen.support is Support.UNKNOWN:
        return Verdict.not_evaluated(f"TLS 1.2: {facts.reason(Version.TLS12)}")
    if seen.support is Support.REFUSED:
        return Verdict.not_applicable("TLS 1.2 is not accepted")
    if seen.extended_master_secret:
        return Verdict.passed("answers the extended_master_secret extension")
    return Verdict.failed("does not answer the extended_master_secret extension")


@check(
    "tls.extension.no_etm",
    rationale="CBC without encrypt-then-MAC can be broken by timing.",
    remediation="Switch CBC suites off, or update the TLS library: it lacks RFC 7366.",
    sources=("RFC 7366",),
)
def encrypts_then_macs(facts: TlsFacts) -> Verdict:
    cbc = _pool(facts, Pool.CBC)
    if cbc.support is not Support.ACCEPTED:
        return _refuses(facts, Pool.CBC, "CBC suites, which alone need it")
    if cbc.encrypt_then_mac:
        return Verdict.passed("answers the encrypt_then_mac extension")
    return Verdict.failed(
        f"does not answer the encrypt_then_mac extension with {cbc.suite}",
        evidence={"suite": cbc.suite},
    )


CHECKS: tuple[Check[TlsFacts], ...] = (
    refuses_null,
    refuses_anonymous,
    refuses_export,
    refuses_rc4,
    refuses_small_blocks,
    refuses_cbc,
    refuses_rsa_transport,
    has_a_strong_dh_group,
    refuses_dhe,
    has_a_post_quantum_group,
    does_not_compress,
    renegotiates_securely,
    has_extended_master_secret,
    encrypts_then_macs,
)
