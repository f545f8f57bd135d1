"""Certificates good and bad, made on the spot.

    authority = Authority.create("Lab Root")
    identity = authority.issue(["www.example.test", "127.0.0.1"], not_after=in_days(3))
    certificate_path, key_path = identity.write(directory)

A chain with an intermediate: ``authority.subordinate("Lab Intermediate").issue([...])``. What
``chain_pem`` holds is what a well-kept server sends: the leaf, then every intermediate.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Extension = tuple[x509.ExtensionType, bool]
"""An extension and whether it is critical."""

_LEAF_LIFETIME = timedelta(days=90)
_AUTHORITY_LIFETIME = timedelta(days=3650)


def in_days(days: float) -> datetime:
    """A moment so many days from now; negative is past."""
    return datetime.now(UTC) + timedelta(days=days)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """1024 is the weakest that ``cryptography`` still makes."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, its key, and the chain a server sends with it; all PEM."""

    certificate: x509.Certificate
    key: Key
    intermediates: tuple[x509.Certificate, ...] = ()

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def chain_pem(self) -> bytes:
        """The leaf, then the intermediates in order."""
        rest = (c.public_bytes(serialization.Encoding.PEM) for c in self.intermediates)
        return self.certificate_pem + b"".join(rest)

    def without_intermediates(self) -> "Identity":
        """The fault of a server that sends its leaf alone."""
        return replace(self, intermediates=())

    def write(self, directory: Path, name: str = "server") -> tuple[Path, Path]:
        """``NAME.pem`` with the chain and ``NAME.key``, as ``SSLContext.load_cert_chain`` wants."""
        directory.mkdir(parents=True, exist_ok=True)
        certificate_path, key_path = directory / f"{name}.pem", directory / f"{name}.key"
        certificate_path.write_bytes(self.chain_pem)
        key_path.touch(mode=0o600)
        key_path.write_bytes(self.key_pem)
        return certificate_path, key_path


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: a root, or what hangs below one."""

    certificate: x509.Certificate
    key: Key
    path: tuple[x509.Certificate, ...] = ()
    """What lies between a leaf of this authority and the root, nearest first; no root."""

    @classmethod
    def create(cls, common_name: str, *, key: Key | None = None) -> Self:
        """A self-signed root, valid for ten years."""
        own_key = key or ec_key()
        subject = _name(common_name)
        builder = _builder(
            subject=subject,
            issuer=subject,
            key=own_key,
            not_before=in_days(-1),
            not_after=in_days(0) + _AUTHORITY_LIFETIME,
        )
        builder = _with_authority_extensions(builder, own_key, own_key)
        return cls(builder.sign(own_key, _digest(own_key)), own_key)

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, directory: Path, name: str = "authority") -> Path:
        """The certificate alone, as ``NIS2_SCAN_CA_FILE`` wants it."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{name}.pem"
        path.write_bytes(self.certificate_pem)
        return path

    def subordinate(
        self,
        common_name: str,
        *,
        key: Key | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> "Authority":
        """An intermediate authority, signed by this one."""
        own_key = key or ec_key()
        builder = _builder(
            subject=_name(common_name),
            issuer=self.certificate.subject,
            key=own_key,
            not_before=not_before or in_days(-1),
            not_after=not_after or in_days(0) + _AUTHORITY_LIFETIME / 2,
        )
        builder = _with_authority_extensions(builder, own_key, self.key)
        certificate = builder.sign(self.key, _digest(self.key))
        return Authority(certificate, own_key, (certificate, *self.path))

    def issue(
        self,
        names: Iterable[str],
        *,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key: Key | None = None,
        common_name: str | None = None,
        extensions: Iterable[Extension] = (),
    ) -> Identity:
        """A server certificate for DNS names and addresses; valid from yesterday for 90 days.

        No names makes a certificate without subjectAltName, with ``common_name`` alone. Of
        ``extensions`` one of a kind that would be there anyway takes its place.
        """
        own_key = key or ec_key()
        wanted = tuple(names)
        builder = _builder(
            subject=_name(common_name or (wanted[0] if wanted else "lab")),
            issuer=self.certificate.subject,
            key=own_key,
            not_before=not_before or _default_start(not_after),
            not_after=not_after or in_days(0) + _LEAF_LIFETIME,
        )
        standard = (*_leaf_extensions(wanted, own_key), (_authority_key_id(self.key), False))
        builder = _with_extensions(builder, standard, tuple(extensions))
        return Identity(builder.sign(self.key, _digest(self.key)), own_key, self.path)


def self_signed(
    names: Iterable[str],
    *,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    key: Key | None = None,
) -> Identity:
    """A server certificate that vouches for itself."""
    own_key = key or ec_key()
    wanted = tuple(names)
    subject = _name(wanted[0] if wanted else "lab")
    builder = _builder(
        subject=subject,
        issuer=subject,
        key=own_key,
        not_before=not_before or _default_start(not_after),
        not_after=not_after or in_days(0) + _LEAF_LIFETIME,
    )
    builder = _with_extensions(builder, _leaf_extensions(wanted, own_key), ())
    return Identity(builder.sign(own_key, _digest(own_key)), own_key)


def expired(authority: Authority, names: Iterable[str], *, days: float = 10) -> Identity:
    """A certificate whose time ended ``days`` ago."""
    return authority.issue(names, not_before=in_days(-days - 90), not_after=in_days(-days))


def _default_start(not_after: datetime | None) -> datetime:
    """Yesterday, or 90 days before the end where that is earlier."""
    start = in_days(-1)
    return start if not_after is None else min(start, not_after - _LEAF_LIFETIME)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    key: Key,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def _with_authority_extensions(
    builder: x509.CertificateBuilder, own_key: Key, signing_key: Key
) -> x509.CertificateBuilder:
    usage = _key_usage(signs_certificates=True, encrypts=False)
    return _with_extensions(
        builder,
        (
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (usage, True),
            (x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), False),
            (_authority_key_id(signing_key), False),
        ),
        (),
    )


def _leaf_extensions(names: tuple[str, ...], key: Key) -> tuple[Extension, ...]:
    encrypts = isinstance(key, rsa.RSAPrivateKey)
    standard: tuple[Extension, ...] = (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(signs_certificates=False, encrypts=encrypts), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    )
    if not names:
        return standard
    return (*standard, (x509.SubjectAlternativeName([_general_name(n) for n in names]), False))


def _with_extensions(
    builder: x509.CertificateBuilder,
    standard: tuple[Extension, ...],
    chosen: tuple[Extension, ...],
) -> x509.CertificateBuilder:
    replaced = {extension.oid for extension, _ in chosen}
    for extension, critical in (*(e for e in standard if e[0].oid not in replaced), *chosen):
        builder = builder.add_extension(extension, critical=critical)
    return builder


def _authority_key_id(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_usage(*, signs_certificates: bool, encrypts: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=encrypts,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _digest(key: Key) -> hashes.SHA256 | None:
    """Ed25519 brings its own digest (RFC 8410)."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
