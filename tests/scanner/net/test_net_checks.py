"""Verdicts about hosts and ports, from facts made by hand."""

from ipaddress import ip_address

import pytest

from services.scanner.check import Outcome
from services.scanner.net.checks import (
    NameFacts,
    ScopeFacts,
    host_unreachable,
    port_open,
    port_unresponsive,
    target_out_of_scope,
)
from services.scanner.net.facts import HostFacts, PortFacts, PortState, PortView, Service
from services.scanner.net.verdicts import judge_host

ADDRESS = ip_address("192.0.2.7")


def _host(states: dict[int, PortState], services: dict[int, Service] | None = None) -> HostFacts:
    return HostFacts("192.0.2.7", PortFacts(ADDRESS, states), services or {})


def test_a_host_with_an_open_port_is_reachable() -> None:
    verdict = host_unreachable.judge(_host({22: PortState.OPEN, 23: PortState.SILENT}))

    assert verdict.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({22: PortState.SILENT, 23: PortState.UNREACHABLE}, "No answer from 192.0.2.7"),
        ({22: PortState.CLOSED, 23: PortState.SILENT}, "192.0.2.7 answers"),
    ],
)
def test_no_open_port_is_said_without_calling_the_host_down(
    states: dict[int, PortState], words: str
) -> None:
    verdict = host_unreachable.judge(_host(states))

    assert verdict.outcome is Outcome.FAILED
    assert verdict.problems[0].message.startswith(words)


def test_nothing_probed_proves_nothing() -> None:
    assert host_unreachable.judge(_host({})).outcome is Outcome.NOT_EVALUATED


def test_an_absent_address_fails_and_an_unknown_one_does_not() -> None:
    absent = NameFacts("gone.test", "NXDOMAIN", is_known=True)
    unknown = NameFacts("gone.test", "no resolver answered", is_known=False)

    assert host_unreachable.judge(absent).outcome is Outcome.FAILED
    assert host_unreachable.judge(unknown).outcome is Outcome.NOT_EVALUATED


@pytest.mark.parametrize(
    ("view", "outcome"),
    [
        (PortView(22, PortState.OPEN, Service(22, "ssh", "SSH-2.0-x")), Outcome.FAILED),
        (PortView(22, PortState.OPEN), Outcome.FAILED),
        (PortView(22, PortState.CLOSED), Outcome.PASSED),
        (PortView(22, PortState.SILENT), Outcome.NOT_EVALUATED),
        (
            PortView(22, PortState.OPEN, Service(22, has_spoken=False), is_proxied=True),
            Outcome.NOT_EVALUATED,
        ),
    ],
)
def test_an_open_port_is_told_with_its_service(view: PortView, outcome: Outcome) -> None:
    assert port_open.judge(view).outcome is outcome


def test_an_unidentified_service_stays_unknown_whatever_its_port() -> None:
    verdict = port_open.judge(PortView(443, PortState.OPEN, Service(443)))

    assert verdict.problems[0].evidence["service"] == "unknown"
    assert "http" not in verdict.problems[0].message


@pytest.mark.parametrize(
    ("view", "outcome"),
    [
        (PortView(99, PortState.OPEN, Service(99, has_spoken=False)), Outcome.FAILED),
        (PortView(99, PortState.OPEN, Service(99, "ssh")), Outcome.PASSED),
        (PortView(99, PortState.OPEN), Outcome.NOT_EVALUATED),
        (PortView(99, PortState.CLOSED), Outcome.NOT_EVALUATED),
    ],
)
def test_a_port_that_says_nothing_is_unresponsive(view: PortView, outcome: Outcome) -> None:
    assert port_unresponsive.judge(view).outcome is outcome


def test_a_refused_address_is_out_of_scope() -> None:
    facts = ScopeFacts("intern.test", ("192.0.2.1", "10.0.0.1"), (("10.0.0.1", "is private"),))

    verdict = target_out_of_scope.judge(facts)

    assert verdict.outcome is Outcome.FAILED
    assert verdict.problems[0].evidence["refused"] == ["10.0.0.1"]
    assert target_out_of_scope.judge(ScopeFacts("a.test", ("192.0.2.1",))).outcome is Outcome.PASSED


def test_a_closed_port_passes_where_something_else_is_open() -> None:
    """Otherwise a port that was closed since the last scan would stay a finding for ever."""
    services = {22: Service(22, "ssh")}
    results = list(judge_host(_host({22: PortState.OPEN, 80: PortState.CLOSED}, services)))

    seen = {(r.check.id, r.endpoint.port): r.verdict.outcome for r in results}
    assert seen == {
        ("net.host.unreachable", None): Outcome.PASSED,
        ("net.port.open", 22): Outcome.FAILED,
        ("net.port.unresponsive", 22): Outcome.PASSED,
        ("net.port.open", 80): Outcome.PASSED,
    }


def test_a_host_that_refuses_everything_is_one_line() -> None:
    results = list(judge_host(_host(dict.fromkeys(range(1, 101), PortState.CLOSED))))

    assert [result.check.id for result in results] == ["net.host.unreachable"]


def test_a_proxy_that_accepts_everything_makes_no_hundred_findings() -> None:
    services = {port: Service(port, has_spoken=False) for port in range(1, 12)}
    services[80] = Service(80, "http", is_web=True)
    facts = _host(dict.fromkeys(range(1, 101), PortState.OPEN), services)

    results = list(judge_host(facts))

    opened = [r for r in results if r.check.id == "net.port.open"]
    assert facts.is_proxied
    assert [r.endpoint.port for r in opened if r.verdict.outcome is Outcome.FAILED] == [80]
    assert len(opened) == len(services)
