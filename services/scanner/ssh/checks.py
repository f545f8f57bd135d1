"""SSH: protocol version and offered algorithms. Pure.

A client picks from the server's lists: what stands last in one is accepted all the same.
"""

import re
from collections.abc import Callable, Iterable

from services.scanner.check import Check, Severity, Verdict, check
from services.scanner.ssh.facts import Algorithms, SshFacts

_PROTOCOL_2 = (2, 0)
_BOTH_PROTOCOLS = (1, 99)
_BSI = "BSI TR-02102-4"

_WEAK_KEX = re.compile(
    r"diffie-hellman-group1-sha1|diffie-hellman-group14-sha1\b|diffie-hellman-group-exchange-sha1"
    r"|rsa1024-sha1|gss-(?:group1|group14|gex)-sha1-"
)
_DSA = re.compile(r"ssh-dss")
_RSA_SHA1 = re.compile(r"ssh-rsa(?:-cert-v0[01]@openssh\.com)?\Z")
_RSA_SHA2 = re.compile(r"rsa-sha2-(?:256|512)")
_BROKEN_CIPHER = re.compile(r"arcfour|3des-|des-cbc|blowfish-|cast128-|idea-|none\Z")
_CBC = re.compile(r".*-cbc\b")
_AEAD = re.compile(r"chacha20-poly1305|.*-gcm\b|AEAD_")
_WEAK_MAC = re.compile(r"hmac-md5|.*-96\b|umac-64|none\Z")
_SHA1_MAC = re.compile(r"hmac-sha1\b")
_POST_QUANTUM = re.compile(r"sntrup761|mlkem(?:512|768|1024)")
_CHACHA = "chacha20-poly1305@openssh.com"
_STRICT = "kex-strict-s-v00@openssh.com"

OfferJudge = Callable[[Algorithms], Verdict]


def _needs_offer(judge: OfferJudge) -> Callable[[SshFacts], Verdict]:
    """Not evaluated without a list of algorithms; else the judge gets it."""

    def judge_facts(facts: SshFacts) -> Verdict:
        if facts.algorithms is None:
            return Verdict.not_evaluated(facts.problem or "no list of algorithms was seen")
        return judge(facts.algorithms)

    return judge_facts


def _like(pattern: re.Pattern[str], names: Iterable[str]) -> list[str]:
    return [name for name in names if pattern.match(name)]


def _offers(kind: str, names: list[str], severity: Severity | None = None) -> Verdict:
    return Verdict.failed(
        f"offers {kind}: {', '.join(names)}", severity=severity, evidence={"offered": names}
    )


@check(
    "ssh.protocol.v1",
    rationale="Protocol 1 lets an attacker on the path insert commands into a session, and its"
    " ciphers are broken.",
    remediation="Set the server to protocol 2 only, or update it: current ones know no other.",
    sources=("RFC 4253 5.1", _BSI, "CVE-2001-0361"),
)
def speaks_protocol_2_only(facts: SshFacts) -> Verdict:
    evidence = {"identification": facts.identification}
    if facts.version >= _PROTOCOL_2:
        return Verdict.passed(f"the server speaks protocol 2 only: {facts.identification}")
    if facts.version == _BOTH_PROTOCOLS:
        return Verdict.failed(
            f"accepts protocol 1 beside protocol 2: {facts.identification}",
            severity=Severity.HIGH,
            evidence=evidence,
        )
    return Verdict.failed(f"speaks protocol 1: {facts.identification}", evidence=evidence)


@check(
    "ssh.kex.weak",
    rationale="Groups of 1024 bits are within reach of states, and SHA-1 no longer binds what was"
    " negotiated.",
    remediation="Offer mlkem768x25519-sha256, sntrup761x25519-sha512 and curve25519-sha256.",
    sources=("RFC 9142", _BSI, "NIST SP 800-131Ar2"),
)
@_needs_offer
def has_strong_key_exchange(offer: Algorithms) -> Verdict:
    weak = _like(_WEAK_KEX, offer.kex)
    if weak:
        return _offers("weak key exchange", weak)
    return Verdict.passed("every key exchange on offer is strong")


@check(
    "ssh.hostkey.weak",
    rationale="DSA keys have 1024 bits, and a signature over SHA-1 can be forged: clients cannot"
    " be sure which server they reach.",
    remediation="Use an Ed25519 host key, and rsa-sha2-512 for RSA.",
    sources=("RFC 8332", "RFC 9142", _BSI),
)
@_needs_offer
def has_a_strong_host_key(offer: Algorithms) -> Verdict:
    weak = _like(_DSA, offer.host_keys)
    # ssh-rsa beside rsa-sha2-* is the same key, and clients that can take the better signature.
    if not _like(_RSA_SHA2, offer.host_keys):
        weak += _like(_RSA_SHA1, offer.host_keys)
    if weak:
        return _offers("weak host keys", weak)
    return Verdict.passed("no host key is DSA or RSA with SHA-1 alone")


