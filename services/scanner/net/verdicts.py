"""The results of the checks on hosts and ports, each at its own endpoint."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from services.scanner.check import Check, CheckInfo, CheckResult, Endpoint, Verdict
from services.scanner.net.checks import (
    HOST_CHECKS,
    PORT_CHECKS,
    SCOPE_CHECKS,
    NameFacts,
    ScopeFacts,
)
from services.scanner.net.facts import HostFacts, PortState, PortView

Facts = TypeVar("Facts")

INFOS: tuple[CheckInfo, ...] = tuple(
    check.info for check in (*HOST_CHECKS, *PORT_CHECKS, *SCOPE_CHECKS)
)


def judge_scope(facts: ScopeFacts) -> Iterator[CheckResult]:
    return _judge(SCOPE_CHECKS, facts, Endpoint(facts.host))


def judge_host(facts: HostFacts) -> Iterator[CheckResult]:
    """The host as a whole, each open port that was asked, and each that refuses.

    A refusal has to be said, or an open port that was closed would stay a finding for ever; but
    only where something is open: a host that refuses everything is one line, not hundreds.
    """
    yield from _judge(HOST_CHECKS, facts, Endpoint(facts.host))
    if not facts.ports.open_ports:
        return
    for port, state in sorted(facts.ports.states.items()):
        service = facts.services.get(port)
        if state is PortState.OPEN and not (facts.is_proxied and service is None):
            view = PortView(port, state, service, is_proxied=facts.is_proxied)
            yield from _judge(PORT_CHECKS, view, Endpoint(facts.host, port, "tcp"))
        elif state is PortState.CLOSED:
            endpoint = Endpoint(facts.host, port, "tcp")
            yield from _judge(PORT_CHECKS[:1], PortView(port, state), endpoint)


def judge_name(facts: NameFacts) -> Iterator[CheckResult]:
    """A name without an address."""
    return _judge(HOST_CHECKS, facts, Endpoint(facts.host))


def without_sweep(host: str, reason: str) -> Iterator[CheckResult]:
    """The sweep did not get to an end."""
    for check in HOST_CHECKS:
        yield CheckResult(check.info, Endpoint(host), Verdict.not_evaluated(reason))


def _judge(
    checks: Sequence[Check[Facts]], facts: Facts, endpoint: Endpoint
) -> Iterator[CheckResult]:
    for check in checks:
        yield CheckResult(check.info, endpoint, check.judge(facts))
