"""What the TLS probe saw at one endpoint: plain values, judged by the checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from services.scanner.address import Address
from services.scanner.dns.facts import CaaFacts
from services.scanner.tls.suites import Pool
from services.scanner.tls.wire import Version


@dataclass(frozen=True, slots=True)
class TlsSubject:
    """One TLS endpoint: where to connect, and the name to ask for (None for an address)."""

    address: Address
    port: int
    server_name: str | None


class Support(StrEnum):
    """Whether the server takes what it was offered. A time-out is never a refusal."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What came back to the hello of one version."""

    version: Version
    support: Support
    reason: str
    """What the server did, in words fit for a report."""
    suite: str | None = None
    """Of our offer, which is ordered best first."""
    group: str | None = None
    dh_prime_bits: int | None = None
    compression: int = 0
    secure_renegotiation: bool | None = None
    """RFC 5746; None in TLS 1.3, which has no renegotiation, and where nothing was accepted."""
    extended_master_secret: bool | None = None
    """RFC 7627; None as above."""
    encrypt_then_mac: bool | None = None
    """RFC 7366; None as above."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One connection, as evidence."""

    asked: str
    outcome: str
    elapsed_ms: int
    answer: str
    """The first bytes of the answer in hexadecimal."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A public key. ``bits`` is the modulus of RSA and DSA, the field size of a curve."""

    algorithm: str
    """``RSA``, ``EC``, ``DSA``, ``Ed25519``, ``Ed448`` or the dotted object identifier."""
    bits: int | None
    curve: str | None = None
    exponent: int | None = None


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One certificate of the chain, as far as it could be read."""

    subject: str
    issuer: str
    serial: str
    """Hexadecimal."""
    not_before: datetime
    not_after: datetime
    key: KeyFacts
    signature: str
    """The signature algorithm by name, such as ``sha256WithRSAEncryption``."""
    signature_hash: str | None
    """``md5``, ``sha1``, …; None where the algorithm has none (Ed25519) or is not known."""
    fingerprint: str
    """SHA-256 of the DER form, hexadecimal."""
    is_self_issued: bool
    is_self_signed: bool
    """Self-issued, and its own key verifies the signature."""
    has_names: bool | None
    """Whether a subjectAltName extension is there; None when the extensions cannot be read."""
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[Address, ...] = ()
    issuer_urls: tuple[str, ...] = ()
    """Where the issuer's certificate can be had (AIA caIssuers)."""
    ocsp_urls: tuple[str, ...] = ()
    """Where the issuer answers whether it was revoked (AIA OCSP)."""
    crl_urls: tuple[str, ...] = ()
    """Where the issuer's list of revoked certificates is."""
    must_staple: bool = False
    """RFC 7633: clients shall not go on without a staple."""
    timestamps: tuple[str, ...] = ()
    """The logs of the SCTs inside, as hexadecimal identifiers, each once."""
    issuer_organization: str = ""
    """The issuer's O; empty where its name has none."""

    @property
    def lifetime(self) -> timedelta:
        return self.not_after - self.not_before


class TrustStatus(StrEnum):
    """Whether the leaf leads to a root that we trust, whatever the dates say."""

    TRUSTED = "trusted"
    TRUSTED_AFTER_FETCH = "trusted_after_fetch"
    """Only with an issuer that the server did not send (AIA)."""
    SELF_SIGNED = "self_signed"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TrustFacts:
    """The path that was found, or why there is none."""

    status: TrustStatus
    reason: str
    path: tuple[str, ...] = ()
    """Fingerprints from the leaf to the root, both included."""
    is_public: bool = False
    """The root is one of Mozilla's, not only one of the operator's."""
    fetch_problem: str | None = None
    """Why the issuer named by AIA could not be had; None when it was not needed or was had."""

    @property
    def is_trusted(self) -> bool:
        return self.status in {TrustStatus.TRUSTED, TrustStatus.TRUSTED_AFTER_FETCH}


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """Whether the server takes a family of weak suites."""

    support: Support
    reason: str
    suite: str | None = None
    dh_prime_bits: int | None = None
    encrypt_then_mac: bool | None = None
    """RFC 7366, as answered with this suite; None where nothing was accepted."""
    group: str | None = None
    is_signed: bool = False
    """The key exchange named the algorithm of its signature, and it was among those offered."""


