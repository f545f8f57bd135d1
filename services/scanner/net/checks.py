"""Judging hosts and ports. Pure: facts in, verdicts out."""

from dataclasses import dataclass

from services.scanner.check import Check, Verdict, check
from services.scanner.net.facts import UNKNOWN_SERVICE, HostFacts, PortState, PortView

_ARTICLE = "Directive (EU) 2022/2555, Article 21(2)(i)"
_INVENTORY = "Implementing Regulation (EU) 2024/2690, annex 12.4"
_ASKED = (
    *("Redis", "PostgreSQL", "RDP", "MongoDB", "SMB", "SQL Server", "Oracle", "X11"),
    *("memcached", "DNS"),
)
_NETWORK = "Implementing Regulation (EU) 2024/2690, annex 6.7.2"


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """The addresses of a target, and those of them that may not be scanned."""

    host: str
    addresses: tuple[str, ...]
    refused: tuple[tuple[str, str], ...] = ()
    """Each refused address and the rule that refuses it."""


@dataclass(frozen=True, slots=True)
class NameFacts:
    """A name without any address; ``is_known`` is False when the resolver could not tell."""

    host: str
    reason: str
    is_known: bool


def _no_address(facts: NameFacts) -> Verdict:
    if not facts.is_known:
        return Verdict.not_evaluated(facts.reason)
    return Verdict.failed(
        f"{facts.host} has no address", evidence={"host": facts.host, "resolver": facts.reason}
    )


@check(
    "net.host.unreachable",
    rationale=(
        "What stands in the asset inventory and answers nowhere is either gone, moved or hidden"
        " by a firewall: the inventory should say which."
    ),
    remediation=(
        "Confirm that the asset still exists and that the scanner may reach it; remove it from"
        " the inventory if it is gone."
    ),
    sources=(_ARTICLE, f"{_INVENTORY}.2"),
)
def host_unreachable(facts: HostFacts | NameFacts) -> Verdict:
    if isinstance(facts, NameFacts):
        return _no_address(facts)
    ports = facts.ports
    if ports.open_ports:
        return Verdict.passed(f"{len(ports.open_ports)} of {len(ports.states)} ports are open")
    if not ports.states:
        return Verdict.not_evaluated("no port was probed")
    evidence = {"address": str(ports.address), "ports_probed": len(ports.states)}
    if ports.is_alive:
        message = f"{ports.address} answers, and none of {len(ports.states)} ports is open"
    else:
        message = f"No answer from {ports.address} on any of {len(ports.states)} ports"
    return Verdict.failed(message, evidence=evidence | {"refuses": ports.is_alive})


@check(
    "net.port.open",
    rationale=(
        "Every reachable service is a way in that has to be known, needed, kept up to date and"
        " watched; what is not needed should not be reachable."
    ),
    remediation=(
        "Compare the service with the inventory; close the port or limit who may reach it when"
        " it is not meant for the internet."
    ),
    sources=(_ARTICLE, f"{_INVENTORY}.2", f"{_NETWORK}(f)"),
)
def port_open(view: PortView) -> Verdict:
    if view.state is PortState.CLOSED:
        return Verdict.passed("the port refuses connections")
    if view.state is not PortState.OPEN:
        return Verdict.not_evaluated("no answer from the port")
    service = view.service
    if view.is_proxied and service is not None and not service.has_spoken:
        return Verdict.not_evaluated(
            "nearly every port of the host accepts connections and says nothing: a proxy in front"
            " of it answers, so an open port proves no service"
        )
    name = service.name if service is not None else UNKNOWN_SERVICE
    banner = service.banner if service is not None else ""
    told = f" ({banner})" if banner else ""
    return Verdict.failed(
        f"Port {view.port} is open: {name}{told}", evidence={"service": name, "banner": banner}
    )


@check(
    "net.port.unresponsive",
    rationale=(
        "A port that accepts and then says nothing hides what listens there: a proxy that"
        " accepts everything, a service that waits for its own protocol, or one that hangs."
    ),
    remediation=(
        "Find out by hand what listens on the port; close it when nobody needs it. A proxy or"
        " content network in front of the host needs no action."
    ),
    sources=("Directive (EU) 2022/2555, Article 21(2)(e)", f"{_NETWORK}(c)"),
)
def port_unresponsive(view: PortView) -> Verdict:
    if view.state is not PortState.OPEN:
        return Verdict.not_applicable("the port is not open")
    if view.service is None:
        return Verdict.not_evaluated("the port was not asked what it is")
    if view.service.has_spoken:
        return Verdict.passed(f"the port answers: {view.service.name}")
    suffix = ", as do nearly all ports of the host" if view.is_proxied else ""
    return Verdict.failed(
        f"Port {view.port} accepts connections and then says nothing{suffix}",
        evidence={
            "asked": ["TLS", "HTTP", *_ASKED],
            "proxied": view.is_proxied,
        },
    )


@check(
    "net.target.out_of_scope",
    rationale=(
        "A public name that leads to a private, reserved or metadata address tells about the"
        " inside of a network and can turn a scanner, or a browser, against it."
    ),
    remediation=(
        "Correct the DNS record. If the network is yours and meant to be scanned, have an"
        " operator list it in NIS2_SCAN_ALLOWED_NETWORKS."
    ),
    sources=("RFC 6890", "RFC 4193", f"{_NETWORK}(c)"),
)
def target_out_of_scope(facts: ScopeFacts) -> Verdict:
    if not facts.addresses:
        return Verdict.not_evaluated("no address of the target is known")
    if not facts.refused:
        return Verdict.passed("every address of the target may be scanned")
    return Verdict.failed(
        "; ".join(reason for _, reason in facts.refused),
        evidence={
            "addresses": list(facts.addresses),
            "refused": [address for address, _ in facts.refused],
        },
    )


HOST_CHECKS: tuple[Check[HostFacts | NameFacts], ...] = (host_unreachable,)
PORT_CHECKS: tuple[Check[PortView], ...] = (port_open, port_unresponsive)
SCOPE_CHECKS: tuple[Check[ScopeFacts], ...] = (target_out_of_scope,)
