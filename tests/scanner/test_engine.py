"""The whole engine against servers on loopback: one target from its name to its verdicts."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from services.scanner.address import AddressPolicy
from services.scanner.check import CheckResult, Endpoint, Outcome, catalogue_entries
from services.scanner.context import ProbeOptions
from services.scanner.engine import (
    CATALOGUE,
    SUITES,
    NetworkScanner,
    catalogue_of,
    open_context,
)
from services.scanner.profile import Features, Profile, ScanType
from services.scanner.record import TIME_LIMIT
from services.scanner.result import Known, TargetResult, TargetStatus
from services.scanner.target import Target, parse_target
from tests.lab.certificates import Authority, in_days
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Signing, ZoneSpec
from tests.lab.web_server import Page, Site, html, serve_site, server_context
from tests.scanner.net.listeners import listening
from tests.scanner.service.speaking import knows
from tests.scanner.ssh.servers import GOOD, offering

# Addresses that nothing else on a developer's machine is likely to listen on.
HOST = "127.77.0.1"
DEAD_HOST = "127.77.0.9"
HTTPS_PORT, HTTP_PORT = 8443, 8080
LOOPBACK = (ip_network("127.0.0.0/8"),)

QUICK = Profile(ScanType.QUICK)
OPTIONS = ProbeOptions(
    connect_timeout_s=2.0,
    exchange_timeout_s=2.0,
    port_timeout_s=0.5,
    connections_per_second=1000.0,
    connections_per_address=8,
)
SITE = Site(pages={"/": html("<title>lab</title>hello", ("Set-Cookie", "session=1"))})


@asynccontextmanager
async def _scanner(
    options: ProbeOptions = OPTIONS, policy: AddressPolicy | None = None
) -> AsyncGenerator[NetworkScanner]:
    async with open_context(options, policy or AddressPolicy(LOOPBACK)) as context:
        yield NetworkScanner(context)


async def _scan(
    target: Target, profile: Profile = QUICK, options: ProbeOptions = OPTIONS
) -> TargetResult:
    async with _scanner(options) as scanner:
        return await scanner.scan(target, profile)


@asynccontextmanager
async def _web_host(directory: Path) -> AsyncGenerator[None]:
    """HTTPS and HTTP on one address."""
    identity = Authority.create("Lab Root").issue(["shop.lab.test"], not_after=in_days(3))
    context = server_context(identity, directory)
    async with (
        serve_site(SITE, host=HOST, port=HTTPS_PORT, ssl_context=context),
        serve_site(SITE, host=HOST, port=HTTP_PORT),
    ):
        yield


@contextmanager
def _dns_lab() -> Generator[ProbeOptions]:
    """Options with a resolver that knows a handful of names."""
    zones = (
        ZoneSpec("shop.test", f"@ A {HOST}\n@ MX 0 .\n@ TXT v=spf1\\ -all", Signing.UNSIGNED),
        ZoneSpec("mixed.test", f"@ A {HOST}\n@ A 10.9.8.7", Signing.UNSIGNED),
        ZoneSpec("dead.test", f"@ A {DEAD_HOST}", Signing.UNSIGNED),
        ZoneSpec("empty.test", '@ TXT "v=spf1 -all"', Signing.UNSIGNED),
        ZoneSpec("broken.test", f"@ A {HOST}", Signing.UNSIGNED),
    )
    with DnsLab(zones, {"broken.test": Fault.SERVFAIL}, host="127.77.0.53") as lab:
        yield replace(OPTIONS, dns_servers=((ip_address(lab.host), lab.port),))


def _of(result: TargetResult, check_id: str) -> list[CheckResult]:
    return [found for found in result.checks if found.check.id == check_id]


def _outcome(result: TargetResult, check_id: str, port: int | None = None) -> Outcome:
    (found,) = [c for c in _of(result, check_id) if c.endpoint.port == port]
    return found.verdict.outcome


def _sweep_threads() -> Iterator[threading.Thread]:
    return (thread for thread in threading.enumerate() if thread.name == "port-sweep")


def test_every_check_stands_in_the_catalogue_and_says_why_and_what_to_do() -> None:
    assert set(CATALOGUE) <= set(catalogue_entries())
    for check_id, info in CATALOGUE.items():
        assert catalogue_of(check_id).id == check_id
        assert info.rationale, check_id
        assert info.remediation, check_id
        assert info.sources, check_id


def test_no_suite_has_a_check_twice_and_an_id_means_one_thing() -> None:
    for suite in SUITES:
        ids = Counter(check.info.id for check in suite.checks)
        assert max(ids.values()) == 1, suite.name
        assert all(CATALOGUE[check.info.id] == check.info for check in suite.checks)


async def test_a_web_host_is_evaluated_port_by_port(tmp_path: Path) -> None:
    async with _web_host(tmp_path):
        result = await _scan(parse_target(HOST))

    assert result.status is TargetStatus.EVALUATED
    assert result.is_alive
    assert {HTTPS_PORT, HTTP_PORT} <= set(result.open_ports)
    services = {service["port"]: service["service"] for service in result.services}
    assert (services[HTTPS_PORT], services[HTTP_PORT]) == ("https", "http")
    assert set(result.tls_info) >= {str(HTTPS_PORT)}
    assert set(result.http_info) >= {str(HTTPS_PORT), str(HTTP_PORT)}
    assert _outcome(result, "net.host.unreachable") is Outcome.PASSED
    assert _outcome(result, "net.target.out_of_scope") is Outcome.PASSED
    assert _outcome(result, "net.port.open", HTTP_PORT) is Outcome.FAILED
    assert _outcome(result, "tls.cert.expiring_soon", HTTPS_PORT) is Outcome.FAILED
    assert _outcome(result, "http.cookie.no_secure", HTTPS_PORT) is Outcome.FAILED
    assert _outcome(result, "http.redirect.missing", HTTP_PORT) is Outcome.FAILED


async def test_no_endpoint_gets_two_verdicts_of_one_check(tmp_path: Path) -> None:
    async with _web_host(tmp_path):
        result = await _scan(parse_target(HOST))

    seen = Counter((found.check.id, found.endpoint) for found in result.checks)
    assert max(seen.values()) == 1


async def test_a_domain_is_scanned_by_name_with_its_zone_and_mail(tmp_path: Path) -> None:
    with _dns_lab() as options:
        async with _web_host(tmp_path):
            result = await _scan(parse_target("shop.test"), options=options)

    assert result.addresses == (HOST,)
    assert {found.endpoint.host for found in result.checks} == {"shop.test"}
    assert result.dns_info
    assert result.mail_info
    assert _outcome(result, "tls.cert.hostname_mismatch", HTTPS_PORT) is Outcome.FAILED
    assert _outcome(result, "mail.spf.missing") is Outcome.PASSED
    assert _outcome(result, "mail.dmarc.missing") is Outcome.FAILED


async def test_a_dead_host_is_unreachable_and_nothing_about_it_is_judged() -> None:
    result = await _scan(parse_target(DEAD_HOST), options=replace(OPTIONS, ports_in_flight=50))
    web = [c for c in result.checks if c.check.category in {"tls", "http"}]

    assert result.status is TargetStatus.UNREACHABLE
    assert result.open_ports == ()
    assert _outcome(result, "net.host.unreachable") is Outcome.FAILED
    assert {c.verdict.outcome for c in web} == {Outcome.NOT_EVALUATED}
    assert {c.verdict.reason for c in web} == {"no port is open"}


async def test_a_dead_domain_still_has_a_zone() -> None:
    with _dns_lab() as options:
        result = await _scan(parse_target("dead.test"), options=options)

    assert result.status is TargetStatus.PARTIALLY_EVALUATED
    assert result.reason == "no port is open"
    assert _outcome(result, "dns.caa.missing") is Outcome.FAILED


async def test_a_name_without_address_is_unresolved_and_its_mail_is_judged() -> None:
    with _dns_lab() as options:
        result = await _scan(parse_target("empty.test"), options=options)

    assert result.status is TargetStatus.UNRESOLVED
    assert result.addresses == ()
    assert _outcome(result, "net.host.unreachable") is Outcome.FAILED
    assert _outcome(result, "mail.spf.missing") is Outcome.PASSED


async def test_a_resolver_that_fails_does_not_prove_that_a_name_is_gone() -> None:
    with _dns_lab() as options:
        result = await _scan(parse_target("broken.test"), options=options)

    assert result.status is TargetStatus.UNRESOLVED
    assert _outcome(result, "net.host.unreachable") is Outcome.NOT_EVALUATED


@pytest.mark.parametrize("text", ["127.77.0.1", "::1", "169.254.169.254", "10.0.0.1"])
async def test_a_forbidden_address_is_blocked_before_any_packet(text: str) -> None:
    """SSRF-2, SSRF-3."""
    async with (
        serve_site(SITE, host=HOST, port=HTTP_PORT) as server,
        _scanner(policy=AddressPolicy()) as scanner,
    ):
        result = await scanner.scan(parse_target(text), QUICK)

    assert result.status is TargetStatus.BLOCKED
    assert text in result.reason
    assert [found.check.id for found in result.checks] == ["net.target.out_of_scope"]
    assert result.checks[0].verdict.outcome is Outcome.FAILED
    assert server.requests == []


async def test_one_forbidden_address_refuses_the_whole_name() -> None:
    """SSRF-4: a mixed answer."""
    with _dns_lab() as options:
        async with serve_site(SITE, host=HOST, port=HTTP_PORT) as server:
            result = await _scan(parse_target("mixed.test"), options=options)

    assert result.status is TargetStatus.BLOCKED
    assert "10.9.8.7" in result.reason
    assert server.requests == []


async def test_what_is_switched_off_is_neither_done_nor_told(tmp_path: Path) -> None:
    features = Features(port_scan=False, web_checks=True, dns_checks=False, whois_checks=False)
    with _dns_lab() as options:
        async with _web_host(tmp_path):
            profile = Profile(ScanType.CUSTOM, features)
            result = await _scan(parse_target("shop.test"), profile, options)

    assert result.open_ports == (HTTP_PORT, HTTPS_PORT)
    assert not result.dns_info
    categories = Counter(found.check.category for found in result.checks)
    assert set(categories) == {"tls", "http", "sectxt", "net"}
    assert categories["net"] == 1  # the scope of the addresses


async def test_a_scan_of_ports_alone_asks_no_web_question(tmp_path: Path) -> None:
    features = Features(web_checks=False, dns_checks=False)
    async with _web_host(tmp_path):
        result = await _scan(parse_target(HOST), Profile(ScanType.CUSTOM, features))

    assert {found.check.category for found in result.checks} == {"net", "svc"}
    assert HTTPS_PORT in result.open_ports


# One connection a second: enough to see TLS within three seconds, and not to assess it.
@pytest.mark.parametrize(
    "slow",
    [
        replace(OPTIONS, connections_per_second=1.0),
        replace(OPTIONS, connections_per_second_per_payer=1.0),
    ],
    ids=["address", "payer"],
)
async def test_what_is_under_way_at_the_time_limit_is_not_evaluated(
    tmp_path: Path, slow: ProbeOptions
) -> None:
    """TGT-1: what was seen until then counts."""
    features = Features(port_scan=False)
    profile = Profile(ScanType.CUSTOM, features, probe_timeout_s=0.5, payer="an organization")
    identity = Authority.create("Lab Root").issue(["shop.lab.test"])
    context = server_context(identity, tmp_path)
    async with serve_site(SITE, host=HOST, port=HTTPS_PORT, ssl_context=context):
        result = await _scan(parse_target(HOST), profile, slow)

    assert result.status is TargetStatus.PARTIALLY_EVALUATED
    assert result.reason == TIME_LIMIT
    assert result.errors[0] == f"{TIME_LIMIT} (3 s)"
    assert 2900 < result.duration_ms < 4500
    assert [service["service"] for service in result.services] == ["https"]
    (expired,) = _of(result, "tls.cert.expired")
    assert expired.endpoint.port == HTTPS_PORT
    assert (expired.verdict.outcome, expired.verdict.reason) == (Outcome.NOT_EVALUATED, TIME_LIMIT)


async def test_the_wait_for_other_targets_of_an_address_is_not_a_targets_own_time() -> None:
    """All places are taken for longer than the time limit of a target."""
    profile = replace(QUICK, probe_timeout_s=1.0)
    async with (
        listening(offering(GOOD), host=HOST, port=22),
        open_context(OPTIONS, AddressPolicy(LOOPBACK)) as context,
        asyncio.TaskGroup() as tasks,
    ):
        budget = context.connector.budget(ip_address(HOST))
        places = 0
        while not budget.targets.locked():
            await budget.targets.acquire()
            places += 1
        scan = tasks.create_task(NetworkScanner(context).scan(parse_target(HOST), profile))
        await asyncio.sleep(profile.target_timeout_s + 0.5)
        assert not scan.done()
        for _ in range(places):
            budget.targets.release()

    assert scan.result().errors == ()
    assert [service["service"] for service in scan.result().services] == ["ssh"]


async def test_a_resolver_that_says_nothing_does_not_hold_a_scan() -> None:
    """TGT-1: nothing at all was seen, and every applicable check says so."""
    with closing(socket.socket(type=socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.77.0.54", 0))
        servers = ((ip_address("127.77.0.54"), silent.getsockname()[1]),)
        profile = replace(QUICK, probe_timeout_s=0.05)
        result = await _scan(
            parse_target("shop.test"), profile, replace(OPTIONS, dns_servers=servers)
        )

    assert result.status is TargetStatus.PARTIALLY_EVALUATED
    assert result.reason == TIME_LIMIT
    assert result.duration_ms < 2000
    assert {c.verdict.outcome for c in result.checks} == {Outcome.NOT_EVALUATED}
    assert {c.check.category for c in result.checks} >= {"net", "tls", "http"}


async def test_a_cancelled_scan_leaves_no_thread_and_no_socket() -> None:
    """Neither in the sweep nor while a service is asked what it is."""
    is_asked = asyncio.Event()

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        is_asked.set()
        await reader.read()
        writer.transport.abort()

    server = await asyncio.start_server(listens, HOST, HTTP_PORT)
    async with server, _scanner() as scanner:
        before = _established()
        async with asyncio.TaskGroup() as tasks:
            scan = tasks.create_task(scanner.scan(parse_target(HOST), QUICK))
            await is_asked.wait()
            scan.cancel()
        assert scan.cancelled()
        assert list(_sweep_threads()) == []
        assert _established() == before


async def test_concurrent_scans_do_not_mix_their_results(tmp_path: Path) -> None:
    hosts = [f"127.77.1.{n}" for n in range(1, 33)]
    async with (
        serve_site(Site(pages={"/": Page()}), host=hosts[4], port=HTTP_PORT),
        _scanner() as scanner,
        asyncio.TaskGroup() as tasks,
    ):
        scans = [tasks.create_task(scanner.scan(parse_target(host), QUICK)) for host in hosts]
        results = [await scan for scan in scans]

    assert [result.target.value for result in results] == hosts
    assert [r.target.value for r in results if HTTP_PORT in r.open_ports] == [hosts[4]]


async def test_services_beside_the_web_are_asked_their_own_question() -> None:
    """SSH and Redis on ports of the quick list; each answers only in its own protocol."""
    host = "127.77.2.1"
    redis = knows({b"PING": b"+PONG\r\n"})
    async with (
        listening(offering(GOOD), host=host, port=8000),
        listening(redis, host=host, port=6379),
    ):
        result = await _scan(parse_target(host))

    assert {s["port"]: s["service"] for s in result.services} == {8000: "ssh", 6379: "redis"}
    assert result.ssh_info["8000"]["protocol"] == "2.0"
    assert _outcome(result, "ssh.terrapin", 8000) is Outcome.PASSED
    assert _outcome(result, "svc.db.unauthenticated", 6379) is Outcome.FAILED
    assert _outcome(result, "svc.dns.open_resolver", 53) is Outcome.PASSED
    assert _outcome(result, "svc.smb.exposed", 445) is Outcome.PASSED  # refused
    assert _outcome(result, "svc.snmp.public", 161) is Outcome.NOT_EVALUATED
    assert result.status is TargetStatus.EVALUATED


async def test_a_port_for_tls_that_speaks_http_is_said_so(tmp_path: Path) -> None:
    async with serve_site(SITE, host=HOST, port=HTTPS_PORT):
        result = await _scan(parse_target(HOST))
    async with _web_host(tmp_path):
        with_tls = await _scan(parse_target(HOST))

    assert _outcome(result, "tls.protocol.none", HTTPS_PORT) is Outcome.FAILED
    assert _outcome(with_tls, "tls.protocol.none", HTTPS_PORT) is Outcome.PASSED


def _established() -> int:
    """Connections of this process to the test's port, as the kernel sees them (client's side)."""
    wanted = f"{HTTP_PORT:04X}"
    lines = Path("/proc/self/net/tcp").read_text("ascii").splitlines()[1:]
    return sum(line.split()[2].endswith(f":{wanted}") and line.split()[3] == "01" for line in lines)


async def test_a_port_that_was_closed_or_taken_over_resolves_what_was_found_there() -> None:
    """9443 is closed now, 8008 speaks SSH, and nobody knows about 2222 any more."""
    known = [
        Known("tls.cert.expired", Endpoint(HOST, 9443, "tls")),
        Known("http.hsts.missing", Endpoint(HOST, 8008, "https")),
        Known("ssh.kex.weak", Endpoint(HOST, 8008, "ssh")),
        Known("ssh.kex.weak", Endpoint(HOST, 40_022, "ssh")),
    ]
    async with listening(offering(GOOD), host=HOST, port=8008), _scanner() as scanner:
        result = await scanner.scan(parse_target(HOST), QUICK, known)

    told = {
        (r.check.id, r.endpoint.port): r.verdict.outcome
        for r in result.checks
        if r.endpoint.port in {9443, 8008, 40_022} and r.check.category != "net"
    }
    assert told["tls.cert.expired", 9443] is Outcome.PASSED
    assert told["http.hsts.missing", 8008] is Outcome.PASSED
    assert ("ssh.kex.weak", 40_022) not in told
    assert len([r for r in result.checks if r.check.id == "ssh.kex.weak"]) == 1
