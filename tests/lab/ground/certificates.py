"""Certificates: dates, names, keys, hashes, paths, revocation. The TLS around them is good."""

import ssl
from collections.abc import Iterator
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from tests.lab.acceptor import in_tls, silent
from tests.lab.certificates import (
    Authority,
    Extension,
    Identity,
    expired,
    in_days,
    rsa_key,
    self_signed,
)
from tests.lab.lab import Lab
from tests.lab.truth import Case, ids
from tests.lab.web_server import Page

_DOMAIN = "cert.lab"
_BROKEN = ids(
    "tls.cert.expired tls.cert.not_yet_valid tls.cert.expiring_soon tls.cert.self_signed"
    " tls.cert.untrusted tls.cert.chain_incomplete tls.cert.hostname_mismatch tls.cert.no_san"
    " tls.cert.weak_key tls.cert.weak_signature tls.cert.validity_too_long tls.cert.revoked"
    " tls.cert.revocation_unknown tls.ocsp.no_staple tls.cert.ct_missing"
)


def cases(lab: Lab) -> Iterator[Case]:
    for name, identity, must in (*_dates(lab), *_names(lab), *_keys(lab), *_paths(lab)):
        yield _case(lab, name, identity, must)
    for name, identity, must in _revocation(lab):
        yield _case(lab, name, identity, must)
    yield from _by_address(lab)


def _case(lab: Lab, name: str, identity: Identity, must: str) -> Case:
    """The server of ``NAME.cert.lab``."""
    address = lab.address()
    lab.listen(address, 443, in_tls(_context(lab, identity), silent))
    lab.host(_DOMAIN, f"{name} A {address}")
    wanted = ids(must)
    return Case(f"cert-{name}", f"{name}.{_DOMAIN}", wanted, _BROKEN - wanted)


