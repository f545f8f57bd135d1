"""Certificates from DER to facts, also those that the library only half accepts."""

import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from services.scanner.address import Address
from services.scanner.text import clean
from services.scanner.tls.extensions import crl_urls, must_staple, timestamp_logs
from services.scanner.tls.facts import CertificateFacts, KeyFacts
from services.scanner.tls.wire import CodecError

# Curves the library does not load, by the DER of their object identifier, with the field size.
_UNLOADABLE_CURVES = {
    bytes.fromhex("06052b81040008"): ("secp160r1", 160),
    bytes.fromhex("06052b81040009"): ("secp160k1", 160),
    bytes.fromhex("06052b8104001e"): ("secp160r2", 160),
    bytes.fromhex("06052b8104001f"): ("secp192k1", 192),
    bytes.fromhex("06052b81040020"): ("secp224k1", 224),
    bytes.fromhex("06052b81040006"): ("secp112r1", 112),
    bytes.fromhex("06052b8104001c"): ("secp128r1", 128),
}
_EC_KEY = "1.2.840.10045.2.1"
_EDWARDS_KEYS = {
    "1.3.101.112": KeyFacts("Ed25519", 256),
    "1.3.101.113": KeyFacts("Ed448", 448),
}

# By object identifier, for the library refuses to name the hash of algorithms it has dropped.
_SIGNATURE_HASHES = {
    "1.2.840.113549.1.1.2": "md2",
    "1.2.840.113549.1.1.3": "md4",
    "1.2.840.113549.1.1.4": "md5",
    "1.3.14.3.2.3": "md5",
    "1.2.840.113549.1.1.5": "sha1",
    "1.3.14.3.2.29": "sha1",
    "1.2.840.10040.4.3": "sha1",
    "1.2.840.10045.4.1": "sha1",
}


@contextmanager
def quiet() -> Generator[None]:
    """Oddities such as a serial number of zero are a matter for the CA, not for our log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


def load_certificate(der: bytes) -> x509.Certificate:
    """Raises CodecError for what is no certificate."""
    try:
        with quiet():
            return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion) as error:
        raise CodecError(f"a certificate cannot be parsed: {error}"[:200]) from None


def load_pem_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Every certificate of a bundle. Raises ValueError, also when there is none."""
    try:
        with quiet():
            return tuple(x509.load_pem_x509_certificates(pem))
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from None


def describe_certificate(certificate: x509.Certificate) -> CertificateFacts:
    """The facts of one certificate. Raises CodecError when even its frame cannot be read."""
    try:
        with quiet():
            return _describe(certificate)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: odd names
        raise CodecError(f"a certificate cannot be read: {error}"[:200]) from None


