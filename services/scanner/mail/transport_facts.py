"""What was seen of a domain's mail servers: what they say, show and accept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.scanner.address import Address
from services.scanner.mail.dane import TlsaFacts
from services.scanner.mail.facts import MxFacts
from services.scanner.mail.mta_sts import StsPolicy
from services.scanner.tls.facts import CertificateFacts, Support, TrustFacts, TrustStatus
from services.scanner.tls.wire import Version


class SmtpState(StrEnum):
    """How far the conversation before TLS went."""

    READY = "ready"
    """STARTTLS was accepted."""
    NOT_OFFERED = "not_offered"
    """The server answered EHLO, and STARTTLS is not among its extensions."""
    REFUSED = "refused"
    """STARTTLS is offered, and turned down for good."""
    UNKNOWN = "unknown"
    """It could not be asked: nobody answered, or the server put us off."""


@dataclass(frozen=True, slots=True)
class SmtpTalk:
    """What a mail server said in clear."""

    state: SmtpState
    reason: str
    greeting: str = ""
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A chain as sent, and what a client makes of it."""

    sent: tuple[bytes, ...] = ()
    """DER, leaf first."""
    leaf: CertificateFacts | None = None
    trust: TrustFacts = field(
        default_factory=lambda: TrustFacts(TrustStatus.UNKNOWN, "no certificate was seen")
    )
    covers_name: bool = False
    problem: str = ""
    """Why there is no leaf; empty when there is one."""

    def fault(self, now: datetime) -> str:
        """Why a client that verifies would refuse it; "" where it would not.

        Only of use where there is a leaf. Mail servers and the clients of MTA-STS fetch no
        issuers, so that a chain which is not whole does not verify.
        """
        leaf = self.leaf
        if leaf is None:
            return self.problem
        if leaf.not_after < now:
            return f"it expired on {leaf.not_after:%Y-%m-%d}"
        if leaf.not_before > now:
            return f"it is not valid before {leaf.not_before:%Y-%m-%d}"
        if self.trust.status is TrustStatus.TRUSTED_AFTER_FETCH:
            return "an intermediate certificate is not sent"
        if not self.trust.is_trusted:
            return self.trust.reason
        return "" if self.covers_name else "it does not cover the name"


@dataclass(frozen=True, slots=True)
class MxServer:
    """One address of one mail server."""

    address: Address
    talk: SmtpTalk
    versions: Mapping[Version, Support] = field(default_factory=dict[Version, Support])
    certificate: ShownCertificate = field(default_factory=ShownCertificate)

    def support(self, version: Version) -> Support:
        return self.versions.get(version, Support.UNKNOWN)


@dataclass(frozen=True, slots=True)
class MxHost:
    """One mail server by its name."""

    name: str
    servers: tuple[MxServer, ...]
    tlsa: TlsaFacts
    reason: str = ""
    """Why no address of it was asked."""

    @property
    def answering(self) -> tuple[MxServer, ...]:
        """Addresses at which the conversation came to a result."""
        return tuple(s for s in self.servers if s.talk.state is not SmtpState.UNKNOWN)

    @property
    def silence(self) -> str:
        """Why nothing is known of it."""
        reasons = [f"{s.address}: {s.talk.reason}" for s in self.servers]
        return "; ".join(reasons) or self.reason or "it has no address"


class StsState(StrEnum):
    """What stands behind the policy's address."""

    NOT_ANNOUNCED = "not_announced"
    READ = "read"
    NOT_SERVED = "not_served"
    """The policy host gave an answer, and no sender could use it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StsFacts:
    """A domain's MTA-STS policy as a sender fetches it (RFC 8461 section 3.3)."""

    state: StsState
    reason: str = ""
    policy: StsPolicy | None = None
    record_errors: tuple[str, ...] = ()
    """What is wrong with the TXT record that announces it."""


@dataclass(frozen=True, slots=True)
class TransportFacts:
    name: str
    observed_at: datetime
    mx: MxFacts
    hosts: tuple[MxHost, ...] = ()
    """By preference; the first few of a long list."""
    sts: StsFacts = field(default_factory=lambda: StsFacts(StsState.NOT_ANNOUNCED))

    @property
    def is_verified_by_senders(self) -> bool:
        """Senders are told to verify certificates: by MTA-STS or by DANE."""
        return self.sts.policy is not None or any(host.tlsa.is_secure for host in self.hosts)
