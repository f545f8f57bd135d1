"""Earlier findings are proven gone by a refusal or by another protocol, never by silence."""

from ipaddress import ip_address

import pytest

from services.scanner.check import Endpoint, Outcome
from services.scanner.engine import CATALOGUE
from services.scanner.gone import judge_known
from services.scanner.net.facts import PortFacts, PortState, Service
from services.scanner.result import Known

HOST = "192.0.2.1"
OPEN, CLOSED, SILENT = PortState.OPEN, PortState.CLOSED, PortState.SILENT
TLS, HTTPS, HTTP, SSH = (
    Known("tls.cert.expired", Endpoint(HOST, 9443, "tls")),
    Known("http.hsts.missing", Endpoint(HOST, 9443, "https")),
    Known("http.csp.missing", Endpoint(HOST, 9443, "http")),
    Known("ssh.kex.weak", Endpoint(HOST, 9443, "ssh")),
)
DATABASE = Known("svc.db.exposed", Endpoint(HOST, 9443, "tcp"))
DATAGRAM = Known("svc.snmp.public", Endpoint(HOST, 9443, "udp"))
DNS = Known("dns.caa.missing", Endpoint(HOST, None, "dns"))


def _gone(*known: Known, state: PortState, service: Service | None = None) -> set[str]:
    """The checks that pass at port 9443 while something else is open on the host."""
    ports = PortFacts(ip_address(HOST), {9443: state, 80: OPEN})
    services = {} if service is None else {service.port: service}
    results = list(judge_known(known, CATALOGUE, ports, services))
    assert all(result.verdict.outcome is Outcome.PASSED for result in results)
    return {result.check.id for result in results}


def test_a_refused_connection_proves_whatever_was_there_gone() -> None:
    every = (TLS, HTTPS, HTTP, SSH, DATABASE)

    assert _gone(*every, DATAGRAM, DNS, state=CLOSED) == {known.check_id for known in every}


@pytest.mark.parametrize("state", [SILENT, PortState.UNREACHABLE])
def test_silence_proves_nothing(state: PortState) -> None:
    assert _gone(TLS, HTTPS, HTTP, SSH, DATABASE, state=state) == set()


def test_a_port_that_was_not_swept_proves_nothing() -> None:
    elsewhere = Known("tls.cert.expired", Endpoint(HOST, 1234, "tls"))

    assert _gone(elsewhere, state=CLOSED) == set()


def test_a_host_that_refuses_everything_proves_nothing() -> None:
    """Somebody on the way may answer in its name."""
    ports = PortFacts(ip_address(HOST), {9443: CLOSED, 80: CLOSED})

    assert list(judge_known([TLS], CATALOGUE, ports, {})) == []


@pytest.mark.parametrize(
    ("service", "gone"),
    [
        (Service(9443, "ssh"), {TLS, HTTPS, HTTP}),
        (Service(9443, "http", is_web=True), {TLS, HTTPS, SSH}),
        (Service(9443, "https", is_tls=True, is_web=True), {HTTP, SSH}),
        (Service(9443, "imaps", is_tls=True), {HTTPS, HTTP, SSH}),
        (Service(9443, "redis"), {TLS, HTTPS, HTTP, SSH}),
        # TLS is certain, what is inside is not.
        (Service(9443, "tls", is_tls=True), {HTTP, SSH}),
        (Service(9443), set[Known]()),
        (Service(9443, has_spoken=False), set[Known]()),
    ],
)
def test_another_protocol_leaves_no_room_for_the_old_one(
    service: Service, gone: set[Known]
) -> None:
    found = _gone(TLS, HTTPS, HTTP, SSH, state=OPEN, service=service)

    assert found == {known.check_id for known in gone}


def test_a_check_that_is_no_longer_there_is_left_alone() -> None:
    assert _gone(Known("tls.retired", TLS.endpoint), state=CLOSED) == set()
