"""Facts made by hand, good unless told otherwise."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from services.scanner.tls.facts import (
    CertificateFacts,
    KeyFacts,
    Support,
    TlsFacts,
    TlsSubject,
    TrustFacts,
    TrustStatus,
    VersionFacts,
)
from services.scanner.tls.wire import Version

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def a_certificate(**overrides: object) -> CertificateFacts:
    certificate = CertificateFacts(
        subject="CN=www.example.test",
        issuer="CN=Lab Intermediate",
        serial="1f",
        not_before=NOW - timedelta(days=30),
        not_after=NOW + timedelta(days=60),
        key=KeyFacts("EC", 256, curve="secp256r1"),
        signature="ecdsa-with-SHA256",
        signature_hash="sha256",
        fingerprint="leaf",
        is_self_issued=False,
        is_self_signed=False,
        has_names=True,
        dns_names=("www.example.test",),
    )
    return replace(certificate, **overrides)  # pyright: ignore[reportArgumentType]  # fields by name


def an_intermediate(**overrides: object) -> CertificateFacts:
    standard: dict[str, object] = {
        "subject": "CN=Lab Intermediate",
        "issuer": "CN=Lab Root",
        "fingerprint": "intermediate",
        "not_after": NOW + timedelta(days=1000),
        "dns_names": (),
        "has_names": False,
    }
    return a_certificate(**(standard | overrides))


def trusted() -> TrustFacts:
    return TrustFacts(TrustStatus.TRUSTED, "leads to CN=Lab Root", ("leaf", "intermediate", "root"))


def versions(**support: Support) -> Mapping[Version, VersionFacts]:
    """Versions by their names in the enum; what is not named is refused."""
    return {
        version: VersionFacts(version, found, f"the server {found}")
        for version in Version
        for found in (support.get(version.name, Support.REFUSED),)
    }


def some_facts(
    *chain: CertificateFacts,
    trust: TrustFacts | None = None,
    name: str | None = "www.example.test",
    **overrides: object,
) -> TlsFacts:
    facts = TlsFacts(
        observed_at=NOW,
        subject=TlsSubject(ip_address("127.0.0.1"), 443, name),
        versions=versions(TLS12=Support.ACCEPTED, TLS13=Support.ACCEPTED),
        chain=chain or (a_certificate(), an_intermediate()),
        trust=trust or trusted(),
    )
    return replace(facts, **overrides)  # pyright: ignore[reportArgumentType]  # fields by name
