"""Trusted roots, and issuers that a server forgot to send (AIA caIssuers, RFC 5280 4.2.2.1)."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs7

from services.scanner.context import ProbeContext
from services.scanner.tls.certificates import (
    describe_certificate,
    fingerprint,
    is_signed_by,
    load_certificate,
    load_pem_certificates,
    quiet,
)
from services.scanner.tls.facts import TrustFacts, TrustStatus
from services.scanner.tls.fetching import FetchError, fetch, split_url
from services.scanner.tls.trust import Roots, Sent, assess, last_link
from services.scanner.tls.wire import CodecError

_MAX_FETCHES = 3
_MAX_ISSUERS = 10


async def load_roots(ca_file: Path | None) -> Roots:
    """Mozilla's roots and those of the operator's bundle. Raises OSError, ValueError."""
    mozilla = await asyncio.to_thread(Path(certifi.where()).read_bytes)
    extra = await asyncio.to_thread(ca_file.read_bytes) if ca_file else b""
    return _parse_roots(mozilla, extra)


@lru_cache(maxsize=4)
def _parse_roots(mozilla: bytes, extra: bytes) -> Roots:
    certificates = load_pem_certificates(mozilla)
    return Roots.of(certificates + (load_pem_certificates(extra) if extra else ()))


async def assess_with_fetching(
    context: ProbeContext, chain: tuple[x509.Certificate, ...], now: datetime
) -> tuple[TrustFacts, tuple[x509.Certificate, ...]]:
    """Trust of a chain; where the path breaks off, the issuers that AIA names are fetched.

    Gives back the fetched certificates as well.
    """
    trust, fetched = await _assess(context, chain, now)
    is_public = bool(trust.path) and trust.path[-1] in await asyncio.to_thread(_public_prints)
    return replace(trust, is_public=is_public), fetched


@lru_cache(maxsize=1)
def _public_prints() -> frozenset[str]:
    """The fingerprints of Mozilla's roots."""
    certificates = load_pem_certificates(Path(certifi.where()).read_bytes())
    return frozenset(fingerprint(certificate) for certificate in certificates)


async def find_issuer(
    context: ProbeContext, leaf: x509.Certificate, others: tuple[x509.Certificate, ...]
) -> x509.Certificate | None:
    """Who signed the leaf, of those at hand and the roots."""
    roots = await load_roots(context.options.ca_file)
    return next(
        (
            candidate
            for candidate in (*others, *roots.named(leaf.issuer))
            if candidate.subject == leaf.issuer and is_signed_by(leaf, candidate)
        ),
        None,
    )


async def _assess(
    context: ProbeContext, chain: tuple[x509.Certificate, ...], now: datetime
) -> tuple[TrustFacts, tuple[x509.Certificate, ...]]:
    roots = await load_roots(context.options.ca_file)
    sent = Sent(chain)
    trust = assess(sent, roots, now)
    for _ in range(_MAX_FETCHES):
        if trust.status is not TrustStatus.UNTRUSTED or trust.path:
            break
        try:
            issuers = await _fetch_issuers(context, last_link(sent))
        except FetchError as error:
            return replace(trust, fetch_problem=str(error)), sent.fetched
        if not issuers:
            break
        sent = Sent(chain, (*sent.fetched, *issuers))
        trust = assess(sent, roots, now)
    return trust, sent.fetched


async def _fetch_issuers(
    context: ProbeContext, certificate: x509.Certificate
) -> tuple[x509.Certificate, ...]:
    """What the first http address of AIA serves; empty when the certificate names none."""
    if certificate.subject == certificate.issuer:
        return ()
    try:
        urls = describe_certificate(certificate).issuer_urls
    except CodecError:
        return ()
    for url in urls:
        parts = split_url(url)
        if parts is not None:
            return _parse_issuers(await fetch(context, parts), url)
    return ()


def _parse_issuers(body: bytes, url: str) -> tuple[x509.Certificate, ...]:
    """DER, PEM or a PKCS #7 bundle: the three forms met in practice. Raises FetchError."""
    readers = (load_pem_certificates,) if b"-----BEGIN" in body else (_one_der, _pkcs7)
    for read in readers:
        with suppress(ValueError, CodecError, UnsupportedAlgorithm, x509.InvalidVersion), quiet():
            issuers = read(body)[:_MAX_ISSUERS]
            for issuer in issuers:
                describe_certificate(issuer)  # what cannot be read is of no use either
            return issuers
    raise FetchError(f"{url[:200]} serves no certificate")


def _one_der(body: bytes) -> tuple[x509.Certificate, ...]:
    return (load_certificate(body),)


def _pkcs7(body: bytes) -> tuple[x509.Certificate, ...]:
    return tuple(pkcs7.load_der_pkcs7_certificates(body))