def _describe(certificate: x509.Certificate) -> CertificateFacts:
    extensions = _extensions(certificate)
    names = _names(extensions)
    is_self_issued = certificate.subject == certificate.issuer
    return CertificateFacts(
        subject=_printable(certificate.subject),
        issuer=_printable(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=_key(certificate),
        signature=_signature_name(certificate),
        signature_hash=_signature_hash(certificate),
        fingerprint=fingerprint(certificate),
        is_self_issued=is_self_issued,
        is_self_signed=is_self_issued and is_signed_by(certificate, certificate),
        has_names=None if extensions is None else names is not None,
        dns_names=tuple(names.get_values_for_type(x509.DNSName)) if names else (),
        ip_addresses=_addresses(names),
        issuer_urls=_access_urls(extensions, AuthorityInformationAccessOID.CA_ISSUERS),
        ocsp_urls=_access_urls(extensions, AuthorityInformationAccessOID.OCSP),
        crl_urls=crl_urls(extensions),
        must_staple=must_staple(extensions),
        timestamps=timestamp_logs(extensions),
        issuer_organization=_organization(certificate.issuer),
    )


def _organization(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return clean(str(found[0].value), 200) if found else ""


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER form, hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


@lru_cache(maxsize=512)
def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key verifies the signature, weak hashes included.

    False as well where the key or the algorithm is one that the library cannot compute. Cached:
    a hostile chain asks the same pair again and again, and so do all customers of one CA.
    """
    # verify_directly_issued_by refuses MD5 and SHA-1; whether a path exists and whether its
    # hashes are good are two questions with a check each.
    try:
        key = issuer.public_key()
        _verify(key, certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _verify(key: CertificatePublicKeyTypes, certificate: x509.Certificate) -> None:
    algorithm = None
    if not isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        algorithm = _hash(certificate)
    parameters = certificate.signature_algorithm_parameters
    verify_signature(
        key,
        certificate.signature,
        certificate.tbs_certificate_bytes,
        algorithm,
        parameters if isinstance(parameters, padding.PSS) else None,
    )


def verify_signature(
    key: CertificatePublicKeyTypes,
    signature: bytes,
    signed: bytes,
    algorithm: hashes.HashAlgorithm | None,
    scheme: padding.PSS | None = None,
) -> None:
    """Raises InvalidSignature, UnsupportedAlgorithm, ValueError. ``scheme`` None is PKCS #1 1.5."""
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        key.verify(signature, signed)
        return
    if algorithm is None:
        raise UnsupportedAlgorithm("the signature names no hash")
    match key:
        case rsa.RSAPublicKey():
            key.verify(signature, signed, scheme or padding.PKCS1v15(), algorithm)
        case ec.EllipticCurvePublicKey():
            key.verify(signature, signed, ec.ECDSA(algorithm))
        case dsa.DSAPublicKey():
            key.verify(signature, signed, algorithm)
        case _:
            raise UnsupportedAlgorithm("this key signs no certificates")


def _hash(certificate: x509.Certificate) -> hashes.HashAlgorithm:
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        raise UnsupportedAlgorithm("the signature names no hash")
    return algorithm


def _printable(name: x509.Name) -> str:
    return name.rfc4514_string() or "(empty)"


def _extensions(certificate: x509.Certificate) -> x509.Extensions | None:
    try:
        return certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _names(extensions: x509.Extensions | None) -> x509.SubjectAlternativeName | None:
    if extensions is None:
        return None
    try:
        return extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _addresses(names: x509.SubjectAlternativeName | None) -> tuple[Address, ...]:
    values = names.get_values_for_type(x509.IPAddress) if names else []
    return tuple(value for value in values if isinstance(value, IPv4Address | IPv6Address))


def _access_urls(
    extensions: x509.Extensions | None, method: x509.ObjectIdentifier
) -> tuple[str, ...]:
    if extensions is None:
        return ()
    with suppress(x509.ExtensionNotFound):
        access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        return tuple(
            entry.access_location.value
            for entry in access
            if entry.access_method == method
            and isinstance(entry.access_location, x509.UniformResourceIdentifier)
        )
    return ()


def _signature_name(certificate: x509.Certificate) -> str:
    oid = certificate.signature_algorithm_oid
    # The library's own table of names has no public accessor but this one.
    name = str(getattr(oid, "_name", ""))
    return name if name and name != "Unknown OID" else oid.dotted_string


def _signature_hash(certificate: x509.Certificate) -> str | None:
    known = _SIGNATURE_HASHES.get(certificate.signature_algorithm_oid.dotted_string)
    if known is not None:
        return known
    try:
        algorithm = certificate.signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        return None
    return algorithm.name if algorithm else None


def _key(certificate: x509.Certificate) -> KeyFacts:
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return _unloadable_key(certificate)
    match key:
        case rsa.RSAPublicKey():
            return KeyFacts("RSA", key.key_size, exponent=key.public_numbers().e)
        case ec.EllipticCurvePublicKey():
            return KeyFacts("EC", key.key_size, curve=key.curve.name)
        case dsa.DSAPublicKey():
            return KeyFacts("DSA", key.key_size)
        case _:
            algorithm = certificate.public_key_algorithm_oid.dotted_string
            return _EDWARDS_KEYS.get(algorithm, KeyFacts(algorithm, None))


def _unloadable_key(certificate: x509.Certificate) -> KeyFacts:
    algorithm = certificate.public_key_algorithm_oid.dotted_string
    if algorithm != _EC_KEY:
        return KeyFacts(algorithm, None)
    signed = certificate.tbs_certificate_bytes
    for oid, (curve, bits) in _UNLOADABLE_CURVES.items():
        if oid in signed:
            return KeyFacts("EC", bits, curve=curve)
    return KeyFacts("EC", None)


def read_chain(
    sent: tuple[bytes, ...],
) -> tuple[tuple[tuple[x509.Certificate, CertificateFacts], ...], str]:
    """What can be read of a chain, and the problem with the rest (empty when all is well).

    Without a readable leaf it is empty: the others mean nothing alone.
    """
    chain: list[tuple[x509.Certificate, CertificateFacts]] = []
    problem = ""
    for position, der in enumerate(sent):
        try:
            certificate = load_certificate(der)
            chain.append((certificate, describe_certificate(certificate)))
        except CodecError as error:
            problem = str(error)
            if position == 0:
                break
    return tuple(chain), problem
