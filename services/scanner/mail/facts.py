"""What the mail probe saw of one domain. Everything in it comes out of DNS."""

from dataclasses import dataclass

from services.scanner.mail.dane import TlsaFacts
from services.scanner.mail.dmarc import DmarcFacts
from services.scanner.mail.spf import SpfFacts
from services.scanner.resolver import Lookup


@dataclass(frozen=True, slots=True)
class MxFacts:
    lookup: Lookup
    hosts: tuple[str, ...] = ()
    """By preference, the best first."""
    is_null: bool = False
    """The domain says that it takes no mail (RFC 7505)."""
    reason: str = ""

    @property
    def is_known(self) -> bool:
        return self.lookup in {Lookup.PRESENT, Lookup.NODATA, Lookup.NXDOMAIN}

    @property
    def takes_mail(self) -> bool:
        """A domain without MX but with an address might; senders' bounces hardly go there."""
        return bool(self.hosts) and not self.is_null


@dataclass(frozen=True, slots=True)
class TextFacts:
    """Records of one version at one name."""

    lookup: Lookup
    texts: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_known(self) -> bool:
        return self.lookup in {Lookup.PRESENT, Lookup.NODATA, Lookup.NXDOMAIN}


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One published key. ``bits`` is None for kinds of one size (Ed25519) and unreadable ones."""

    selector: str
    kind: str
    bits: int | None
    is_revoked: bool = False
    is_testing: bool = False


@dataclass(frozen=True, slots=True)
class DkimFacts:
    """Selectors cannot be listed: only common names are tried."""

    below: Lookup
    """Of ``_domainkey.<domain>``: NODATA proves that something exists below it (RFC 8020)."""
    keys: tuple[DkimKey, ...] = ()
    reason: str = ""
    """Why some selectors could not be looked up."""


@dataclass(frozen=True, slots=True)
class MailFacts:
    name: str
    is_apex: bool
    """The name is its own zone, not a host inside one."""
    mx: MxFacts
    spf: SpfFacts
    dmarc: DmarcFacts
    dkim: DkimFacts
    mta_sts: TextFacts
    tls_rpt: TextFacts
    tlsa: tuple[TlsaFacts, ...] = ()
    """One for each of the mail servers that were asked about, by preference."""
