"""Whether the domain's CAA records allow the authority that issued its certificate. Pure."""

from services.scanner.check import Check, Verdict, check
from services.scanner.dns.facts import CaaFacts
from services.scanner.resolver import Lookup
from services.scanner.tls.caa import allowed_issuers, known_issuers
from services.scanner.tls.certificate_checks import needs_leaf, shown
from services.scanner.tls.facts import CertificateFacts, TlsFacts


@check(
    "tls.cert.caa_mismatch",
    rationale="Either the records changed after the certificate was issued, or an authority issued"
    " one that the domain's owner never wanted.",
    remediation="Name the authority in the CAA records, or find out who ordered the certificate.",
    sources=("RFC 8659 3", "RFC 8659 4.2", "CA/Browser Forum Baseline Requirements 3.2.2.8"),
)
@needs_leaf
def issuer_is_allowed_by_caa(facts: TlsFacts, leaf: CertificateFacts) -> Verdict:
    if not facts.trust.is_trusted:
        return Verdict.not_applicable("the certificate does not lead to a trusted root")
    if facts.caa is None:
        return Verdict.not_applicable("no name that was asked for is in the certificate")
    caa = facts.caa
    if caa.lookup in {Lookup.BROKEN, Lookup.UNKNOWN}:
        return Verdict.not_evaluated(f"CAA could not be looked up: {caa.reason}")
    allowed = allowed_issuers(caa.records, is_wildcard=facts.issued_for.startswith("*."))
    if allowed is None:
        return Verdict.passed("no CAA record restricts who may issue")
    return _judge_issuer(facts, leaf, caa, allowed)


def _judge_issuer(
    facts: TlsFacts, leaf: CertificateFacts, caa: CaaFacts, allowed: frozenset[str]
) -> Verdict:
    table = known_issuers()
    issuer = leaf.issuer_organization or leaf.issuer
    own = table.domains_of(leaf.issuer_organization)
    # An intermediate under another brand is mostly run by the authority above it.
    above = table.domains_of(facts.needed[-1].issuer_organization)
    if (own | above) & allowed:
        return Verdict.passed(f"CAA at {caa.found_at} allows {issuer}")
    if not own and not table.knows_all(allowed):
        # Where every name belongs to an authority we know, this issuer is none of them.
        return Verdict.not_evaluated(
            f"by which names {issuer} goes in CAA records is not known (table of {table.as_of})"
        )
    permitted = ", ".join(sorted(allowed)[:5]) or "nobody"
    evidence = {
        **shown(leaf),
        "caa": [f'{record.flags} {record.tag} "{record.value}"' for record in caa.records[:10]],
        "caa_found_at": caa.found_at,
        "caa_domains_of_issuer": sorted(own),
        "caa_domains_as_of": table.as_of.isoformat(),
    }
    return Verdict.failed(
        f"CAA at {caa.found_at} allows {permitted}, and the certificate is from {issuer}",
        evidence=evidence,
    )


CHECKS: tuple[Check[TlsFacts], ...] = (issuer_is_allowed_by_caa,)
