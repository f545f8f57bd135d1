"""TLS where a browser looks for it: ports 443 and 8443, and hosts with a site on port 80. Pure."""

from dataclasses import dataclass

from services.scanner.address import Address
from services.scanner.check import Check, Verdict, check
from services.scanner.tls.facts import Support

HTTPS_PORTS = (443, 8443)


@dataclass(frozen=True, slots=True)
class AbsenceSubject:
    """A port where TLS is expected, and what was heard there in the clear."""

    address: Address
    port: int
    server_name: str | None
    is_open: bool = True
    """False: it refuses connections."""
    has_plain_web: bool = False
    """It answers HTTP in the clear."""


@dataclass(frozen=True, slots=True)
class AbsenceFacts:
    """Whether TLS is spoken where it is expected."""

    port: int
    support: Support
    """Refused: what answers is something else, or nothing listens."""
    reason: str
    has_plain_web: bool = False


@check(
    "tls.protocol.none",
    rationale="Whoever comes to the site by its name sends and reads everything in the clear, and"
    " anyone on the path can change it.",
    remediation="Serve the site over HTTPS, and send visitors of port 80 there.",
    sources=("RFC 9325 3.2", "Implementing Regulation (EU) 2024/2690, annex 9.2(b)"),
)
def has_tls_where_it_is_expected(facts: AbsenceFacts) -> Verdict:
    match facts.support:
        case Support.ACCEPTED:
            return Verdict.passed(f"port {facts.port} speaks TLS")
        case Support.REFUSED:
            return Verdict.failed(
                f"no TLS on port {facts.port}: {facts.reason}", evidence={"answer": facts.reason}
            )
        case Support.UNKNOWN if facts.has_plain_web:
            # The page in the clear is the proof: such servers wait for a hello's end of line.
            message = f"port {facts.port} answers HTTP in the clear, and no TLS: {facts.reason}"
            return Verdict.failed(message, evidence={"answer": facts.reason})
        case Support.UNKNOWN:
            return Verdict.not_evaluated(f"port {facts.port}: {facts.reason}")


CHECKS: tuple[Check[AbsenceFacts], ...] = (has_tls_where_it_is_expected,)