@check(
    "ssh.cipher.weak",
    rationale="RC4 and ciphers with 64-bit blocks give contents away; CBC in SSH lets an attacker"
    " recover a few bytes of each block.",
    remediation="Offer AES-GCM, AES-CTR and ChaCha20-Poly1305 only.",
    sources=("RFC 8758", "CVE-2008-5161", "CVE-2016-2183", _BSI),
)
@_needs_offer
def has_strong_ciphers(offer: Algorithms) -> Verdict:
    broken = _like(_BROKEN_CIPHER, offer.ciphers)
    if "none" in broken:
        return _offers("connections without encryption", broken, Severity.HIGH)
    if broken:
        return _offers("weak ciphers", broken)
    cbc = _like(_CBC, offer.ciphers)
    if cbc:
        return _offers("CBC ciphers", cbc, Severity.LOW)
    return Verdict.passed("every cipher on offer is strong")


@check(
    "ssh.mac.weak",
    rationale="Short or MD5-based authentication codes are easier to forge than the state of the"
    " art allows.",
    remediation="Offer hmac-sha2-256-etm@openssh.com and hmac-sha2-512-etm@openssh.com only.",
    sources=("RFC 6151", _BSI),
)
@_needs_offer
def has_strong_macs(offer: Algorithms) -> Verdict:
    if offer.ciphers and len(_like(_AEAD, offer.ciphers)) == len(offer.ciphers):
        return Verdict.not_applicable("every cipher on offer authenticates by itself")
    weak = _like(_WEAK_MAC, offer.macs)
    if weak:
        return _offers("weak authentication codes", weak)
    sha1 = _like(_SHA1_MAC, offer.macs)
    if sha1:
        return _offers("authentication codes with SHA-1", sha1, Severity.INFO)
    return Verdict.passed("every authentication code on offer is strong")


def _open_to_terrapin(offer: Algorithms) -> list[str]:
    """The modes whose sequence numbers an attacker can shift, of each direction."""
    found: list[str] = []
    for ciphers, macs in (
        (offer.ciphers_in, offer.macs_in),
        (offer.ciphers_out, offer.macs_out),
    ):
        etm = [mac for mac in macs if "-etm@" in mac]
        found += [cipher for cipher in ciphers if cipher == _CHACHA]
        if etm:
            found += [f"{cipher} with {etm[0]}" for cipher in _like(_CBC, ciphers)]
    return list(dict.fromkeys(found))


@check(
    "ssh.terrapin",
    rationale="An attacker on the path can cut off the first messages of a session and with them"
    " protections that the client asked for.",
    remediation="Update the SSH server: it lacks the strict key exchange.",
    sources=("CVE-2023-48795", "OpenSSH 9.6 release notes"),
)
@_needs_offer
def resists_terrapin(offer: Algorithms) -> Verdict:
    if _STRICT in offer.kex:
        return Verdict.passed("the server offers the strict key exchange")
    modes = _open_to_terrapin(offer)
    if not modes:
        return Verdict.passed("no mode on offer is open to the attack")
    message = f"offers {', '.join(modes)} without the strict key exchange"
    return Verdict.failed(message, evidence={"modes": modes})


@check(
    "ssh.kex.pqc_missing",
    rationale="What is recorded today can be read once a large quantum computer exists, unless"
    " the key exchange resists it.",
    remediation="Update the SSH server: OpenSSH has a hybrid key exchange since 8.5.",
    sources=("EU PQC roadmap (2025)", "OpenSSH 10.0 release notes"),
)
@_needs_offer
def has_a_post_quantum_key_exchange(offer: Algorithms) -> Verdict:
    found = _like(_POST_QUANTUM, offer.kex)
    if found:
        return Verdict.passed(f"offers {found[0]}")
    return Verdict.failed("offers no post-quantum key exchange", evidence={"kex": list(offer.kex)})


CHECKS: tuple[Check[SshFacts], ...] = (
    speaks_protocol_2_only,
    has_strong_key_exchange,
    has_a_strong_host_key,
    has_strong_ciphers,
    has_strong_macs,
    resists_terrapin,
    has_a_post_quantum_key_exchange,
)
