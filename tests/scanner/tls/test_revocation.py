"""Revocation against real CRLs and OCSP answers, served on loopback and signed by the lab."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from services.scanner.check import Endpoint, Outcome, Verdict
from services.scanner.context import ProbeContext
from services.scanner.tls import SUITE
from services.scanner.tls.facts import (
    RevocationStatus,
)
from services.scanner.tls.revocation import Pair, Unusable, read_crl, read_ocsp
from services.scanner.tls.wire import ContentType, Extension, HandshakeType, Version, vector
from tests.lab.certificates import Authority, Identity, in_days
from tests.lab.certificates import Extension as CertificateExtension
from tests.scanner.tls import servers
from tests.scanner.tls.conftest import NAME, at
from tests.scanner.tls.test_certificates import der
from tests.scanner.tls.test_issuers import serving_file

REVOKED, UNKNOWN = "tls.cert.revoked", "tls.cert.revocation_unknown"
GOOD_OCSP, REVOKED_OCSP = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED


def _crl_at(url: str) -> CertificateExtension:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point]), False


def _responder_at(url: str) -> CertificateExtension:
    location = x509.UniformResourceIdentifier(url)
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)
    return x509.AuthorityInformationAccess([access]), False


def _crl(
    authority: Authority,
    *serials: int,
    signer: Authority | None = None,
    until: datetime | None = None,
    scope: x509.IssuingDistributionPoint | None = None,
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(in_days(-2))
        .next_update(until or in_days(5))
    )
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(in_days(-1))
        builder = builder.add_revoked_certificate(entry.build())
    if scope is not None:
        builder = builder.add_extension(scope, critical=True)
    return builder.sign((signer or authority).key, hashes.SHA256()).public_bytes(Encoding.DER)


def _ocsp(
    leaf: Identity,
    authority: Authority,
    status: ocsp.OCSPCertStatus,
    *,
    signer: Identity | Authority | None = None,
    until: datetime | None = None,
) -> bytes:
    who = signer or authority
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            leaf.certificate,
            authority.certificate,
            hashes.SHA1(),  # noqa: S303 - an identifier, not a signature
            status,
            in_days(-1),
            until or in_days(3),
            in_days(-1) if status is REVOKED_OCSP else None,
            None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, who.certificate)
    )
    if who is not authority:
        builder = builder.certificates([who.certificate])
    return builder.sign(who.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _pair(leaf: Identity, authority: Authority) -> Pair:
    return Pair(leaf.certificate, authority.certificate, in_days(0))


async def _verdicts(
    context: ProbeContext, identity: Identity, directory: Path
) -> dict[str, Verdict]:
    server = servers.server_context(identity, directory, ciphers="ECDHE+AESGCM")
    with servers.serving_tls(server) as port:
        result = await SUITE.run(context, at(port), Endpoint(NAME, port, "tls"))
    return {r.check.id: r.verdict for r in result.results}


@pytest.mark.parametrize("is_revoked", [True, False])
async def test_a_list_tells_whether_a_certificate_is_revoked(
    context: ProbeContext, authority: Authority, tmp_path: Path, *, is_revoked: bool
) -> None:
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + bodies[0])
        await writer.drain()

    async with servers.serving(serve) as port:
        url = f"http://crl.example.test:{port}/lab.crl"
        identity = authority.issue([NAME], extensions=[_crl_at(url)])
        serial = identity.certificate.serial_number
        bodies.append(_crl(authority, serial if is_revoked else serial + 1))
        verdicts = await _verdicts(context, identity, tmp_path)

    assert verdicts[REVOKED].outcome is (Outcome.FAILED if is_revoked else Outcome.PASSED)
    assert verdicts[UNKNOWN].outcome is Outcome.PASSED


@pytest.mark.parametrize("status", [GOOD_OCSP, REVOKED_OCSP])
async def test_a_responder_is_asked_where_there_is_no_list(
    context: ProbeContext, authority: Authority, tmp_path: Path, status: ocsp.OCSPCertStatus
) -> None:
    bodies: list[bytes] = []
    asked: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        asked.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + bodies[0])
        await writer.drain()

    async with servers.serving(respond) as port:
        url = f"http://ocsp.example.test:{port}/"
        identity = authority.issue([NAME], extensions=[_responder_at(url)])
        bodies.append(_ocsp(identity, authority, status))
        verdicts = await _verdicts(context, identity, tmp_path)

    request = ocsp.load_der_ocsp_request(asked[0])
    assert request.serial_number == identity.certificate.serial_number
    is_revoked = status is REVOKED_OCSP
    assert verdicts[REVOKED].outcome is (Outcome.FAILED if is_revoked else Outcome.PASSED)
    # OpenSSL's server of the tests staples nothing.
    assert verdicts["tls.ocsp.no_staple"].outcome is Outcome.FAILED


async def test_without_an_answer_revocation_is_unknown_and_no_fault_is_proved(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    async with servers.serving(serving_file(b"<html>", "404 Not Found")) as port:
        urls = f"http://ca.example.test:{port}/"
        identity = authority.issue([NAME], extensions=[_crl_at(urls), _responder_at(urls)])
        verdicts = await _verdicts(context, identity, tmp_path)

    assert verdicts[REVOKED].outcome is Outcome.NOT_EVALUATED
    assert verdicts[UNKNOWN].outcome is Outcome.FAILED
    assert "answered 404" in verdicts[UNKNOWN].reason


async def test_a_list_at_a_forbidden_address_is_not_fetched(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    """SSRF-5: the certificate is a stranger's, and so are the addresses in it."""
    identity = authority.issue([NAME], extensions=[_crl_at("http://169.254.169.254/latest/")])

    verdicts = await _verdicts(context, identity, tmp_path)

    assert "never scanned" in verdicts[UNKNOWN].reason
    assert verdicts[REVOKED].outcome is Outcome.NOT_EVALUATED


