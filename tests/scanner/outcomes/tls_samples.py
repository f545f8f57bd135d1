"""TLS and certificates."""

from dataclasses import replace
from datetime import timedelta

from services.scanner.tls.absence import AbsenceFacts
from services.scanner.tls.facts import (
    KeyFacts,
    PoolFacts,
    RevocationFacts,
    RevocationStatus,
    Support,
    TlsFacts,
    TrustFacts,
    TrustStatus,
)
from services.scanner.tls.suites import Pool
from services.scanner.tls.wire import Version
from tests.scanner.outcomes.samples import Sample, Samples
from tests.scanner.tls.factories import (
    NOW,
    a_certificate,
    an_intermediate,
    some_facts,
    trusted,
    versions,
)
from tests.scanner.tls.test_caa import caa

YES, NO, UNKNOWN = Support.ACCEPTED, Support.REFUSED, Support.UNKNOWN
GOOD = some_facts()
NO_CERTIFICATE = replace(GOOD, chain=(), chain_problem="the server sent none")
NOTHING_ACCEPTED = some_facts(versions=versions())
PUBLIC = replace(trusted(), is_public=True)


def _accepting(**support: Support) -> TlsFacts:
    return some_facts(versions=versions(**({"TLS12": YES, "TLS13": YES} | support)))


def _tls12(**fields: object) -> TlsFacts:
    """Facts whose TLS 1.2 hello told this."""
    known = dict(versions(TLS12=YES, TLS13=YES))
    known[Version.TLS12] = replace(known[Version.TLS12], **fields)  # pyright: ignore[reportArgumentType]  # fields by name
    return some_facts(versions=known)


def _old_version(name: str) -> Sample:
    return Sample(GOOD, _accepting(**{name: YES}), _accepting(**{name: UNKNOWN}))


def _with_pool(pool: Pool, support: Support, **fields: object) -> TlsFacts:
    found = PoolFacts(support, f"the server {support}", "TLS_SUITE")
    return some_facts(pools={pool: replace(found, **fields)})  # pyright: ignore[reportArgumentType]  # fields by name


def _pool(pool: Pool) -> Sample:
    return Sample(_with_pool(pool, NO), _with_pool(pool, YES), _with_pool(pool, UNKNOWN))


def _answered(name: str, **fields: object) -> Sample:
    """One question with an answer of its own."""
    accepted = replace(PoolFacts(YES, "taken", "TLS_SUITE"), **fields)  # pyright: ignore[reportArgumentType]  # fields by name
    refused = PoolFacts(NO, "refused")
    return Sample(_asked(name, refused), _asked(name, accepted), GOOD)


def _asked(name: str, found: PoolFacts) -> TlsFacts:
    return replace(GOOD, **{name: found})  # pyright: ignore[reportArgumentType]  # fields by name


def _leaf(**fields: object) -> TlsFacts:
    return some_facts(a_certificate(**fields), an_intermediate())


def _revocation(status: RevocationStatus) -> TlsFacts:
    return some_facts(revocation=RevocationFacts(status, "so the list says", "CRL"))


def _stapling(*, known: bool, staple: bool) -> TlsFacts:
    leaf = a_certificate(ocsp_urls=("http://ocsp.test/",))
    return some_facts(leaf, is_staple_known=known, has_staple=staple)


def _logged(*logs: str, known: bool) -> TlsFacts:
    return some_facts(a_certificate(timestamps=logs), trust=PUBLIC, is_staple_known=known)


def _issued_by(organization: str, *allowed: str) -> TlsFacts:
    return some_facts(
        a_certificate(issuer_organization=organization),
        caa=caa(*(f"issue {domain}" for domain in allowed)),
        issued_for="www.example.test",
    )


def _trust(status: TrustStatus) -> TrustFacts:
    return TrustFacts(status, "as the path says", () if "trusted" not in status else ("leaf",))


