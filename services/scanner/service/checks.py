"""Databases and container engines: who gets in, who can reach them, and in the clear. Pure."""

from services.scanner.check import Check, Verdict, check
from services.scanner.service.facts import Access, Kind, ServiceFacts
from services.scanner.tls.facts import Support

_NETWORK = "Implementing Regulation (EU) 2024/2690, annex 6.7.2"
_ACCESS = "Implementing Regulation (EU) 2024/2690, annex 11.6.1"
_NEGOTIATES_TLS = frozenset({"PostgreSQL", "MySQL", "MariaDB", "Microsoft SQL Server"})


def judge_access(facts: ServiceFacts, kind: Kind, wanted: str) -> Verdict:
    """Fails when a service of this kind does what a stranger asks."""
    if facts.kind is not kind:
        return Verdict.passed(f"what answers here is no {wanted}")
    match facts.access:
        case Access.OPEN:
            message = f"{facts.product} answers without a login: {facts.proof}"
            return Verdict.failed(message, evidence=facts.evidence)
        case Access.DENIED:
            return Verdict.passed(f"{facts.product} asks for a login: {facts.proof}")
        case Access.UNKNOWN:
            told = f"{facts.product}: {facts.problem}" if facts.product else facts.problem
            return Verdict.not_evaluated(told)


@check(
    "svc.db.unauthenticated",
    rationale="Anyone on the internet can read, change and delete what is stored there; such"
    " databases are found and emptied within hours.",
    remediation="Bind the service to a private interface and switch authentication on.",
    sources=(_ACCESS, "CWE-306", "ENISA Technical Implementation Guidance (2025) 11.6"),
)
def database_asks_for_a_login(facts: ServiceFacts) -> Verdict:
    return judge_access(facts, Kind.DATABASE, "database")


@check(
    "svc.db.exposed",
    rationale="A database that everybody can reach is one weak password or one flaw away from"
    " being read; only applications need to reach it.",
    remediation="Let a firewall or a VPN decide who reaches the database.",
    sources=(f"{_NETWORK}(c)", f"{_NETWORK}(f)", "CWE-668"),
)
def database_is_not_reachable(facts: ServiceFacts) -> Verdict:
    if facts.kind is not Kind.DATABASE:
        return Verdict.passed("what answers here is no database")
    if facts.access is Access.OPEN:
        return Verdict.not_applicable("it asks for no login, which has a check of its own")
    return Verdict.failed(
        f"{facts.product} can be reached by everybody: {facts.proof}", evidence=facts.evidence
    )


@check(
    "svc.db.no_tls",
    rationale="Passwords and contents cross the network in the clear.",
    remediation="Give the server a certificate, switch TLS on and require it.",
    sources=("Implementing Regulation (EU) 2024/2690, annex 9.2(b)", "RFC 9325 3.2", "CWE-319"),
)
def database_offers_tls(facts: ServiceFacts) -> Verdict:
    if facts.kind is not Kind.DATABASE:
        return Verdict.passed("what answers here is no database")
    match facts.tls:
        case Support.ACCEPTED:
            return Verdict.passed(f"{facts.product} offers TLS")
        case Support.REFUSED:
            return Verdict.failed(f"{facts.product} refuses TLS", evidence=facts.evidence)
        case Support.UNKNOWN if facts.product in _NEGOTIATES_TLS:
            return Verdict.not_evaluated(f"{facts.product} did not say whether it has TLS")
        case Support.UNKNOWN:
            return Verdict.not_applicable(f"{facts.product} does not negotiate TLS")


@check(
    "svc.docker.unauthenticated",
    rationale="Whoever talks to the engine starts containers as root on the host, and with them"
    " owns everything there.",
    remediation="Close the TCP socket, or let it take clients with a certificate only.",
    sources=(f"{_NETWORK}(c)", "CIS Docker Benchmark 2.7", "CIS Kubernetes Benchmark 4.2.1"),
)
def container_api_asks_for_a_login(facts: ServiceFacts) -> Verdict:
    return judge_access(facts, Kind.CONTAINER_API, "container engine")


DATABASE_CHECKS: tuple[Check[ServiceFacts], ...] = (
    database_asks_for_a_login,
    database_is_not_reachable,
    database_offers_tls,
)
CONTAINER_CHECKS: tuple[Check[ServiceFacts], ...] = (container_api_asks_for_a_login,)
