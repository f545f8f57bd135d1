"""Checks of a name and where it leads. Each judges facts and looks at nothing itself."""

from services.scanner.check import Problem, Severity, Verdict, check
from services.scanner.dns.facts import Claim, DnsFacts
from services.scanner.resolver import Lookup

_CLAIMS = {
    Claim.OPEN: (None, "anybody can claim it at the provider of {provider}"),
    Claim.UNREGISTERED: (None, "anybody can register {provider}"),
    Claim.VERIFIED: (
        Severity.MEDIUM,
        "the provider of {provider} asks for proof before it gives the name to somebody else",
    ),
    Claim.UNKNOWN: (Severity.MEDIUM, "whoever runs its zone can give the name to somebody else"),
}


@check(
    "dns.cname.dangling",
    rationale="Whoever claims the name at the end of the alias serves content under yours, with "
    "your cookies and a valid certificate.",
    remediation="Remove the record; from now on, remove records before the service they lead to.",
    sources=("RFC 1034 section 3.6.2", "OWASP WSTG-CONF-10"),
)
def cname_dangling(facts: DnsFacts) -> Verdict:
    alias = facts.alias
    if alias.lookup in {Lookup.BROKEN, Lookup.UNKNOWN}:
        return Verdict.not_evaluated(f"addresses could not be looked up: {alias.reason}")
    if not alias.chain:
        return Verdict.not_applicable(f"{facts.name} is no alias")
    if alias.lookup is not Lookup.NXDOMAIN:
        return Verdict.passed(f"the alias leads to {alias.chain[-1]}, which exists")
    severity, words = _CLAIMS[alias.claim]
    return Verdict.failed(
        f"{facts.name} is an alias of {alias.chain[-1]}, which does not exist: "
        + words.format(provider=alias.provider),
        severity=severity,
        evidence={"chain": list(alias.chain), "claim": alias.claim.value},
    )


@check(
    "dns.ipv6.unreachable",
    rationale="Users with IPv6 wait for an address that does not answer, or see nothing at all.",
    remediation="Let the service answer at its IPv6 address, or withdraw the AAAA record.",
    sources=("RFC 8305", "RFC 6540 (BCP 177)"),
)
def ipv6_unreachable(facts: DnsFacts) -> Verdict:
    for records in (facts.aaaa, facts.a):
        if not records.is_known:
            return Verdict.not_evaluated(f"addresses could not be looked up: {records.reason}")
    tried = facts.ipv6
    if not tried.ipv6 or not tried.ipv4:
        return Verdict.not_applicable(f"{facts.name} does not have addresses of both kinds")
    closed = [attempt for attempt in tried.ipv6 if not attempt.is_open]
    if not closed:
        return Verdict.passed(f"port {tried.port} answers over IPv6")
    if not any(attempt.is_open for attempt in tried.ipv4):
        return Verdict.not_evaluated(f"port {tried.port} does not answer over IPv4 either")
    if not tried.scanner_has_ipv6:
        return Verdict.not_evaluated("the scanner has no working IPv6 of its own")
    return Verdict.failed_each(
        tuple(
            Problem(
                f"{attempt.address} does not answer at port {tried.port} ({attempt.reason}), "
                "while IPv4 does",
                discriminator=str(attempt.address),
                evidence={"address": str(attempt.address), "port": tried.port},
            )
            for attempt in closed
        )
    )


CHECKS = (cname_dangling, ipv6_unreachable)
