"""Checks of the chain of trust. Each judges facts and looks at nothing itself."""

from datetime import timedelta

from services.scanner.check import Severity, Verdict, check
from services.scanner.dns.facts import ChainFault, DenialKind, DnsFacts, DnssecFacts, Security

_DNSSEC = ("RFC 9364 (BCP 237)", "RFC 4033, 4034, 4035")
_CLOSE_TO_EXPIRY = timedelta(days=3)
_WEAK_ALGORITHMS = {
    1: "RSA/MD5",
    3: "DSA/SHA-1",
    5: "RSA/SHA-1",
    6: "DSA-NSEC3/SHA-1",
    7: "RSA/SHA-1-NSEC3",
    12: "GOST R 34.10-2001",
}
_SHA1_DIGEST = 1
_SMALLEST_RSA_BITS = 2048
_LABELS_OF_A_TLD = 1


def _unless_known(dnssec: DnssecFacts) -> Verdict | None:
    if dnssec.security is Security.INDETERMINATE:
        return Verdict.not_evaluated(f"DNSSEC could not be checked: {dnssec.reason}")
    return None


def _ends_above(dnssec: DnssecFacts) -> bool:
    """The chain ends at a TLD, so that nothing the owner signs could be reached."""
    is_above = dnssec.broken_at != dnssec.zone
    return is_above and len(dnssec.broken_at.rstrip(".").split(".")) <= _LABELS_OF_A_TLD


@check(
    "dns.dnssec.missing",
    rationale="Without signatures anyone on the path can forge answers: addresses, mail servers, "
    "certificate authorisations.",
    remediation="Sign the zone and hand its DS record to the registrar.",
    sources=_DNSSEC,
)
def dnssec_missing(facts: DnsFacts) -> Verdict:
    dnssec = facts.dnssec
    if (unknown := _unless_known(dnssec)) is not None:
        return unknown
    if dnssec.security is Security.SECURE:
        return Verdict.passed("the zone is signed and the chain of trust is whole")
    if dnssec.is_signed or dnssec.ds:
        return Verdict.passed("the zone has DNSSEC records; other checks judge them")
    if dnssec.security is Security.BOGUS:
        return Verdict.not_evaluated(f"the chain breaks above the zone: {dnssec.reason}")
    if _ends_above(dnssec):
        return Verdict.not_applicable(f"{dnssec.broken_at} itself is not signed")
    evidence = {"zone": dnssec.zone, "chain_ends_at": dnssec.broken_at, "proof": dnssec.reason}
    return Verdict.failed(f"The zone {dnssec.zone} is not signed", evidence=evidence)


@check(
    "dns.dnssec.no_ds",
    rationale="Signatures nobody can trust protect nobody: without a DS at the parent the zone "
    "counts as unsigned.",
    remediation="Hand the DS (or publish CDS) to the registrar.",
    sources=_DNSSEC,
)
def dnssec_no_ds(facts: DnsFacts) -> Verdict:
    dnssec = facts.dnssec
    if (unknown := _unless_known(dnssec)) is not None:
        return unknown
    if dnssec.ds or dnssec.security is Security.SECURE:
        return Verdict.passed("the parent has a DS for the zone")
    if not dnssec.is_signed:
        return Verdict.not_applicable("the zone is not signed")
    if dnssec.security is Security.BOGUS:
        return Verdict.not_evaluated(f"the chain breaks above the zone: {dnssec.reason}")
    if _ends_above(dnssec):
        return Verdict.not_applicable(f"{dnssec.broken_at} itself is not signed")
    evidence = {"zone": dnssec.zone, "proof": dnssec.reason, "keys": [k.tag for k in dnssec.keys]}
    return Verdict.failed(
        f"The zone {dnssec.zone} is signed, but its parent has no DS", evidence=evidence
    )


@check(
    "dns.dnssec.bogus",
    rationale="Validating resolvers answer SERVFAIL: for their users the domain is gone.",
    remediation="Repair the DS records, keys or signatures at once, or withdraw the DS.",
    sources=("RFC 4035 section 5.5", "RFC 9364 (BCP 237)"),
)
def dnssec_bogus(facts: DnsFacts) -> Verdict:
    dnssec = facts.dnssec
    if (unknown := _unless_known(dnssec)) is not None:
        return unknown
    if dnssec.security is Security.INSECURE:
        return Verdict.not_applicable(f"no chain of trust leads to the zone: {dnssec.reason}")
    if dnssec.security is Security.SECURE:
        return Verdict.passed("every signature from the root to the zone verifies")
    fault = "" if dnssec.fault is None else dnssec.fault.value
    evidence = {"broken_at": dnssec.broken_at, "fault": fault, "detail": dnssec.reason}
    return Verdict.failed(f"DNSSEC does not validate: {dnssec.reason}", evidence=evidence)