NOT_ASKED = PoolFacts(Support.UNKNOWN, "not asked")


class RevocationStatus(StrEnum):
    """What the issuer says about its certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    NOT_ASKED = "not_asked"
    """The issuer's key is not at hand, so that no answer could be verified."""
    NOT_NAMED = "not_named"
    """The certificate names neither a list nor a responder."""


@dataclass(frozen=True, slots=True)
class RevocationFacts:
    """Whether the leaf was withdrawn, and who said so."""

    status: RevocationStatus
    reason: str
    source: str = ""
    """``CRL``, ``OCSP`` or ``OCSP staple``."""
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """Everything the checks of this suite judge."""

    observed_at: datetime
    """The clock that dates are judged by; aware, UTC."""
    subject: TlsSubject
    versions: Mapping[Version, VersionFacts]
    chain: tuple[CertificateFacts, ...] = ()
    """As sent, leaf first; certificates that cannot be parsed are left out."""
    chain_problem: str = ""
    """Why ``chain`` is empty, or not the whole of what was sent."""
    fetched: tuple[CertificateFacts, ...] = ()
    """Issuers that were not sent and had to be fetched."""
    trust: TrustFacts = field(
        default_factory=lambda: TrustFacts(TrustStatus.UNKNOWN, "no certificate was seen")
    )
    pools: Mapping[Pool, PoolFacts] = field(default_factory=dict[Pool, PoolFacts])
    forward_secrecy: Support = Support.UNKNOWN
    """Whether any suite with forward secrecy is taken, TLS 1.3 counting as one."""
    aead: Support = Support.UNKNOWN
    """Whether any suite with an AEAD cipher is taken, TLS 1.3 counting as one."""
    post_quantum: Support = Support.UNKNOWN
    """Whether TLS 1.3 takes the group X25519MLKEM768."""
    reversed_choice: PoolFacts = NOT_ASKED
    """What the server takes when the best suites are offered last."""
    weak_curve: PoolFacts = NOT_ASKED
    sha1_signature: PoolFacts = NOT_ASKED
    """Whether it signs its key exchange with SHA-1 or MD5 when nothing else is offered."""
    is_staple_known: bool = False
    """A certificate came in a flight that would have had the staple in it."""
    has_staple: bool = False
    timestamps_sent: tuple[str, ...] = ()
    """The logs of the SCTs in the handshake or staple, as hexadecimal identifiers."""
    revocation: RevocationFacts = field(
        default_factory=lambda: RevocationFacts(RevocationStatus.NOT_ASKED, "not asked")
    )
    issued_for: str = ""
    """The name in the leaf that covers the one asked for, a wildcard as it stands there."""
    caa: CaaFacts | None = None
    """The CAA set of that name; None where there is no such name."""
    early_data_bytes: int | None = None
    """What TLS 1.3 tickets allow to be sent early; None where that is not known."""
    early_data_problem: str = "not asked"
    heartbleed: PoolFacts = NOT_ASKED
    """Accepted: memory came back, twice."""
    exchanges: tuple[Exchange, ...] = ()

    def support(self, version: Version) -> Support:
        fact = self.versions.get(version)
        return fact.support if fact else Support.UNKNOWN

    def reason(self, version: Version) -> str:
        fact = self.versions.get(version)
        return fact.reason if fact else "not asked"

    @property
    def accepted(self) -> tuple[Version, ...]:
        """Accepted versions, oldest first."""
        return tuple(v for v in Version if self.support(v) is Support.ACCEPTED)

    @property
    def connections(self) -> int:
        return len(self.exchanges)

    @property
    def leaf(self) -> CertificateFacts | None:
        return self.chain[0] if self.chain else None

    @property
    def needed(self) -> tuple[CertificateFacts, ...]:
        """The leaf and the intermediates of its path, without the root.

        With no path it is the leaf alone: what else was sent may be needed by nobody.
        """
        on_path = self.trust.path[1:-1]
        known = {c.fingerprint: c for c in (*self.chain, *self.fetched)}
        return (*self.chain[:1], *(known[f] for f in on_path if f in known))
