"""Whether the issuer has withdrawn a certificate: its list first, then the staple, then OCSP.

Only what the issuer signed and what is in date counts. Sources: RFC 5280 5 and 6.3, RFC 6960.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.scanner.context import ProbeContext
from services.scanner.tls.certificates import is_signed_by, quiet, verify_signature
from services.scanner.tls.facts import CertificateFacts, RevocationFacts, RevocationStatus
from services.scanner.tls.fetching import LARGE_BYTES, FetchError, Post, fetch, split_url

_TOLERANCE = timedelta(minutes=5)
_MOST_ENTRIES = 200_000
_Status = RevocationStatus


class Unusable(Exception):
    """An answer that proves nothing. The message is fit for a report."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and the one that signed it."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    now: datetime


async def ask_revocation(
    context: ProbeContext, pair: Pair, leaf: CertificateFacts, staple: bytes | None
) -> RevocationFacts:
    """Good or revoked by the first source that proves it; else unknown with every reason."""
    if not (leaf.crl_urls or leaf.ocsp_urls or staple):
        return RevocationFacts(
            _Status.NOT_NAMED, "the certificate names neither a revocation list nor a responder"
        )
    problems: list[str] = []
    for source, find in (
        ("CRL", lambda: _by_list(context, pair, leaf.crl_urls)),
        ("OCSP staple", lambda: _by_staple(pair, staple)),
        ("OCSP", lambda: _by_responder(context, pair, leaf.ocsp_urls)),
    ):
        try:
            found = await find()
        except (FetchError, Unusable) as error:
            problems.append(f"{source}: {error}")
            continue
        if found is not None:
            return found
    return RevocationFacts(_Status.UNKNOWN, "; ".join(problems) or "no usable address")


async def _by_list(
    context: ProbeContext, pair: Pair, urls: Iterable[str]
) -> RevocationFacts | None:
    parts = next((parts for url in urls if (parts := split_url(url)) is not None), None)
    if parts is None:
        return None
    body = await fetch(context, parts, most_bytes=LARGE_BYTES)
    # Hundreds of thousands of entries take a while: not on the event loop.
    return await asyncio.to_thread(read_crl, body, pair)


def read_crl(body: bytes, pair: Pair) -> RevocationFacts:
    """What a list says about the certificate. Raises Unusable."""
    try:
        with quiet():
            is_pem = body.lstrip().startswith(b"-----BEGIN")
            load = x509.load_pem_x509_crl if is_pem else x509.load_der_x509_crl
            crl = load(body)
            return _read_crl(crl, pair)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise Unusable(f"the list cannot be read: {error}"[:200]) from None


def _read_crl(crl: x509.CertificateRevocationList, pair: Pair) -> RevocationFacts:
    key = pair.issuer.public_key()
    if crl.issuer != pair.issuer.subject:
        raise Unusable("the list is another issuer's")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) or not (
        crl.is_signature_valid(key)
    ):
        raise Unusable("the list is not signed by the issuer")
    _check_dates(crl.last_update_utc, crl.next_update_utc, pair.now)
    _check_scope(crl.extensions)
    if len(crl) > _MOST_ENTRIES:
        raise Unusable(f"the list has more than {_MOST_ENTRIES} entries")
    entry = crl.get_revoked_certificate_by_serial_number(pair.certificate.serial_number)
    if entry is None:
        return RevocationFacts(_Status.GOOD, "the issuer's list does not have it", "CRL")
    return _revoked("CRL", entry.revocation_date_utc)


def _check_scope(extensions: x509.Extensions) -> None:
    """RFC 5280 5.2: a critical extension that is not understood makes a list useless."""
    for extension in extensions:
        scope = extension.value
        if isinstance(scope, x509.IssuingDistributionPoint):
            others = (
                scope.only_contains_ca_certs,
                scope.only_contains_attribute_certs,
                scope.indirect_crl,
            )
            if any(others):
                raise Unusable("the list is about other certificates")
        elif extension.critical:
            raise Unusable("the list is one of a kind that is not understood")


def _revoked(source: str, when: datetime | None) -> RevocationFacts:
    day = f" on {when:%Y-%m-%d}" if when else ""
    return RevocationFacts(_Status.REVOKED, f"its issuer revoked it{day}", source, when)


def _check_dates(since: datetime, until: datetime | None, now: datetime) -> None:
    if since > now + _TOLERANCE:
        raise Unusable("the answer is not valid yet")
    if until is not None and until < now - _TOLERANCE:
        raise Unusable(f"the answer was good until {until:%Y-%m-%d %H:%M} UTC only")


async def _by_staple(pair: Pair, staple: bytes | None) -> RevocationFacts | None:
    return None if staple is None else read_ocsp(staple, pair, "OCSP staple")


async def _by_responder(
    context: ProbeContext, pair: Pair, urls: Iterable[str]
) -> RevocationFacts | None:
    parts = next((parts for url in urls if (parts := split_url(url)) is not None), None)
    if parts is None:
        return None
    try:
        # RFC 5019 2.1.1: responders need to know no other hash than SHA-1 for names.
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            pair.certificate,
            pair.issuer,
            hashes.SHA1(),  # noqa: S303 - an identifier, not a signature
        )
        request = builder.build().public_bytes(serialization.Encoding.DER)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unusable(f"no question can be made: {error}"[:200]) from None
    answer = await fetch(context, parts, post=Post("application/ocsp-request", request))
    return read_ocsp(answer, pair, "OCSP")


def read_ocsp(body: bytes, pair: Pair, source: str) -> RevocationFacts:
    """What a signed OCSP answer says about the certificate. Raises Unusable."""
    try:
        with quiet():
            answer = ocsp.load_der_ocsp_response(body)
            if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
                raise Unusable(f"the responder says {answer.response_status.name.lower()}")
            _check_signature(answer, pair)
            return _read_single(answer, pair, source)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise Unusable(f"the answer cannot be read: {error}"[:200]) from None


def _read_single(answer: ocsp.OCSPResponse, pair: Pair, source: str) -> RevocationFacts:
    for single in answer.responses:
        if single.serial_number != pair.certificate.serial_number:
            continue
        _check_dates(single.this_update_utc, single.next_update_utc, pair.now)
        match single.certificate_status:
            case ocsp.OCSPCertStatus.GOOD:
                return RevocationFacts(_Status.GOOD, "its issuer says that it is good", source)
            case ocsp.OCSPCertStatus.REVOKED:
                return _revoked(source, single.revocation_time_utc)
            case ocsp.OCSPCertStatus.UNKNOWN:
                raise Unusable("the responder does not know the certificate")
    raise Unusable("the answer is about another certificate")


def _check_signature(answer: ocsp.OCSPResponse, pair: Pair) -> None:
    """Signed by the issuer, or by whom it delegated to (RFC 6960 4.2.2.2)."""
    algorithm = answer.signature_hash_algorithm
    for signer in (pair.issuer, *answer.certificates[:5]):
        is_entitled = signer == pair.issuer or _may_answer(signer, pair)
        try:
            if is_entitled:
                verify_signature(
                    signer.public_key(), answer.signature, answer.tbs_response_bytes, algorithm
                )
                return
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            continue
    raise Unusable("the answer is not signed by the issuer")


def _may_answer(signer: x509.Certificate, pair: Pair) -> bool:
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    in_date = signer.not_valid_before_utc <= pair.now <= signer.not_valid_after_utc
    return (
        in_date and ExtendedKeyUsageOID.OCSP_SIGNING in usage and is_signed_by(signer, pair.issuer)
    )
