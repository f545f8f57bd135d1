import time
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.scanner.tls.certificates import fingerprint
from services.scanner.tls.facts import TrustStatus
from services.scanner.tls.trust import Roots, Sent, assess
from tests.lab.certificates import Authority, expired, in_days, rsa_key, self_signed
from tests.scanner.tls.test_certificates import fixture

NAMES = ["www.example.test"]


def _now() -> datetime:
    return datetime.now(UTC)


def _status(*chain: x509.Certificate, roots: tuple[x509.Certificate, ...]) -> TrustStatus:
    return assess(Sent(chain), Roots.of(roots), _now()).status


@pytest.fixture(scope="module")
def intermediate(authority: Authority) -> Authority:
    return authority.subordinate("TLS Lab Intermediate")


def test_a_whole_chain_is_trusted(authority: Authority, intermediate: Authority) -> None:
    leaf = intermediate.issue(NAMES)

    trust = assess(
        Sent((leaf.certificate, *leaf.intermediates)),
        Roots.of((authority.certificate,)),
        _now(),
    )

    assert trust.status is TrustStatus.TRUSTED
    assert trust.path == tuple(
        map(fingerprint, (leaf.certificate, intermediate.certificate, authority.certificate))
    )


def test_order_and_ballast_of_a_chain_do_not_matter(
    authority: Authority, intermediate: Authority
) -> None:
    stranger = Authority.create("Stranger").certificate
    lower = intermediate.subordinate("Lower")
    leaf = lower.issue(NAMES).certificate

    sent = (leaf, stranger, authority.certificate, intermediate.certificate, lower.certificate)

    assert _status(*sent, roots=(authority.certificate,)) is TrustStatus.TRUSTED


def test_a_missing_intermediate_is_named(authority: Authority, intermediate: Authority) -> None:
    leaf = intermediate.issue(NAMES).certificate

    trust = assess(Sent((leaf,)), Roots.of((authority.certificate,)), _now())

    assert trust.status is TrustStatus.UNTRUSTED
    assert "CN=TLS Lab Intermediate" in trust.reason


def test_a_fetched_intermediate_completes_the_chain(
    authority: Authority, intermediate: Authority
) -> None:
    leaf = intermediate.issue(NAMES).certificate
    sent = Sent((leaf,), fetched=(intermediate.certificate,))

    trust = assess(sent, Roots.of((authority.certificate,)), _now())

    assert trust.status is TrustStatus.TRUSTED_AFTER_FETCH


def test_a_private_root_that_was_sent_is_not_trusted(intermediate: Authority) -> None:
    private = Authority.create("Private Root")
    leaf = private.issue(NAMES).certificate

    trust = assess(Sent((leaf, private.certificate)), Roots.of(()), _now())

    assert trust.status is TrustStatus.UNTRUSTED
    assert "ends at CN=Private Root" in trust.reason


def test_a_self_signed_certificate_is_told_from_a_missing_issuer() -> None:
    assert _status(self_signed(NAMES).certificate, roots=()) is TrustStatus.SELF_SIGNED


def test_a_self_signed_certificate_in_the_store_is_trusted() -> None:
    certificate = self_signed(NAMES).certificate

    assert _status(certificate, roots=(certificate,)) is TrustStatus.TRUSTED


def test_an_impostor_with_the_name_of_a_root_is_not_trusted(authority: Authority) -> None:
    impostor = Authority.create("TLS Lab Root")
    leaf = impostor.issue(NAMES).certificate

    status = _status(leaf, impostor.certificate, roots=(authority.certificate,))

    assert status is TrustStatus.UNTRUSTED


def test_dates_are_not_a_matter_of_trust(authority: Authority) -> None:
    leaf = expired(authority, NAMES, days=1).certificate

    assert _status(leaf, roots=(authority.certificate,)) is TrustStatus.TRUSTED


def test_weak_keys_and_hashes_are_not_a_matter_of_trust(authority: Authority) -> None:
    weak_key = authority.issue(NAMES, key=rsa_key(1024)).certificate
    weak_hash, old_root = fixture("sha1_leaf"), fixture("sha1_root")

    assert _status(weak_key, roots=(authority.certificate,)) is TrustStatus.TRUSTED
    assert _status(weak_hash, roots=(old_root,)) is TrustStatus.TRUSTED