def test_a_list_proves_something_only_when_the_issuer_signed_it_and_it_is_in_date(
    authority: Authority,
) -> None:
    leaf = authority.issue([NAME])
    pair, serial = _pair(leaf, authority), leaf.certificate.serial_number
    other = Authority.create("TLS Lab Root")
    for_authorities = x509.IssuingDistributionPoint(None, None, False, True, None, False, False)  # noqa: FBT003 - the library's own signature

    assert read_crl(_crl(authority, serial), pair).status is RevocationStatus.REVOKED
    assert read_crl(_crl(authority), pair).status is RevocationStatus.GOOD
    for body, said in (
        (_crl(authority, serial, signer=other), "not signed"),
        (_crl(Authority.create("Nobody"), serial), "another issuer"),
        (_crl(authority, until=in_days(-1)), "good until"),
        (_crl(authority, scope=for_authorities), "other certificates"),
        (b"no list", "cannot be read"),
    ):
        with pytest.raises(Unusable, match=said):
            read_crl(body, pair)


def test_an_ocsp_answer_proves_something_only_when_the_issuer_stands_behind_it(
    authority: Authority,
) -> None:
    leaf, other = authority.issue([NAME]), authority.issue([NAME])
    pair = _pair(leaf, authority)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    delegate = authority.issue(["ocsp.example.test"], extensions=[(usage, False)])

    good = read_ocsp(_ocsp(leaf, authority, GOOD_OCSP), pair, "OCSP")
    delegated = read_ocsp(_ocsp(leaf, authority, REVOKED_OCSP, signer=delegate), pair, "OCSP")

    assert good.status is RevocationStatus.GOOD
    assert delegated.status is RevocationStatus.REVOKED
    unauthorized = ocsp.OCSPResponseBuilder.build_unsuccessful(
        ocsp.OCSPResponseStatus.UNAUTHORIZED
    ).public_bytes(Encoding.DER)
    for body, said in (
        (_ocsp(leaf, authority, REVOKED_OCSP, signer=other), "not signed"),
        (_ocsp(other, authority, GOOD_OCSP), "another certificate"),
        (_ocsp(leaf, authority, GOOD_OCSP, until=in_days(-0.5)), "good until"),
        (_ocsp(leaf, authority, ocsp.OCSPCertStatus.UNKNOWN), "does not know"),
        (unauthorized, "unauthorized"),
        (b"no answer", "cannot be read"),
    ):
        with pytest.raises(Unusable, match=said):
            read_ocsp(body, pair, "OCSP")


def _stapling(authority: Authority, make: Callable[[Identity], bytes]) -> servers.Talk:
    location = _responder_at("http://169.254.169.254/")  # not reachable: the staple alone counts
    leaf = authority.issue([NAME], extensions=[location])
    staple = make(leaf)
    status = servers.message(HandshakeType.CERTIFICATE_STATUS, b"\1" + vector(3, staple))

    def choose(offer: servers.Offer) -> bytes:
        if offer.version != Version.TLS12:
            return servers.alert(70)
        body = servers.server_hello(
            Version.TLS12, 0x009C, extensions={Extension.STATUS_REQUEST: b""}
        )
        body += servers.certificates(der(leaf.certificate)) + status + servers.hello_done()
        return servers.record(ContentType.HANDSHAKE, body)

    return servers.answering(choose)


async def test_a_staple_is_read_out_of_the_handshake(
    context: ProbeContext, authority: Authority
) -> None:
    talk = _stapling(authority, lambda leaf: _ocsp(leaf, authority, REVOKED_OCSP))
    async with servers.serving(talk) as port:
        result = await SUITE.run(context, at(port), Endpoint(NAME, port, "tls"))

    verdicts = {r.check.id: r.verdict for r in result.results}
    assert verdicts["tls.ocsp.no_staple"].outcome is Outcome.PASSED
    assert verdicts[REVOKED].outcome is Outcome.FAILED
    assert "OCSP staple" in verdicts[REVOKED].reason
