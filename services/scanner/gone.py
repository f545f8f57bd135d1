"""Earlier findings at a port that is closed now, or that speaks another protocol. Pure.

No suite looks at such a port any more, so nobody else would say that the finding is gone. Only a
proof counts: a refused connection on a host that serves something, or another protocol recognized
by what it says. Silence proves nothing.
"""

from collections.abc import Collection, Iterator, Mapping

from services.scanner.check import CheckInfo, CheckResult, Endpoint, Verdict
from services.scanner.net.facts import UNKNOWN_SERVICE, PortFacts, PortState, Service
from services.scanner.result import Known

_UNNAMED = frozenset({UNKNOWN_SERVICE, "tls"})


def judge_known(
    known: Collection[Known],
    catalogue: Mapping[str, CheckInfo],
    ports: PortFacts,
    services: Mapping[int, Service],
) -> Iterator[CheckResult]:
    """A pass for each finding that cannot be there any more."""
    if not ports.open_ports:
        return
    for finding in known:
        info = catalogue.get(finding.check_id)
        reason = _why_gone(finding.endpoint, ports, services)
        if info is not None and reason:
            yield CheckResult(info, finding.endpoint, Verdict.passed(reason))


def _why_gone(endpoint: Endpoint, ports: PortFacts, services: Mapping[int, Service]) -> str:
    if endpoint.port is None or endpoint.protocol == "udp":
        return ""
    if ports.states.get(endpoint.port) is PortState.CLOSED:
        return "the port refuses connections"
    service = services.get(endpoint.port)
    if service is not None and _excludes(service, endpoint.protocol):
        return f"the port speaks {service.name}"
    return ""


def _excludes(service: Service, protocol: str) -> bool:
    """Whether what was recognized at a port leaves no room for a protocol."""
    is_named = service.name not in _UNNAMED
    match protocol:
        case "tls":
            return is_named and not service.is_tls
        case "https":
            return is_named and not (service.is_tls and service.is_web)
        case "http":
            return service.is_tls or (is_named and not service.is_web)
        case "ssh":
            return service.is_tls or (is_named and service.name != "ssh")
        case _:
            return False