SAMPLES: Samples = {
    "tls.protocol.none": Sample(
        AbsenceFacts(443, YES, "it answered"),
        AbsenceFacts(443, NO, "something else answered"),
        AbsenceFacts(443, UNKNOWN, "nobody answered"),
    ),
    "tls.protocol.sslv2": _old_version("SSL2"),
    "tls.protocol.sslv3": _old_version("SSL3"),
    "tls.protocol.tls10": _old_version("TLS10"),
    "tls.protocol.tls11": _old_version("TLS11"),
    "tls.protocol.no_modern": Sample(
        GOOD,
        _accepting(TLS10=YES, TLS12=NO, TLS13=NO),
        _accepting(TLS10=YES, TLS12=UNKNOWN, TLS13=NO),
    ),
    "tls.protocol.no_tls13": Sample(GOOD, _accepting(TLS13=NO), _accepting(TLS13=UNKNOWN)),
    "tls.cipher.null": _pool(Pool.NULL),
    "tls.cipher.anon": _pool(Pool.ANON),
    "tls.cipher.export": _pool(Pool.EXPORT),
    "tls.cipher.rc4": _pool(Pool.RC4),
    "tls.cipher.3des": _pool(Pool.SMALL_BLOCK),
    "tls.cipher.cbc": _pool(Pool.CBC),
    "tls.cipher.order": Sample(
        _with_pool(Pool.CBC, NO),
        replace(
            _tls12(suite="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            pools={Pool.CBC: PoolFacts(YES, "taken", "TLS_SUITE")},
            reversed_choice=PoolFacts(YES, "taken", "TLS_RSA_WITH_AES_128_CBC_SHA"),
        ),
        GOOD,
    ),
    "tls.kex.no_forward_secrecy": _pool(Pool.RSA_TRANSPORT),
    "tls.kex.dh_weak": Sample(
        _with_pool(Pool.DHE, YES, dh_prime_bits=2048),
        _with_pool(Pool.DHE, YES, dh_prime_bits=1024),
        _with_pool(Pool.DHE, YES),
    ),
    "tls.kex.dhe": _pool(Pool.DHE),
    "tls.kex.curve_weak": _answered("weak_curve", group="secp160r1"),
    "tls.kex.pqc_missing": Sample(
        some_facts(post_quantum=YES), some_facts(post_quantum=NO), some_facts(post_quantum=UNKNOWN)
    ),
    "tls.kex.sha1_signature": _answered("sha1_signature", is_signed=True),
    "tls.compression": Sample(GOOD, _tls12(compression=1), NOTHING_ACCEPTED),
    "tls.renegotiation.insecure": Sample(
        _tls12(secure_renegotiation=True), _tls12(secure_renegotiation=False), NOTHING_ACCEPTED
    ),
    "tls.extension.no_ems": Sample(
        _tls12(extended_master_secret=True),
        _tls12(extended_master_secret=False),
        _accepting(TLS12=UNKNOWN),
    ),
    "tls.extension.no_etm": Sample(
        _with_pool(Pool.CBC, YES, encrypt_then_mac=True),
        _with_pool(Pool.CBC, YES, encrypt_then_mac=False),
        GOOD,
    ),
    "tls.early_data": Sample(
        some_facts(early_data_bytes=0), some_facts(early_data_bytes=16_384), GOOD
    ),
    "tls.heartbleed": _answered("heartbleed"),
    "tls.cert.expired": Sample(GOOD, _leaf(not_after=NOW - timedelta(days=1)), NO_CERTIFICATE),
    "tls.cert.not_yet_valid": Sample(
        GOOD, _leaf(not_before=NOW + timedelta(days=1)), NO_CERTIFICATE
    ),
    "tls.cert.expiring_soon": Sample(
        GOOD, _leaf(not_after=NOW + timedelta(days=5)), NO_CERTIFICATE
    ),
    "tls.cert.self_signed": Sample(
        GOOD,
        some_facts(a_certificate(is_self_signed=True), trust=_trust(TrustStatus.SELF_SIGNED)),
        NO_CERTIFICATE,
    ),
    "tls.cert.untrusted": Sample(
        GOOD,
        some_facts(trust=_trust(TrustStatus.UNTRUSTED)),
        some_facts(trust=_trust(TrustStatus.UNKNOWN)),
    ),
    "tls.cert.chain_incomplete": Sample(
        GOOD,
        some_facts(
            a_certificate(),
            trust=_trust(TrustStatus.TRUSTED_AFTER_FETCH),
            fetched=(an_intermediate(),),
        ),
        some_facts(trust=_trust(TrustStatus.UNTRUSTED)),
    ),
    "tls.cert.hostname_mismatch": Sample(
        GOOD, some_facts(name="other.test"), _leaf(has_names=None, dns_names=())
    ),
    "tls.cert.no_san": Sample(
        GOOD, _leaf(has_names=False, dns_names=()), _leaf(has_names=None, dns_names=())
    ),
    "tls.cert.weak_key": Sample(
        GOOD,
        _leaf(key=KeyFacts("RSA", 1024, exponent=65_537)),
        _leaf(key=KeyFacts("1.2.3.4", None)),
    ),
    "tls.cert.weak_signature": Sample(
        GOOD, _leaf(signature="sha1WithRSAEncryption", signature_hash="sha1"), NO_CERTIFICATE
    ),
    "tls.cert.validity_too_long": Sample(
        GOOD, _leaf(not_after=NOW + timedelta(days=400)), NO_CERTIFICATE
    ),
    "tls.cert.revoked": Sample(
        _revocation(RevocationStatus.GOOD),
        _revocation(RevocationStatus.REVOKED),
        _revocation(RevocationStatus.UNKNOWN),
    ),
    "tls.cert.revocation_unknown": Sample(
        _revocation(RevocationStatus.GOOD),
        _revocation(RevocationStatus.UNKNOWN),
        _revocation(RevocationStatus.NOT_ASKED),
    ),
    "tls.cert.ct_missing": Sample(
        _logged("a", "b", known=True), _logged(known=True), _logged(known=False)
    ),
    "tls.cert.caa_mismatch": Sample(
        _issued_by("Let's Encrypt", "letsencrypt.org"),
        _issued_by("DigiCert Inc", "letsencrypt.org"),
        _issued_by("Nobody We Know", "ca.test"),
    ),
    "tls.ocsp.no_staple": Sample(
        _stapling(known=True, staple=True),
        _stapling(known=True, staple=False),
        _stapling(known=False, staple=False),
    ),
}