def _context(lab: Lab, identity: Identity) -> ssl.SSLContext:
    """Loads keys and hashes that OpenSSL refuses by default; offers nothing else that is weak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=0")
    context.load_cert_chain(*identity.write(lab.directory, lab.unique("cert")))
    # At this level OpenSSL would sign with SHA-1: TLS 1.3 alone never does.
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


Row = tuple[str, Identity, str]
"""The name below cert.lab, what is shown there, and what must be found."""


def _dates(lab: Lab) -> Iterator[Row]:
    issue = lab.intermediate.issue

    def row(name: str, must: str, start: float, end: float) -> Row:
        identity = issue([f"{name}.{_DOMAIN}"], not_before=in_days(start), not_after=in_days(end))
        return name, identity, must

    yield row("good", "", -10, 60)
    yield "expired", expired(lab.intermediate, [f"expired.{_DOMAIN}"]), "tls.cert.expired"
    yield (
        "expired-today",
        expired(lab.intermediate, [f"expired-today.{_DOMAIN}"], days=0.1),
        "tls.cert.expired",
    )
    yield row("not-yet", "tls.cert.not_yet_valid", 2, 60)
    yield row("soon", "tls.cert.expiring_soon", -80, 5)
    yield row("six-days", "", -2, 4)
    yield row("six-days-late", "tls.cert.expiring_soon", -5, 1)
    yield row("sixty-days", "", -40, 20)
    yield row("long", "tls.cert.validity_too_long", -10, 390)
    yield row("just-200-days", "", -10, 189.9)
    ended = lab.authority.subordinate(
        "Ended Intermediate", not_before=in_days(-400), not_after=in_days(-3)
    )
    identity = ended.issue([f"ended-above.{_DOMAIN}"])
    yield "ended-above", identity, "tls.cert.expired"


def _names(lab: Lab) -> Iterator[Row]:
    issue = lab.intermediate.issue
    yield "other-name", issue([f"somebody.{_DOMAIN}"]), "tls.cert.hostname_mismatch"
    yield "wildcard", issue([f"*.{_DOMAIN}"]), ""
    yield "deep.wildcard", issue([f"*.{_DOMAIN}"]), "tls.cert.hostname_mismatch"
    yield "upper-case", issue([f"UPPER-CASE.{_DOMAIN.upper()}"]), ""
    no_names = issue([], common_name=f"name-in-subject.{_DOMAIN}")
    yield "name-in-subject", no_names, "tls.cert.no_san tls.cert.hostname_mismatch"
    many = [f"n{number}.{_DOMAIN}" for number in range(99)]
    yield "last-of-many", issue([*many, f"last-of-many.{_DOMAIN}"]), ""


def _keys(lab: Lab) -> Iterator[Row]:
    issue = lab.intermediate.issue

    def named(name: str) -> list[str]:
        return [f"{name}.{_DOMAIN}"]

    yield "rsa-1024", issue(named("rsa-1024"), key=rsa_key(1024)), "tls.cert.weak_key"
    yield "rsa-2048", issue(named("rsa-2048"), key=rsa_key(2048)), ""
    yield "rsa-4096", issue(named("rsa-4096"), key=rsa_key(4096)), ""
    p384 = ec.generate_private_key(ec.SECP384R1())
    yield "p-384", issue(named("p-384"), key=p384), ""
    by_rsa = lab.authority.subordinate("NIS2 Gateway Lab RSA Intermediate", key=rsa_key(3072))
    for digest in ("sha1", "md5"):
        name = f"signed-{digest}"
        yield name, _signed_by_openssl(lab, by_rsa, name, digest), "tls.cert.weak_signature"
    root = _signed_root(lab, "sha1")
    identity = lab.intermediate.issue(named("sha1-root-at-the-end"))
    with_root = replace(identity, intermediates=(*identity.intermediates, root))
    yield "sha1-root-at-the-end", with_root, ""


def _paths(lab: Lab) -> Iterator[Row]:
    issue = lab.intermediate.issue

    def named(name: str) -> list[str]:
        return [f"{name}.{_DOMAIN}"]

    yield (
        "self-signed",
        self_signed(named("self-signed")),
        "tls.cert.self_signed tls.cert.untrusted",
    )
    stranger = Authority.create("Nobody Knows Root").subordinate("Nobody Knows Intermediate")
    yield "stranger", stranger.issue(named("stranger")), "tls.cert.untrusted"
    lab.files["/intermediate.der"] = Page(
        body=lab.intermediate.certificate.public_bytes(Encoding.DER)
    )
    fetched = issue(named("incomplete"), extensions=[_at("http://files.lab/intermediate.der")])
    yield "incomplete", fetched.without_intermediates(), "tls.cert.chain_incomplete"
    nowhere = issue(named("incomplete-without-aia")).without_intermediates()
    yield "incomplete-without-aia", nowhere, "tls.cert.untrusted"
    whole = issue(named("with-root"))
    with_root = replace(whole, intermediates=(*whole.intermediates, lab.authority.certificate))
    yield "with-root", with_root, ""
    second = lab.intermediate.subordinate("NIS2 Gateway Lab Second Intermediate")
    identity = second.issue(named("shuffled"))
    yield "shuffled", replace(identity, intermediates=identity.intermediates[::-1]), ""
    yield "two-intermediates", second.issue(named("two-intermediates")), ""
    other = Authority.create("Unrelated Root")
    ballast = issue(named("ballast"))
    extra = (*ballast.intermediates, other.certificate)
    yield "ballast", replace(ballast, intermediates=extra), ""


def _at(
    url: str, method: x509.ObjectIdentifier = AuthorityInformationAccessOID.CA_ISSUERS
) -> Extension:
    access = x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
    return x509.AuthorityInformationAccess([access]), False


def _crl_at(url: str) -> Extension:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point]), False


def _revocation(lab: Lab) -> Iterator[Row]:
    issuer = lab.intermediate
    crl_at = _crl_at("http://files.lab/lab.crl")
    revoked = issuer.issue([f"revoked.{_DOMAIN}"], extensions=[crl_at])
    yield "revoked", revoked, "tls.cert.revoked"
    yield "on-no-list", issuer.issue([f"on-no-list.{_DOMAIN}"], extensions=[crl_at]), ""
    lab.files["/lab.crl"] = Page(body=_crl(issuer, revoked))
    for name, status, must in (
        ("revoked-by-ocsp", ocsp.OCSPCertStatus.REVOKED, "tls.cert.revoked"),
        ("good-by-ocsp", ocsp.OCSPCertStatus.GOOD, ""),
    ):
        responder = _at(f"http://files.lab/{name}", AuthorityInformationAccessOID.OCSP)
        identity = issuer.issue([f"{name}.{_DOMAIN}"], extensions=[responder])
        lab.files[f"/{name}"] = Page(
            headers=(("Content-Type", "application/ocsp-response"),),
            body=_ocsp(identity, issuer, status),
        )
        yield name, identity, must
    stale = issuer.issue([f"stale-list.{_DOMAIN}"], extensions=[_crl_at("http://files.lab/old")])
    lab.files["/old"] = Page(body=_crl(issuer, stale, until=-1))
    yield "stale-list", stale, "tls.cert.revocation_unknown"
    gone = issuer.issue([f"no-list.{_DOMAIN}"], extensions=[_crl_at("http://files.lab/gone")])
    yield "no-list", gone, "tls.cert.revocation_unknown"
    forged = Authority.create("NIS2 Gateway Lab Intermediate")
    victim = issuer.issue([f"forged-list.{_DOMAIN}"], extensions=[_crl_at("http://files.lab/bad")])
    lab.files["/bad"] = Page(body=_crl(forged, victim))
    yield "forged-list", victim, "tls.cert.revocation_unknown"


def _crl(issuer: Authority, *revoked: Identity, until: float = 5) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(in_days(-3))
        .next_update(in_days(until))
    )
    for identity in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(identity.certificate.serial_number)
            .revocation_date(in_days(-1))
        )
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _ocsp(identity: Identity, issuer: Authority, status: ocsp.OCSPCertStatus) -> bytes:
    is_revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            identity.certificate,
            issuer.certificate,
            hashes.SHA1(),  # noqa: S303 - an identifier, not a signature
            status,
            in_days(-1),
            in_days(3),
            in_days(-1) if is_revoked else None,
            None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
    )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _signed_by_openssl(lab: Lab, by: Authority, name: str, digest: str) -> Identity:
    """``cryptography`` signs with nothing that is broken any more."""
    key = rsa_key(3072)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.{_DOMAIN}")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    files = {kind: lab.directory / f"{name}.{kind}" for kind in ("csr", "crt", "ca", "key", "ext")}
    files["csr"].write_bytes(request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    issuer = Identity(by.certificate, by.key)
    files["ca"].write_bytes(issuer.certificate_pem)
    files["key"].write_bytes(issuer.key_pem)
    files["ext"].write_text(f"subjectAltName=DNS:{name}.{_DOMAIN}\nextendedKeyUsage=serverAuth\n")
    lab.make(
        *("openssl", "x509", "-req", f"-{digest}", "-days", "60", "-in", str(files["csr"])),
        *("-CA", str(files["ca"]), "-CAkey", str(files["key"]), "-set_serial", "4711"),
        *("-extfile", str(files["ext"]), "-out", str(files["crt"])),
    )
    certificate = x509.load_pem_x509_certificate(files["crt"].read_bytes())
    return Identity(certificate, key, by.path)


def _signed_root(lab: Lab, digest: str) -> x509.Certificate:
    """The lab's root once more, self-signed with a broken hash: what old roots look like."""
    key, path = lab.directory / "root.key", lab.directory / "root.crt"
    root = Identity(lab.authority.certificate, lab.authority.key)
    key.write_bytes(root.key_pem)
    lab.make(
        *("openssl", "req", "-x509", "-new", f"-{digest}", "-key", str(key), "-days", "900"),
        *("-subj", "/CN=NIS2 Gateway Lab Root", "-out", str(path)),
    )
    return x509.load_pem_x509_certificate(path.read_bytes())


def _by_address(lab: Lab) -> Iterator[Case]:
    """Targets without a name: nothing is said of names."""
    address = lab.address()
    responder = _at("http://files.lab/good-by-ocsp", AuthorityInformationAccessOID.OCSP)
    identity = lab.intermediate.issue(["no-staple.cert.lab"], extensions=[responder])
    lab.listen(address, 443, in_tls(lab.context(identity), silent))
    must = ids("tls.ocsp.no_staple tls.cert.revocation_unknown")  # the answer is for another one
    yield Case("cert-no-staple", address, must, _BROKEN - must)
    for name, names in (("no-name", ["www.elsewhere.test"]), ("with-address", [])):
        address = lab.address()
        identity = lab.identity(*(names or [address]))
        lab.listen(address, 443, in_tls(lab.context(identity), silent))
        yield Case(f"cert-address-{name}", address, traps=_BROKEN)
