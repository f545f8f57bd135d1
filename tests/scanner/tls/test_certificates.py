from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.tls.certificates import (
    describe_certificate,
    is_signed_by,
    load_certificate,
    load_pem_certificates,
    read_chain,
)
from services.scanner.tls.facts import KeyFacts
from services.scanner.tls.wire import CodecError
from tests.lab.certificates import Authority, rsa_key, self_signed

FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name: str) -> x509.Certificate:
    """Made by the openssl command line: ``cryptography`` refuses to sign such certificates."""
    return load_pem_certificates((FIXTURES / f"{name}.pem").read_bytes())[0]


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def test_a_certificate_is_described(authority: Authority) -> None:
    location = x509.UniformResourceIdentifier("http://ca.example.test/issuer.der")
    access = x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, location)]
    )
    identity = authority.issue(
        ["www.example.test", "127.0.0.1"], key=rsa_key(), extensions=[(access, False)]
    )

    facts = describe_certificate(load_certificate(der(identity.certificate)))

    assert facts.subject == "CN=www.example.test"
    assert facts.issuer == "CN=TLS Lab Root"
    assert facts.dns_names == ("www.example.test",)
    assert [str(address) for address in facts.ip_addresses] == ["127.0.0.1"]
    assert facts.key == KeyFacts("RSA", 2048, exponent=65537)
    assert (facts.signature, facts.signature_hash) == ("ecdsa-with-SHA256", "sha256")
    assert facts.issuer_urls == ("http://ca.example.test/issuer.der",)
    assert not facts.is_self_issued
    assert facts.lifetime.days in {90, 91}


@pytest.mark.parametrize(
    ("name", "hash_name", "key"),
    [
        ("rsa512_sha1", "sha1", KeyFacts("RSA", 512, exponent=65537)),
        ("md5", "md5", KeyFacts("RSA", 2048, exponent=65537)),
        ("secp160r1", "sha256", KeyFacts("EC", 160, curve="secp160r1")),
    ],
)
def test_what_the_library_only_half_accepts_is_described_all_the_same(
    name: str, hash_name: str, key: KeyFacts
) -> None:
    facts = describe_certificate(fixture(name))

    assert facts.signature_hash == hash_name
    assert facts.key == key


@pytest.mark.parametrize("name", ["rsa512_sha1", "md5"])
def test_weak_self_signatures_are_recognised(name: str) -> None:
    assert describe_certificate(fixture(name)).is_self_signed


def test_a_serial_of_zero_is_no_reason_for_a_warning() -> None:
    certificate = load_certificate(der(fixture("serial_zero")))

    assert describe_certificate(certificate).serial == "0"


def test_a_name_alone_makes_no_issuer(authority: Authority) -> None:
    impostor = Authority.create("TLS Lab Root")
    leaf = authority.issue(["www.example.test"]).certificate

    assert is_signed_by(leaf, authority.certificate)
    assert not is_signed_by(leaf, impostor.certificate)


def test_ed25519_and_missing_names_are_described() -> None:
    key = ed25519.Ed25519PrivateKey.generate()

    facts = describe_certificate(self_signed([], key=key).certificate)

    assert facts.key == KeyFacts("Ed25519", 256)
    assert facts.signature_hash is None
    assert facts.has_names is False
    assert facts.is_self_signed


def test_an_unreadable_leaf_leaves_no_chain(authority: Authority) -> None:
    chain, problem = read_chain((b"junk", der(authority.certificate)))

    assert chain == ()
    assert "cannot be parsed" in problem


def test_an_unreadable_intermediate_is_left_out(authority: Authority) -> None:
    leaf = authority.issue(["www.example.test"]).certificate

    chain, problem = read_chain((der(leaf), b"junk"))

    assert [certificate for certificate, _ in chain] == [leaf]
    assert "cannot be parsed" in problem


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_certificate_raises_nothing_but_codec_errors(position: int, value: int) -> None:
    damaged = bytearray(der(fixture("sha1_leaf")))
    damaged[position % len(damaged)] = value

    chain, problem = read_chain((bytes(damaged),))

    assert bool(chain) != bool(problem)


def test_junk_is_no_certificate() -> None:
    with pytest.raises(CodecError):
        load_certificate(b"")