def test_a_certificate_without_names_is_trusted_all_the_same(authority: Authority) -> None:
    leaf = authority.issue([], common_name="www.example.test").certificate

    assert _status(leaf, roots=(authority.certificate,)) is TrustStatus.TRUSTED


def test_a_valid_path_is_preferred_to_an_expired_one(authority: Authority) -> None:
    current = authority.subordinate("Twin")
    old = authority.subordinate(
        "Twin", key=current.key, not_before=in_days(-100), not_after=in_days(-1)
    )
    leaf = current.issue(NAMES).certificate

    for intermediates in ((old, current), (current, old)):
        sent = Sent((leaf, *(i.certificate for i in intermediates)))
        trust = assess(sent, Roots.of((authority.certificate,)), _now())
        assert fingerprint(current.certificate) in trust.path


def test_a_leaf_may_not_issue(authority: Authority) -> None:
    leaf = authority.issue(["ca.example.test"])
    pretender = Authority(leaf.certificate, leaf.key)
    victim = pretender.issue(NAMES).certificate

    status = _status(victim, leaf.certificate, roots=(authority.certificate,))

    assert status is TrustStatus.UNTRUSTED


def test_a_client_certificate_is_not_trusted_for_a_server(authority: Authority) -> None:
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    leaf = authority.issue(NAMES, extensions=[(usage, False)]).certificate

    trust = assess(Sent((leaf,)), Roots.of((authority.certificate,)), _now())

    assert trust.status is TrustStatus.UNTRUSTED
    assert "extendedKeyUsage" in trust.reason


def test_an_unknown_critical_extension_makes_the_path_void(authority: Authority) -> None:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")
    leaf = authority.issue(NAMES, extensions=[(strange, True)]).certificate

    trust = assess(Sent((leaf,)), Roots.of((authority.certificate,)), _now())

    assert trust.status is TrustStatus.UNTRUSTED
    assert "critical" in trust.reason


def test_names_outside_the_constraints_of_an_authority_make_the_path_void(
    authority: Authority,
) -> None:
    constraints = x509.NameConstraints([x509.DNSName("elsewhere.test")], None)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate_authority = authority.issue(
        [],
        common_name="Constrained",
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (usage, True),
            (constraints, True),
        ],
    )
    constrained = Authority(certificate_authority.certificate, certificate_authority.key)
    leaf = constrained.issue(NAMES).certificate

    trust = assess(
        Sent((leaf, constrained.certificate)), Roots.of((authority.certificate,)), _now()
    )

    assert trust.status is TrustStatus.UNTRUSTED
    assert "name constraints" in trust.reason


def test_an_authority_with_an_edwards_key_is_as_good_as_any() -> None:
    root = Authority.create("Edwards", key=ed25519.Ed25519PrivateKey.generate())
    leaf = root.issue(NAMES).certificate

    assert _status(leaf, roots=(root.certificate,)) is TrustStatus.TRUSTED


def test_issuers_in_a_circle_end(authority: Authority) -> None:
    first = authority.subordinate("First")
    second = first.subordinate("Second")
    back = second.subordinate("First", key=first.key)
    leaf = first.issue(NAMES).certificate

    status = _status(leaf, back.certificate, second.certificate, roots=())

    assert status is TrustStatus.UNTRUSTED


def test_ten_issuers_that_all_sign_each_other_are_soon_given_up(authority: Authority) -> None:
    first = Authority.create("Everybody")
    crowd = [first.subordinate("Everybody", key=first.key).certificate for _ in range(9)]
    leaf = first.issue(NAMES).certificate
    started = time.monotonic()

    status = _status(leaf, *crowd, roots=(authority.certificate,))

    assert status is TrustStatus.UNTRUSTED
    assert time.monotonic() - started < 2


def test_no_certificate_is_no_verdict() -> None:
    assert _status(roots=()) is TrustStatus.UNKNOWN
