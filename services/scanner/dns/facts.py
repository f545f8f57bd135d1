"""What the DNS probe saw of one domain."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from services.scanner.address import Address
from services.scanner.resolver import Lookup


class Security(StrEnum):
    """The four states of RFC 4033 section 5."""

    SECURE = "secure"
    INSECURE = "insecure"
    """Proved: the chain ends on purpose."""
    BOGUS = "bogus"
    INDETERMINATE = "indeterminate"
    """The answers needed could not be had."""


class ChainFault(StrEnum):
    """Where the chain of trust breaks."""

    DS_MISMATCH = "ds_mismatch"
    SIGNATURE_EXPIRED = "signature_expired"
    SIGNATURE_NOT_YET_VALID = "signature_not_yet_valid"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNATURE_MISSING = "signature_missing"
    DENIAL_MISSING = "denial_missing"
    """The parent has no DS and does not prove it."""


@dataclass(frozen=True, slots=True)
class KeyFact:
    """One DNSKEY. ``bits`` is the modulus of an RSA key, None for other kinds."""

    tag: int
    algorithm: int
    bits: int | None
    is_entry_point: bool


@dataclass(frozen=True, slots=True)
class DsFact:
    tag: int
    algorithm: int
    digest_type: int
    is_matched: bool
    """A key of the zone has this digest."""


@dataclass(frozen=True, slots=True)
class DnssecFacts:
    """The chain from the root's anchor down to the zone, checked by ourselves."""

    security: Security
    reason: str
    zone: str
    broken_at: str = ""
    """The zone where the chain ends, where it does not reach the data."""
    fault: ChainFault | None = None
    keys: tuple[KeyFact, ...] = ()
    is_signed: bool = False
    """The zone publishes keys with a signature, whether or not anybody can trust them."""
    ds: tuple[DsFact, ...] = ()
    signed_since: datetime | None = None
    signed_until: datetime | None = None
    """The first of the zone's signatures to expire, and since when it is valid."""
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """One kind of record at one name, as text."""

    lookup: Lookup
    values: tuple[str, ...] = ()
    reason: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        return self.lookup in {Lookup.PRESENT, Lookup.NODATA, Lookup.NXDOMAIN}


@dataclass(frozen=True, slots=True)
class CaaRecord:
    flags: int
    tag: str
    value: str


@dataclass(frozen=True, slots=True)
class CaaFacts:
    """The nearest CAA set, climbing from the name (RFC 8659 section 3)."""

    lookup: Lookup
    found_at: str = ""
    records: tuple[CaaRecord, ...] = ()
    reason: str = ""


class ServerState(StrEnum):
    """What one address of a name server said when asked for the zone's SOA."""

    SERVES = "serves"
    REFUSES = "refuses"
    NOT_AUTHORITATIVE = "not_authoritative"
    SILENT = "silent"
    NOT_ASKED = "not_asked"
    """The address may not be probed."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """One address of one name server."""

    address: Address
    state: ServerState
    reason: str = ""
    is_transfer_open: bool | None = None
    """None: could not be tried."""
    transfer_records: int = 0


@dataclass(frozen=True, slots=True)
class NameServer:
    name: str
    addresses: tuple[Address, ...]
    reason: str = ""
    """Why it has no address."""
    is_known: bool = True
    """False: its addresses could not be looked up."""


class Claim(StrEnum):
    """What stands between a stranger and the name at the end of the chain."""

    OPEN = "open"
    """A provider gives it to whoever asks first."""
    UNREGISTERED = "unregistered"
    """Nobody has registered the domain: anybody can."""
    VERIFIED = "verified"
    """A provider asks for proof of the domain."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AliasFacts:
    """The CNAME chain of a name."""

    lookup: Lookup
    """Of the addresses at its end."""
    chain: tuple[str, ...] = ()
    """Without the name asked for; empty where it is no alias."""
    reason: str = ""
    claim: Claim = Claim.UNKNOWN
    """Where the chain ends in nothing."""
    provider: str = ""
    """The suffix that is known, or the domain that nobody has."""


@dataclass(frozen=True, slots=True)
class DelegationFacts:
    """The name servers in the parent zone; empty where it could not be asked."""

    parent: str = ""
    name_servers: tuple[str, ...] = ()
    reason: str = ""


class DenialKind(StrEnum):
    NSEC = "nsec"
    """Names its neighbours, one after the other: the zone can be read whole."""
    MINIMAL = "minimal"
    """NSEC made up on the spot (RFC 4470, RFC 9824)."""
    NSEC3 = "nsec3"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DenialFacts:
    kind: DenialKind | None = None
    """None: not asked, or not known."""
    neighbours: tuple[str, ...] = ()
    """Two names that the zone told, asked for a third."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    address: Address
    is_open: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ipv6Facts:
    """Connections to one port over both families."""

    ipv6: tuple[Attempt, ...] = ()
    ipv4: tuple[Attempt, ...] = ()
    scanner_has_ipv6: bool | None = None
    """By a self-test; None where there was no need for one."""
    port: int = 443


@dataclass(frozen=True, slots=True)
class DnsFacts:
    """All of it. ``name`` is what was asked for, ``zone`` the zone that holds it."""

    name: str
    zone: str
    a: Records
    aaaa: Records
    mx: Records
    ns: Records
    name_servers: tuple[NameServer, ...]
    caa: CaaFacts
    dnssec: DnssecFacts
    servers: tuple[ServerFacts, ...] = ()
    alias: AliasFacts = field(default_factory=lambda: AliasFacts(Lookup.NODATA))
    ipv6: Ipv6Facts = field(default_factory=Ipv6Facts)
    denial: DenialFacts = field(default_factory=DenialFacts)
    delegation: DelegationFacts = field(default_factory=DelegationFacts)