@check(
    "dns.dnssec.sig_expired",
    rationale="An expired signature makes the zone bogus; one about to expire says that signing "
    "has stopped.",
    remediation="Sign the zone again and watch the signer; keep at least a few days in hand.",
    sources=("RFC 4035 section 5.3.1", "RFC 6781 section 4.4.2"),
)
def dnssec_sig_expired(facts: DnsFacts) -> Verdict:
    dnssec = facts.dnssec
    if (unknown := _unless_known(dnssec)) is not None:
        return unknown
    if dnssec.fault is ChainFault.SIGNATURE_EXPIRED:
        evidence = {"broken_at": dnssec.broken_at, "detail": dnssec.reason}
        return Verdict.failed(f"A signature has expired: {dnssec.reason}", evidence=evidence)
    until, since, now = dnssec.signed_until, dnssec.signed_since, dnssec.checked_at
    if until is None or since is None or now is None:
        return Verdict.not_applicable("no signature of the zone was followed")
    # Signers that sign on demand use lives of a day or two: for them a day left is normal.
    margin = min(_CLOSE_TO_EXPIRY, (until - since) / 3)
    if until - now >= margin:
        return Verdict.passed(f"the signatures are valid until {until:%Y-%m-%d}")
    return Verdict.failed(
        f"The zone's signatures expire on {until:%Y-%m-%d %H:%M} UTC and were not renewed",
        severity=Severity.MEDIUM,
        evidence={"valid_until": until.isoformat(), "valid_since": since.isoformat()},
    )


@check(
    "dns.dnssec.ds_mismatch",
    rationale="A DS that no key matches breaks the chain: the domain is gone for validating "
    "resolvers.",
    remediation="Put the DS of the key in use at the registrar.",
    sources=("RFC 4035 section 5.2", "RFC 6781 section 4.1.2"),
)
def dnssec_ds_mismatch(facts: DnsFacts) -> Verdict:
    dnssec = facts.dnssec
    if (unknown := _unless_known(dnssec)) is not None:
        return unknown
    if dnssec.fault is ChainFault.DS_MISMATCH and dnssec.broken_at == dnssec.zone:
        evidence = {"ds": [d.tag for d in dnssec.ds], "keys": [k.tag for k in dnssec.keys]}
        return Verdict.failed(f"DS without matching key: {dnssec.reason}", evidence=evidence)
    if not dnssec.ds:
        return Verdict.not_applicable("the parent has no DS for the zone")
    if not any(ds.is_matched for ds in dnssec.ds):
        return Verdict.not_evaluated(f"the keys could not be compared: {dnssec.reason}")
    spare = sum(not ds.is_matched for ds in dnssec.ds)
    return Verdict.passed(
        f"a key matches the DS ({spare} DS in reserve)" if spare else "they match"
    )


@check(
    "dns.dnssec.weak_algorithm",
    rationale="SHA-1, MD5, GOST and short RSA keys no longer protect signatures, and validators "
    "begin to treat such zones as unsigned.",
    remediation="Roll over to ECDSA P-256 (algorithm 13) and a SHA-256 DS.",
    sources=("RFC 9904", "RFC 8624"),
)
def dnssec_weak_algorithm(facts: DnsFacts) -> Verdict:
    dnssec = facts.dnssec
    if (unknown := _unless_known(dnssec)) is not None:
        return unknown
    if not dnssec.keys and not dnssec.ds:
        return Verdict.not_applicable("the zone is not signed")
    weak = _weaknesses(dnssec)
    if not weak:
        return Verdict.passed("algorithms and key sizes are of today")
    evidence = {"weak": weak, "algorithms": sorted({k.algorithm for k in dnssec.keys})}
    return Verdict.failed("Weak DNSSEC algorithm: " + ", ".join(weak), evidence=evidence)


def _weaknesses(dnssec: DnssecFacts) -> list[str]:
    algorithms = {key.algorithm for key in dnssec.keys} | {ds.algorithm for ds in dnssec.ds}
    weak = [f"{_WEAK_ALGORITHMS[a]} ({a})" for a in sorted(algorithms & set(_WEAK_ALGORITHMS))]
    weak += sorted(
        {
            f"RSA with {key.bits} bits"
            for key in dnssec.keys
            if key.bits is not None and key.bits < _SMALLEST_RSA_BITS
        }
    )
    if dnssec.ds and all(ds.digest_type == _SHA1_DIGEST for ds in dnssec.ds):
        weak.append("only SHA-1 DS digests")
    return weak


@check(
    "dns.dnssec.nsec_walkable",
    rationale="NSEC tells the neighbours of every name: the whole zone can be read, one name after "
    "the other, like with an open transfer.",
    remediation="Where names are not meant to be known, use NSEC3 without iterations, or a signer "
    "that answers with minimal NSEC.",
    sources=("RFC 5155 section 1.1", "RFC 4470", "RFC 9824"),
)
def nsec_walkable(facts: DnsFacts) -> Verdict:
    if not facts.dnssec.is_signed:
        if (unknown := _unless_known(facts.dnssec)) is not None:
            return unknown
        return Verdict.not_applicable("the zone is not signed")
    denial = facts.denial
    match denial.kind:
        case DenialKind.NSEC:
            names = " and ".join(denial.neighbours)
            return Verdict.failed(
                f"The zone {facts.zone} can be walked: asked for a name that does not exist, it "
                f"told of {names}",
                evidence={"neighbours": list(denial.neighbours)},
            )
        case DenialKind.NSEC3 | DenialKind.MINIMAL:
            return Verdict.passed(f"denials ({denial.kind.value}) tell no names")
        case DenialKind.NONE | None:
            return Verdict.not_evaluated(f"no denial was seen: {denial.reason}")


CHECKS = (
    dnssec_missing,
    dnssec_no_ds,
    dnssec_bogus,
    dnssec_sig_expired,
    dnssec_ds_mismatch,
    dnssec_weak_algorithm,
    nsec_walkable,
)
