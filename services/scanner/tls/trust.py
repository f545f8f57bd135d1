"""Does a chain lead to a trusted root? Pure: certificates, roots and a clock in, facts out.

Each question has its own answer: whether a path exists is decided here without looking at dates,
key sizes or hashes, for those have checks of their own. The library's verifier stops at the first
fault, so it is asked only about what is left: name constraints, path lengths, critical extensions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from services.scanner.tls.certificates import describe_certificate, fingerprint, is_signed_by
from services.scanner.tls.facts import CertificateFacts, KeyFacts, TrustFacts, TrustStatus
from services.scanner.tls.wire import CodecError

Path = tuple[x509.Certificate, ...]

_MAX_PATH = 8
_MAX_PATHS = 16
_MAX_SIGNATURES = 100
_MODERN_RSA_BITS = 2048
_LIBRARY_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_OBSOLETE_HASHES = frozenset({"md2", "md4", "md5", "sha1"})


@dataclass(frozen=True, slots=True)
class Roots:
    """Trusted roots by their encoded subject."""

    by_subject: Mapping[bytes, Path]

    @classmethod
    def of(cls, certificates: Path) -> "Roots":
        by_subject: dict[bytes, Path] = {}
        for certificate in certificates:
            subject = certificate.subject.public_bytes()
            by_subject[subject] = (*by_subject.get(subject, ()), certificate)
        return cls(by_subject)

    def named(self, name: x509.Name) -> Path:
        return self.by_subject.get(name.public_bytes(), ())


@dataclass(frozen=True, slots=True)
class Sent:
    """What may lead from the leaf to a root: the chain as sent, and issuers fetched since."""

    chain: Path
    fetched: Path = ()


def assess(sent: Sent, roots: Roots, now: datetime) -> TrustFacts:
    """The best path from the leaf to a root, or why there is none."""
    if not sent.chain:
        return TrustFacts(TrustStatus.UNKNOWN, "no certificate was seen")
    candidates = [
        (path, _constraint_problem(path, now)) for path in _paths(sent.chain[0], sent, roots)
    ]
    if not candidates:
        return _without_path(sent)
    path, problem = min(candidates, key=lambda found: _rank(found, now))
    prints = tuple(fingerprint(c) for c in path)
    if problem is not None:
        return TrustFacts(TrustStatus.UNTRUSTED, problem, prints)
    was_fetched = {fingerprint(c) for c in sent.fetched} & set(prints[1:-1])
    status = TrustStatus.TRUSTED_AFTER_FETCH if was_fetched else TrustStatus.TRUSTED
    return TrustFacts(status, f"leads to {_name(path[-1].subject)}", prints)


def last_link(sent: Sent) -> x509.Certificate:
    """The certificate at which the way up from the leaf ends; its issuer is the one that lacks."""
    current, seen = sent.chain[0], {fingerprint(sent.chain[0])}
    while current.subject != current.issuer:
        above = next((c for c in _issuers(current, sent) if fingerprint(c) not in seen), None)
        if above is None:
            break
        seen.add(fingerprint(above))
        current = above
    return current


def _without_path(sent: Sent) -> TrustFacts:
    leaf, last = sent.chain[0], last_link(sent)
    if leaf.subject == leaf.issuer and is_signed_by(leaf, leaf):
        return TrustFacts(TrustStatus.SELF_SIGNED, "the certificate is signed with its own key")
    if last.subject == last.issuer:
        reason = f"the chain ends at {_name(last.subject)}, which is no trusted root"
    else:
        reason = f"the issuer {_name(last.issuer)} was not sent and is no trusted root"
    return TrustFacts(TrustStatus.UNTRUSTED, reason)


def _paths(leaf: x509.Certificate, sent: Sent, roots: Roots) -> Iterator[Path]:
    """Paths by name and signature, a bounded number of them, leaf first and root last."""
    if leaf in roots.named(leaf.subject):
        yield (leaf,)
        return
    open_paths: list[Path] = [(leaf,)]
    found = signatures = 0
    while open_paths and found < _MAX_PATHS and signatures < _MAX_SIGNATURES:
        path = open_paths.pop(0)  # short ones first: ballast must not use up the bound
        top = path[-1]
        for root in roots.named(top.issuer):
            signatures += 1
            if is_signed_by(top, root):
                found += 1
                yield (*path, root)
        if len(path) < _MAX_PATH:
            above = [c for c in _issuers(top, sent) if c not in path]
            signatures += len(above)
            open_paths.extend((*path, c) for c in above)


def _issuers(certificate: x509.Certificate, sent: Sent) -> Path:
    """Intermediates at hand that signed this certificate."""
    return tuple(
        candidate
        for candidate in dict.fromkeys((*sent.chain[1:], *sent.fetched))
        if candidate.subject == certificate.issuer
        and _may_issue(candidate)
        and is_signed_by(certificate, candidate)
    )


def _may_issue(certificate: x509.Certificate) -> bool:
    """RFC 5280 6.1.4: basicConstraints says CA, and keyUsage, where there is one, agrees."""
    try:
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return constraints.ca
    return constraints.ca and usage.key_cert_sign


def _rank(found: tuple[Path, str | None], now: datetime) -> tuple[bool, bool, int]:
    """Sound before unsound, in date before out of date, short before long."""
    path, problem = found
    is_dated = not all(c.not_valid_before_utc <= now <= c.not_valid_after_utc for c in path)
    return problem is not None, is_dated, len(path)


def _constraint_problem(path: Path, now: datetime) -> str | None:
    """Why a path is void although its names and signatures are right; None when it is not."""
    for certificate in path[:-1]:
        if not _may_serve(certificate):
            return f"{_name(certificate.subject)} is not meant for servers (extendedKeyUsage)"
    if len(path) == 1:
        return None
    try:
        *below, root = [describe_certificate(c) for c in path]
    except CodecError as error:
        return str(error)
    time, subject = _moment_of(path, now), _any_name_of(below[0])
    is_modern = all(_is_modern(facts) for facts in below) and _is_modern_key(root.key)
    if time is None or subject is None or not is_modern:
        return None  # each of these has a check of its own
    return _library_problem(path, time, subject)


def _library_problem(path: Path, time: datetime, subject: verification.Subject) -> str | None:
    anything = verification.ExtensionPolicy.permit_all()
    agnostic = verification.Criticality.AGNOSTIC
    verifier = (
        verification.PolicyBuilder()
        .time(time)
        .store(verification.Store([path[-1]]))
        .extension_policies(
            ca_policy=anything.require_present(x509.BasicConstraints, agnostic, None),
            ee_policy=anything.require_present(x509.SubjectAlternativeName, agnostic, None),
        )
        .build_server_verifier(subject)
    )
    try:
        verifier.verify(path[0], list(path[1:-1]))
    except verification.VerificationError as error:
        return f"the path to {_name(path[-1].subject)} is not valid: {error}"[:300]
    return None


def _may_serve(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except (ValueError, x509.DuplicateExtension):
        return False
    wanted = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return not wanted.isdisjoint(usage)


def _moment_of(path: Path, now: datetime) -> datetime | None:
    """A time at which every certificate of the path is valid, now if possible."""
    start = max(c.not_valid_before_utc for c in path)
    end = min(c.not_valid_after_utc for c in path)
    if start <= now <= end:
        return now
    middle = start + (end - start) / 2
    return middle.replace(microsecond=0) if end - start > timedelta(seconds=2) else None


def _any_name_of(leaf: CertificateFacts) -> verification.Subject | None:
    """Some name the leaf has, for the library insists on matching one."""
    for name in leaf.dns_names:
        try:
            return x509.DNSName(name.replace("*", "a"))
        except ValueError:
            continue
    return x509.IPAddress(leaf.ip_addresses[0]) if leaf.ip_addresses else None


def _is_modern(facts: CertificateFacts) -> bool:
    """Whether the library's own list of algorithms has nothing to say about a certificate."""
    return facts.signature_hash not in _OBSOLETE_HASHES and _is_modern_key(facts.key)


def _is_modern_key(key: KeyFacts) -> bool:
    if key.algorithm == "RSA":
        return (key.bits or 0) >= _MODERN_RSA_BITS
    return key.curve in _LIBRARY_CURVES


def _name(name: x509.Name) -> str:
    return name.rfc4514_string() or "(a certificate without a name)"
