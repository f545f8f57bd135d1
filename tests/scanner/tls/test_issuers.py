import asyncio
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import AuthorityInformationAccessOID

from services.scanner.check import Endpoint, Outcome
from services.scanner.context import ProbeContext
from services.scanner.tls import SUITE
from services.scanner.tls.issuers import load_roots
from tests.lab.certificates import Authority, Identity
from tests.scanner.tls import servers
from tests.scanner.tls.conftest import NAME, at
from tests.scanner.tls.test_certificates import der


def _naming_issuer(authority: Authority, url: str) -> Identity:
    """A leaf sent without the intermediate, which is to be had at ``url``."""
    location = x509.UniformResourceIdentifier(url)
    method = AuthorityInformationAccessOID.CA_ISSUERS
    access = x509.AuthorityInformationAccess([x509.AccessDescription(method, location)])
    return authority.issue([NAME], extensions=[(access, False)]).without_intermediates()


def serving_file(body: bytes, status: str = "200 OK") -> servers.Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.0 {status}\r\n\r\n".encode() + body)
        await writer.drain()

    return talk


async def _verdicts(
    context: ProbeContext, identity: Identity, directory: Path
) -> dict[str, tuple[Outcome, str]]:
    server = servers.server_context(identity, directory, ciphers="ECDHE+AESGCM")
    with servers.serving_tls(server) as port:
        result = await SUITE.run(context, at(port), Endpoint(NAME, port, "tls"))
    return {r.check.id: (r.verdict.outcome, r.verdict.reason) for r in result.results}


@pytest.mark.parametrize("form", ["DER", "PEM", "PKCS #7"])
async def test_an_intermediate_that_was_not_sent_is_fetched(
    context: ProbeContext, authority: Authority, tmp_path: Path, form: str
) -> None:
    intermediate = authority.subordinate("Forgotten")
    body = {
        "DER": der(intermediate.certificate),
        "PEM": intermediate.certificate_pem,
        "PKCS #7": pkcs7.serialize_certificates([intermediate.certificate], Encoding.DER),
    }[form]

    async with servers.serving(serving_file(body)) as ca_port:
        url = f"http://ca.example.test:{ca_port}/forgotten"
        verdicts = await _verdicts(context, _naming_issuer(intermediate, url), tmp_path)

    assert verdicts["tls.cert.chain_incomplete"][0] is Outcome.FAILED
    assert "CN=Forgotten" in verdicts["tls.cert.chain_incomplete"][1]
    assert verdicts["tls.cert.untrusted"][0] is Outcome.PASSED


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", "404 Not Found", "answered 404"),
        (b"<html>", "200 OK", "serves no certificate"),
        (b"", "301 Moved", "answered 301"),
    ],
)
async def test_an_issuer_that_cannot_be_had_is_said_to_be_so(
    context: ProbeContext, authority: Authority, tmp_path: Path, body: bytes, status: str, said: str
) -> None:
    intermediate = authority.subordinate("Forgotten")

    async with servers.serving(serving_file(body, status)) as ca_port:
        url = f"http://127.0.0.1:{ca_port}/forgotten"
        verdicts = await _verdicts(context, _naming_issuer(intermediate, url), tmp_path)

    assert verdicts["tls.cert.untrusted"][0] is Outcome.FAILED
    assert said in verdicts["tls.cert.untrusted"][1]
    assert verdicts["tls.cert.chain_incomplete"][0] is Outcome.NOT_EVALUATED
    assert said in verdicts["tls.cert.chain_incomplete"][1]


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/ca", "http://169.254.169.254/latest/meta-data", "ldap:///CN=CA"]
)
async def test_a_certificate_cannot_send_us_where_we_may_not_go(
    context: ProbeContext, authority: Authority, tmp_path: Path, url: str
) -> None:
    identity = _naming_issuer(authority.subordinate("Forgotten"), url)

    verdicts = await _verdicts(context, identity, tmp_path)

    assert verdicts["tls.cert.untrusted"][0] is Outcome.FAILED
    assert verdicts["tls.cert.chain_incomplete"][0] is Outcome.NOT_EVALUATED


async def test_an_endless_issuer_is_cut_off(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(16_000))
            await writer.drain()

    async with servers.serving(talk) as ca_port:
        identity = _naming_issuer(
            authority.subordinate("Forgotten"), f"http://127.0.0.1:{ca_port}/"
        )
        verdicts = await _verdicts(context, identity, tmp_path)

    assert "more than 64 KB" in verdicts["tls.cert.untrusted"][1]


async def test_the_roots_are_mozillas_and_the_operators(
    authority: Authority, tmp_path: Path
) -> None:
    public, both = await load_roots(None), await load_roots(authority.write(tmp_path))

    assert len(public.by_subject) > 50
    assert not public.named(authority.certificate.subject)
    assert both.named(authority.certificate.subject) == (authority.certificate,)


async def test_a_bundle_without_certificates_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing here")

    with pytest.raises(ValueError, match="PEM"):
        await load_roots(tmp_path / "empty.pem")
