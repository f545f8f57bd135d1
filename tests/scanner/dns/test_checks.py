"""Each DNS check's outcomes, from real answers of a real server."""

import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import dns.name
import pytest

from services.scanner.check import Endpoint, Outcome, Severity, Verdict
from services.scanner.context import ProbeContext
from services.scanner.dns import SUITE, describe
from services.scanner.dns.checks import axfr_open, ns_lame
from services.scanner.dns.facts import NameServer, ServerState
from services.scanner.dns.probe import probe_dns
from services.scanner.dns.servers import ask_servers
from tests.lab.dns_context import dns_context
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Signing, ZoneSpec

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_EVALUATED
LOOPBACK = ip_address("127.0.0.1")

OUTCOMES = [
    ("caa.missing", {"good.test": P, "www.good.test": P, "one.test": F, "sick.test": N}),
    ("caa.no_iodef", {"good.test": P, "plain.test": F, "one.test": N, "sick.test": N}),
    ("ns.single", {"good.test": P, "one.test": F, "near.test": P, "blind.test": N}),
    ("ns.same_network", {"good.test": P, "near.test": F, "one.test": N, "halfblind.test": N}),
    ("cname.dangling", {"alias.good.test": P, "gone.links.test": F, "free.links.test": F,
                        "cloud.links.test": F, "proof.links.test": F, "ill.links.test": N,
                        "good.test": N}),
    ("ipv6.missing", {"good.test": P, "plain.test": F, "mailonly.test": N, "sick.test": N}),
]  # fmt: skip


async def verdicts_of(context: ProbeContext, name: str) -> dict[str, Verdict]:
    result = await SUITE.run(context, name, Endpoint(name, protocol="dns"))
    return {r.check.id.removeprefix("dns."): r.verdict for r in result.results}


@pytest.mark.parametrize(
    ("check", "name", "expected"),
    [(check, name, outcome) for check, names in OUTCOMES for name, outcome in names.items()],
)
async def test_each_check_ends_as_it_should(
    context: ProbeContext, check: str, name: str, expected: Outcome
) -> None:
    verdict = (await verdicts_of(context, name))[check]

    assert verdict.outcome is expected, verdict.reason
    assert verdict.reason


def test_every_check_is_seen_with_every_outcome() -> None:
    by_server = {"dns.ns.lame", "dns.axfr.open", "dns.ipv6.unreachable"}
    by_facts = {c.info.id for c in SUITE.checks if not c.info.id.startswith("dns.dnssec.")}

    assert by_facts - by_server == {f"dns.{name}" for name, _ in OUTCOMES}
    for _, names in OUTCOMES:
        assert set(names.values()) == {P, F, N}


async def test_name_servers_that_may_not_be_probed_are_left_alone(context: ProbeContext) -> None:
    verdicts = await verdicts_of(context, "good.test")

    assert verdicts["ns.lame"].outcome is N
    assert "NIS2_SCAN_ALLOWED_NETWORKS" in verdicts["ns.lame"].reason
    assert verdicts["axfr.open"].outcome is N


SERVERS = [
    ("open.test", None, ServerState.SERVES, P, F),
    ("shut.test", None, ServerState.SERVES, P, P),
    ("shut.test", Fault.SILENT_OVER_UDP, ServerState.SERVES, P, P),
    ("shut.test", Fault.REFUSED, ServerState.REFUSES, F, N),
    ("shut.test", Fault.SERVFAIL, ServerState.REFUSES, F, N),
    ("shut.test", Fault.NOT_AUTHORITATIVE, ServerState.NOT_AUTHORITATIVE, F, N),
    ("shut.test", Fault.SILENT, ServerState.SILENT, N, N),
    ("shut.test", Fault.GARBAGE, ServerState.SILENT, N, N),
]


@pytest.mark.parametrize(("zone", "fault", "state", "lame", "axfr"), SERVERS)
async def test_a_name_server_is_asked_itself(
    tmp_path: Path,
    zone: str,
    fault: Fault | None,
    state: ServerState,
    lame: Outcome,
    axfr: Outcome,
) -> None:
    specs = [ZoneSpec("open.test", "@ A 192.0.2.1", allows_transfer=True), ZoneSpec("shut.test")]
    with DnsLab(specs) as lab:
        context = dns_context(lab, tmp_path, allowed=(ip_network("127.0.0.0/8"),))
        facts = await probe_dns(dns_context(lab, tmp_path), zone)
        if fault is not None:
            lab.faults[dns.name.from_text(zone)] = fault
        servers = (NameServer("ns.test", (LOOPBACK,)),)
        asked = await ask_servers(context, dns.name.from_text(zone), servers, lab.port)

    facts = type(facts)(
        **{name: getattr(facts, name) for name in facts.__slots__ if name != "servers"},
        servers=asked,
    )
    assert [server.state for server in asked] == [state]
    assert ns_lame.judge(facts).outcome is lame
    assert axfr_open.judge(facts).outcome is axfr


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("gone.links.test", Severity.MEDIUM),
        ("free.links.test", None),
        ("cloud.links.test", None),
        ("proof.links.test", Severity.MEDIUM),
    ],
)
async def test_a_dangling_alias_weighs_what_a_stranger_can_do_with_it(
    context: ProbeContext, name: str, severity: Severity | None
) -> None:
    verdict = (await verdicts_of(context, name))["cname.dangling"]

    assert [problem.severity for problem in verdict.problems] == [severity]


@pytest.mark.parametrize("name", ["good.test", "bogus.test", "odd.test", "mailonly.test"])
async def test_the_facts_are_told_as_json(context: ProbeContext, name: str) -> None:
    told = describe(await probe_dns(context, name))

    text = json.dumps(told)
    assert json.loads(text)["name"] == name
    assert "\\u0000" not in text


async def test_the_zone_of_an_alias_is_its_own_not_its_targets(tmp_path: Path) -> None:
    zones = [
        ZoneSpec("here.test", "www CNAME host.there.test.\ngone CNAME none.there.test."),
        ZoneSpec("there.test", "host A 192.0.2.1", Signing.UNSIGNED),
    ]
    with DnsLab(zones) as lab:
        context = dns_context(lab, tmp_path)
        found = [(await probe_dns(context, f"{n}.here.test")).zone for n in ("www", "gone")]

    assert found == ["here.test", "here.test"]
