"""The second look as the engine makes it: in a full scan, within the allowance, into the result."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import ip_network

import pytest

from services.scanner.address import AddressPolicy
from services.scanner.allowance import MOST_REQUESTS
from services.scanner.check import Outcome
from services.scanner.context import ProbeOptions
from services.scanner.engine import CATALOGUE, NetworkScanner, open_context
from services.scanner.profile import Features, Profile, ScanType
from services.scanner.record import TIME_LIMIT
from services.scanner.result import TargetResult
from services.scanner.target import parse_target
from tests.scanner.http.raw_server import Request, html, pages, response, serve
from tests.scanner.leaks.made_keys import SECRETS
from tests.scanner.site_lab import text, tls_context

HOST = "127.77.5.1"
HTTPS_PORT, HTTP_PORT, OTHER_PORT = 8443, 8080, 8000
OPTIONS = ProbeOptions(
    connect_timeout_s=2.0,
    exchange_timeout_s=2.0,
    port_timeout_s=0.5,
    connections_per_second=1000.0,
)
WEB = Features(port_scan=True, web_checks=True, dns_checks=False, whois_checks=False)
FULL = Profile(ScanType.FULL, WEB)
SECOND_LOOK = {
    check_id
    for check_id in CATALOGUE
    if check_id.startswith(("sectxt.", "http.files.", "http.cors.", "http.secret."))
} | {"http.listing", "http.info.stacktrace", "http.csp.static_nonce"}


async def _scan(profile: Profile, options: ProbeOptions = OPTIONS) -> TargetResult:
    policy = AddressPolicy((ip_network("127.0.0.0/8"),))
    async with open_context(options, policy) as context:
        return await NetworkScanner(context).scan(parse_target(HOST), profile)


def _outcomes(result: TargetResult, port: int) -> dict[str, Outcome]:
    return {
        seen.check.id: seen.verdict.outcome
        for seen in result.checks
        if seen.endpoint.port == port and seen.check.id in SECOND_LOOK
    }


async def test_a_full_scan_looks_again_and_stores_secrets_masked() -> None:
    key = SECRETS["github_token"]
    site = pages({"/": html(f"<!-- {key} -->"), "/.env": text("A_B=1\nC_D=2\n")})
    to_https = pages({"/": response(301, f"Location: https://{HOST}:{HTTPS_PORT}/")})

    async with (
        serve(site, ssl_context=tls_context(), host=HOST, port=HTTPS_PORT),
        serve(to_https, host=HOST, port=HTTP_PORT),
    ):
        result = await _scan(FULL)

    secure, plain = _outcomes(result, HTTPS_PORT), _outcomes(result, HTTP_PORT)
    assert set(secure) == SECOND_LOOK
    assert {c for c, outcome in secure.items() if outcome is Outcome.FAILED} == {
        "http.files.env", "http.secret.body", "sectxt.missing"
    }  # fmt: skip
    assert Outcome.FAILED not in plain.values()
    assert plain["http.csp.static_nonce"] is plain["http.secret.body"] is Outcome.PASSED
    assert [secret["kind"] for secret in result.secrets_found] == ["github_token"]
    assert key[8:] not in json.dumps([*result.secrets_found, result.http_info], default=str)
    assert {"status", "exposure", "cors", "secrets", "security_txt"} <= set(
        result.http_info[str(HTTPS_PORT)]
    )
    seen = Counter((found.check.id, found.endpoint) for found in result.checks)
    assert max(seen.values()) == 1


async def test_a_quick_scan_asks_for_roots_alone() -> None:
    async with serve(pages({"/": html("x")}), host=HOST, port=HTTP_PORT) as server:
        result = await _scan(replace(FULL, scan_type=ScanType.QUICK))

    assert {request.target for request in server.requests} == {"/"}
    assert not SECOND_LOOK & {seen.check.id for seen in result.checks}


async def test_a_scan_without_web_checks_asks_nothing() -> None:
    async with serve(pages({"/": html("x")}), host=HOST, port=HTTP_PORT):
        result = await _scan(Profile(ScanType.CUSTOM, replace(WEB, web_checks=False)))

    assert not SECOND_LOOK & {seen.check.id for seen in result.checks}


async def test_all_endpoints_of_a_host_share_sixty_requests() -> None:
    tags = "".join(f'<script src="/{n}.js"></script>' for n in range(30))
    roots = pages({"/": html(tags)})

    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(serve(roots, host=HOST, port=port, ssl_context=tls))
            for port, tls in ((HTTPS_PORT, tls_context()), (HTTP_PORT, None), (OTHER_PORT, None))
        ]
        result = await _scan(FULL)

    asked = sum(len(server.requests) for server in servers)
    assert asked <= MOST_REQUESTS + 2 * len(servers)  # besides: each port's greeting
    first, last = _outcomes(result, HTTPS_PORT), _outcomes(result, HTTP_PORT)
    assert first["http.files.git"] is Outcome.PASSED
    assert set(last) == set(first) - {c for c in first if c.startswith("sectxt.")}
    assert last["http.secret.script"] is Outcome.NOT_EVALUATED


async def test_what_is_under_way_at_the_time_limit_is_not_evaluated() -> None:
    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target != "/":
            await asyncio.sleep(60)
        writer.write(html("x"))

    profile = replace(FULL, probe_timeout_s=0.5)
    async with serve(behave, host=HOST, port=HTTP_PORT):
        result = await _scan(profile, replace(OPTIONS, exchange_timeout_s=2.0))

    outcomes = _outcomes(result, HTTP_PORT)
    assert set(outcomes) == {c for c in SECOND_LOOK if not c.startswith("sectxt.")}
    assert outcomes["http.files.git"] is Outcome.NOT_EVALUATED


async def test_a_dead_host_says_so_for_each_check_once() -> None:
    result = await _scan(FULL)

    told = [seen for seen in result.checks if seen.check.id in SECOND_LOOK]
    assert {seen.check.id for seen in told} == SECOND_LOOK
    assert {seen.verdict.outcome for seen in told} == {Outcome.NOT_EVALUATED}
    assert TIME_LIMIT not in {seen.verdict.reason for seen in told}


@pytest.mark.parametrize("check_id", sorted(SECOND_LOOK))
def test_each_check_says_why_how_and_by_which_rule(check_id: str) -> None:
    info = CATALOGUE[check_id]

    assert info.rationale.endswith(".")
    assert info.remediation.endswith(".")
    assert info.sources
