"""Trusted roots, and issuers that a server forgot to send (AIA caIssuers, RFC 5280 4.2.2.1)."""

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs7

from services.scanner.address import Address
from services.scanner.context import ProbeContext
from services.scanner.tls.certificates import (
    describe_certificate,
    load_certificate,
    load_pem_certificates,
    quiet,
)
from services.scanner.tls.facts import TrustFacts, TrustStatus
from services.scanner.tls.trust import Roots, Sent, assess, last_link
from services.scanner.tls.wire import CodecError

_MAX_FETCHES = 3
_MAX_ANSWER_BYTES = 64 * 1024
_MAX_ISSUERS = 10
_HTTP_PORT = 80


class FetchError(Exception):
    """An issuer's certificate could not be had. The message is fit for a report."""


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
        parts = _split(url)
        if parts is not None:
            return _parse_issuers(await _get(context, parts), url)
    return ()


def _split(url: str) -> SplitResult | None:
    """The parts of a plain http address; None for what is none (ldap, nonsense)."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme == "http" and parts.hostname and parts.port != 0
    except ValueError:
        return None
    is_clean = url.isascii() and url.isprintable() and " " not in url
    return parts if is_usable and is_clean else None


async def _get(context: ProbeContext, url: SplitResult) -> bytes:
    """The body of a 200 answer. HTTP/1.0, so that nothing comes in chunks. Raises FetchError."""
    options, host = context.options, url.hostname or ""
    address = await _address_of(context, host)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    request = (
        f"GET {path} HTTP/1.0\r\nHost: {url.netloc.rpartition('@')[2]}\r\n"
        f"User-Agent: {options.user_agent}\r\nAccept: */*\r\n\r\n"
    )
    answer = bytearray()
    try:
        connection = context.connector.open(
            address, url.port or _HTTP_PORT, timeout_s=options.connect_timeout_s
        )
        async with connection as (reader, writer), asyncio.timeout(options.exchange_timeout_s):
            writer.write(request.encode("latin-1", "replace"))
            while len(answer) <= _MAX_ANSWER_BYTES and (data := await reader.read(16 * 1024)):
                answer += data
    except TimeoutError:
        raise FetchError(f"{host} did not answer in time") from None
    except OSError as error:
        detail = os.strerror(error.errno).lower() if error.errno else str(error)
        raise FetchError(f"{host}: {detail}") from None
    return _body(bytes(answer), host)


async def _address_of(context: ProbeContext, host: str) -> Address:
    try:
        return ip_address(host)
    except ValueError:
        answer = await context.resolver.addresses(host)
    if not answer.addresses:
        raise FetchError(f"{host} has no address: {answer.reason}")
    return answer.addresses[0]


def _body(answer: bytes, host: str) -> bytes:
    head, separator, body = answer.partition(b"\r\n\r\n")
    status = head.split(b"\r\n", 1)[0].split(b" ")[1:2]
    if not separator or not head.startswith(b"HTTP/1.") or status != [b"200"]:
        shown = status[0].decode("ascii", "replace")[:20] if status else "nothing useful"
        raise FetchError(f"{host} answered {shown}")
    return body


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
