"""Services beside the web: SSH, databases, desktops, UDP; and TLS that is not there."""

import asyncio

from services.scanner import ssh, tls
from services.scanner.address import Address
from services.scanner.check import CheckResult, Endpoint, Verdict
from services.scanner.net.facts import PortFacts, PortState, Service
from services.scanner.record import Record
from services.scanner.service import (
    RESOLVER_SUITE,
    SNMP_SUITE,
    SUITES_BY_SERVICE,
    SUITES_BY_USUAL_PORT,
    ServiceSubject,
    ServiceSuite,
)
from services.scanner.site_scan import Run
from services.scanner.tls.facts import Support

_DNS_PORT, _HTTP_PORT, _SNMP_PORT = 53, 80, 161


async def look_at_service(record: Record, run: Run, address: Address, service: Service) -> None:
    """What was recognised at one port is asked its own question; unknown services get none."""
    host, port = record.host, service.port
    if service.name == "ssh":
        subject = ssh.SshSubject(address, port)
        await run(ssh.SUITE, subject, Endpoint(host, port, "ssh"), ssh.describe)
        return
    suite = SUITES_BY_SERVICE.get(service.name)
    if suite is not None:
        name = record.target.name
        asked = ServiceSubject(address, port, service.name, service.is_tls, name)
        await run(suite, asked, Endpoint(host, port, "tcp"))
    elif service.name == "dns" and port != _DNS_PORT:
        await _look_at_datagrams(record, run, address, RESOLVER_SUITE, port)


def judge_refused(record: Record, ports: PortFacts) -> None:
    """What is not exposed where it usually is, so that a door that was closed is seen as closed.

    Only where something is open: a host that refuses everything is one line, not dozens.
    """
    if not ports.open_ports:
        return
    verdict = Verdict.passed("the port refuses connections")
    for port in ports.closed_ports:
        suite = SUITES_BY_USUAL_PORT.get(port)
        endpoint = Endpoint(record.host, port, "tcp")
        checks = suite.checks if suite is not None else ()
        record.checks.extend(CheckResult(check.info, endpoint, verdict) for check in checks)


async def look_at_udp(record: Record, run: Run, address: Address) -> None:
    """One datagram to DNS, and one to SNMP where that is switched on."""
    async with asyncio.TaskGroup() as tasks:
        for suite, port in ((RESOLVER_SUITE, _DNS_PORT), (SNMP_SUITE, _SNMP_PORT)):
            tasks.create_task(_look_at_datagrams(record, run, address, suite, port))


async def _look_at_datagrams(
    record: Record, run: Run, address: Address, suite: ServiceSuite, port: int
) -> None:
    subject = ServiceSubject(address, port, suite.name, server_name=record.target.name)
    await run(suite, subject, Endpoint(record.host, port, "udp"))


async def look_for_tls(record: Record, run: Run, ports: PortFacts) -> None:
    """Where a browser expects it: on 443 and 8443, and beside a site on port 80."""
    name = record.target.name
    for port in tls.HTTPS_PORTS:
        endpoint, seen = Endpoint(record.host, port, "tls"), record.services.get(port)
        if seen is not None and seen.is_tls:
            found = tls.AbsenceFacts(port, Support.ACCEPTED, "it was recognised by its answer")
            record.checks.extend(tls.ABSENCE_SUITE.judge(found, endpoint))
        elif seen is not None:
            subject = tls.AbsenceSubject(ports.address, port, name, has_plain_web=seen.is_web)
            await run(tls.ABSENCE_SUITE, subject, endpoint)
    if _has_site_in_the_clear_alone(record, ports):
        port = tls.HTTPS_PORTS[0]
        subject = tls.AbsenceSubject(ports.address, port, name, is_open=False)
        await run(tls.ABSENCE_SUITE, subject, Endpoint(record.host, port, "tls"))


def _has_site_in_the_clear_alone(record: Record, ports: PortFacts) -> bool:
    site = record.services.get(_HTTP_PORT)
    has_tls = any(service.is_tls for service in record.services.values())
    is_refused = ports.states.get(tls.HTTPS_PORTS[0]) is PortState.CLOSED
    return site is not None and site.is_web and is_refused and not has_tls
