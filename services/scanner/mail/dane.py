"""DANE for mail (RFC 7672): does a TLSA record match the chain that a server sent? Pure."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.scanner.dns.facts import Security
from services.scanner.resolver import Lookup
from services.scanner.tls.certificates import describe_certificate, load_certificate
from services.scanner.tls.facts import TrustStatus
from services.scanner.tls.names import covers
from services.scanner.tls.trust import Roots, Sent, assess
from services.scanner.tls.wire import CodecError

TRUST_ANCHOR, END_ENTITY = 2, 3
_WHOLE_CERTIFICATE, _PUBLIC_KEY = 0, 1
_EXACT = 0
# RFC 6698 section 2.1.3.
_DIGESTS: Mapping[int, Callable[[bytes], bytes]] = {
    _EXACT: lambda data: data,
    1: lambda data: hashlib.sha256(data).digest(),
    2: lambda data: hashlib.sha512(data).digest(),
}


@dataclass(frozen=True, slots=True)
class TlsaRecord:
    """One TLSA record (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def is_usable(self) -> bool:
        """Mail servers ignore what asks for public authorities (RFC 7672 section 3.1.3)."""
        is_known = self.selector in {_WHOLE_CERTIFICATE, _PUBLIC_KEY} and self.matching in _DIGESTS
        return is_known and self.usage in {TRUST_ANCHOR, END_ENTITY} and bool(self.data)

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()[:128]}"


@dataclass(frozen=True, slots=True)
class TlsaFacts:
    """The TLSA records of one mail server, and whether they may be trusted."""

    owner: str
    lookup: Lookup
    records: tuple[TlsaRecord, ...] = ()
    security: Security = Security.INDETERMINATE
    """Of the records; without meaning where there are none."""
    reason: str = ""

    @property
    def is_absent(self) -> bool:
        return self.lookup in {Lookup.NODATA, Lookup.NXDOMAIN}

    @property
    def is_secure(self) -> bool:
        return bool(self.records) and self.security is Security.SECURE


@dataclass(frozen=True, slots=True)
class _Link:
    """A certificate as sent, parsed."""

    der: bytes
    certificate: x509.Certificate

    def selected(self, selector: int) -> bytes:
        if selector == _WHOLE_CERTIFICATE:
            return self.der
        try:
            key = self.certificate.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return b""
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def is_meant_by(self, record: TlsaRecord) -> bool:
        selected = self.selected(record.selector)
        return bool(selected) and _DIGESTS[record.matching](selected) == record.data


def why_no_match(
    records: tuple[TlsaRecord, ...], sent: tuple[bytes, ...], names: tuple[str, ...], now: datetime
) -> str:
    """Why no usable record matches the chain; "" where one does: one is enough.

    ``names`` are those a certificate below a trust anchor may be for (RFC 7672 section 3.2.3).
    """
    chain = _parsed(sent)
    if not chain:
        return "the certificate cannot be read"
    reasons = [_why_not(r, chain, names, now) for r in records if r.is_usable]
    return "" if "" in reasons else (reasons or ["no record is of a usage that mail knows"])[0]


def _why_not(
    record: TlsaRecord, chain: tuple[_Link, ...], names: tuple[str, ...], now: datetime
) -> str:
    if record.usage == END_ENTITY:  # dates and names do not count (RFC 7672 section 3.1.1)
        return "" if chain[0].is_meant_by(record) else "it is not the certificate or key sent"
    anchor = next((link for link in chain if link.is_meant_by(record)), None) or _carried(record)
    if anchor is None:
        return "no certificate of the chain is the trust anchor"
    return _why_anchor_fails(chain, anchor, names, now)


def _carried(record: TlsaRecord) -> _Link | None:
    """A trust anchor that is itself in the record need not be sent (RFC 7671 section 5.2.2)."""
    if (record.selector, record.matching) != (_WHOLE_CERTIFICATE, _EXACT):
        return None
    return next(iter(_parsed((record.data,))), None)


def _why_anchor_fails(
    chain: tuple[_Link, ...], anchor: _Link, names: tuple[str, ...], now: datetime
) -> str:
    leaf = chain[0].certificate
    certificates = tuple(link.certificate for link in chain)
    trust = assess(Sent(certificates), Roots.of((anchor.certificate,)), now)
    if trust.status is not TrustStatus.TRUSTED:
        return f"the chain does not lead to the trust anchor: {trust.reason}"
    try:
        presented = describe_certificate(leaf).dns_names
    except CodecError as error:
        return str(error)
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        return "the certificate below the trust anchor is out of date"
    if not any(covers(presented, name) for name in names):
        return "the certificate below the trust anchor is for another name"
    return ""


def _parsed(sent: tuple[bytes, ...]) -> tuple[_Link, ...]:
    """What can be read; nothing where the leaf cannot."""
    links: list[_Link] = []
    for der in sent:
        try:
            links.append(_Link(der, load_certificate(der)))
        except CodecError:
            if not links:
                return ()
    return tuple(links)
