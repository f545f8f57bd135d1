"""A registry on loopback: found by its bootstrap document, believed if it proves who it is."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.scanner.check import Endpoint, Outcome, Severity, Verdict
from services.scanner.context import ProbeContext
from services.scanner.registration import SUITE, describe
from services.scanner.registration.probe import probe_registration
from services.scanner.registration.rdap import parse_bootstrap, parse_domain
from tests.lab.certificates import Authority
from tests.lab.dns_context import dns_context
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Signing, ZoneSpec
from tests.scanner.http.raw_server import response
from tests.scanner.tls.servers import server_context

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_EVALUATED
NOW = datetime.now(UTC)
NAMES = ("far", "near", "now", "past", "lost", "undated", "crowded", "garbled", "huge", "loop")
ZONES = (
    *(
        ZoneSpec(f"{name}.test", "@ A 192.0.2.1\nwww A 192.0.2.1", Signing.UNSIGNED)
        for name in NAMES
    ),
    ZoneSpec("moved.test", signing=Signing.UNSIGNED),
    ZoneSpec("co.test", signing=Signing.UNSIGNED),
    ZoneSpec("shop.co.test", "www A 192.0.2.1", Signing.UNSIGNED),
    ZoneSpec("inner.far.test", signing=Signing.UNSIGNED),
    ZoneSpec("unheard.other", signing=Signing.UNSIGNED),
    ZoneSpec("strange.wrong", signing=Signing.UNSIGNED),
    ZoneSpec("shut.closed", signing=Signing.UNSIGNED),
    ZoneSpec("registry.lab", "rdap A 127.0.0.1", Signing.UNSIGNED),
)


def _domain(expires_in: timedelta | None, *status: str) -> bytes:
    events = [{"eventAction": "registration", "eventDate": "2001-02-03T04:05:06Z"}]
    if expires_in is not None:
        moment = (NOW + expires_in).strftime("%Y-%m-%dT%H:%M:%SZ")
        events.append({"eventAction": "expiration", "eventDate": moment})
    no_parameters: dict[str, str] = {}
    lines = [
        [field, no_parameters, "text", value]
        for field, value in (("version", "4.0"), ("fn", "Registrar Ltd\x07"))
    ]
    card = ["vcard", lines]
    return json.dumps(
        {
            "objectClassName": "domain",
            "events": events,
            "status": list(status),
            "entities": [{"roles": ["registrar"], "vcardArray": card}],
            "nameservers": [{"ldhName": "NS1.Example."}],
        }
    ).encode()


ANSWERS = {
    "far.test": _domain(timedelta(days=200), "active"),
    "near.test": _domain(timedelta(days=20)),
    "now.test": _domain(timedelta(days=3)),
    "past.test": _domain(timedelta(days=-3)),
    "lost.test": _domain(timedelta(days=200), "redemption period"),
    "undated.test": _domain(None),
    "shop.co.test": _domain(timedelta(days=100)),
    "garbled.test": b"[" * 100_000,
    "huge.test": b" " * 300_000,
    "strange.wrong": _domain(timedelta(days=200)),
}


@dataclass(slots=True)
class Registry:
    port: int = 0
    requests: list[str] = field(default_factory=list[str])

    def answer(self, head: str) -> bytes:
        target = head.split(" ")[1]
        self.requests.append(target)
        name = target.rpartition("/")[2]
        if target == "/dns.json":
            return response(200, body=self._bootstrap())
        if name == "crowded.test":
            return response(429, "Retry-After: 120")
        if name in {"loop.test", "moved.test"}:
            to = "far.test" if name == "moved.test" else name
            return response(302, f"Location: /domain/{to}")
        if name in ANSWERS:
            return response(200, "Content-Type: application/rdap+json", body=ANSWERS[name])
        return response(404)

    def _bootstrap(self) -> bytes:
        base = f"https://rdap.registry.lab:{self.port}/"
        wrong, closed = f"https://nobody.lab:{self.port}/", "https://10.1.2.3/"
        services = [[["test"], [base]], [["wrong"], [wrong]], [["closed"], [closed]], "nonsense"]
        return json.dumps({"version": "1.0", "services": services}).encode()


@asynccontextmanager
async def _serving(registry: Registry, tls: ssl.SSLContext) -> AsyncGenerator[None]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            writer.write(registry.answer((await reader.readuntil(b"\r\n\r\n")).decode("latin-1")))
            await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        registry.port = server.sockets[0].getsockname()[1]
        yield


@pytest.fixture(scope="module")
async def registry(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Registry]:
    path = tmp_path_factory.mktemp("registry")
    running = Registry()
    async with _serving(running, server_context(authority.issue(["rdap.registry.lab"]), path)):
        yield running


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("Registry Lab Root")


@pytest.fixture
def context(registry: Registry, authority: Authority, tmp_path: Path, lab: DnsLab) -> ProbeContext:
    made = dns_context(lab, tmp_path, timeout_s=0.3, allowed=(ip_network("127.0.0.0/8"),))
    options = replace(
        made.options,
        ca_file=authority.write(tmp_path),
        rdap_bootstrap_url=f"https://rdap.registry.lab:{registry.port}/dns.json",
        connect_timeout_s=2.0,
        exchange_timeout_s=2.0,
    )
    return replace(made, options=options)


@pytest.fixture(scope="module")
def lab() -> Iterator[DnsLab]:
    lab = DnsLab(
        (*ZONES, ZoneSpec("nobody.lab", "@ A 127.0.0.1", Signing.UNSIGNED)),
        {"dark.test": Fault.SILENT},
    )
    with lab as running:
        yield running


async def verdicts_of(context: ProbeContext, name: str) -> dict[str, Verdict]:
    result = await SUITE.run(context, name, Endpoint(name, protocol="registration"))
    return {r.check.id.removeprefix("reg.expiry."): r.verdict for r in result.results}


@pytest.mark.parametrize(
    ("name", "soon", "unknown", "severity"),
    [
        ("far.test", P, P, None),
        ("www.far.test", P, P, None),
        ("inner.far.test", P, P, None),
        ("moved.test", P, P, None),
        ("www.shop.co.test", P, P, None),
        ("near.test", F, P, None),
        ("now.test", F, P, Severity.CRITICAL),
        ("past.test", F, P, Severity.CRITICAL),
        ("lost.test", F, P, Severity.CRITICAL),
        ("undated.test", N, F, None),
        ("crowded.test", N, N, None),
        ("garbled.test", N, N, None),
        ("huge.test", N, N, None),
        ("loop.test", N, N, None),
        ("unheard.other", N, N, None),
        ("strange.wrong", N, N, None),
        ("shut.closed", N, N, None),
        ("dark.test", N, N, None),
    ],
)
async def test_the_end_of_a_registration_is_judged(
    context: ProbeContext, name: str, soon: Outcome, unknown: Outcome, severity: Severity | None
) -> None:
    verdicts = await verdicts_of(context, name)

    assert verdicts["soon"].outcome is soon, verdicts["soon"].reason
    assert verdicts["unknown"].outcome is unknown, verdicts["unknown"].reason
    assert [p.severity for p in verdicts["soon"].problems] == ([severity] if soon is F else [])


async def test_the_registered_domain_is_the_first_zone_the_registry_knows(
    context: ProbeContext,
) -> None:
    facts = await probe_registration(context, "www.shop.co.test")

    assert facts.registration is not None
    assert facts.registration.domain == "shop.co.test"
    assert facts.registration.registrar == "Registrar Ltd\N{REPLACEMENT CHARACTER}"
    assert facts.registration.name_servers == ("ns1.example",)


async def test_a_registry_is_asked_once_and_its_list_once_a_day(
    context: ProbeContext, registry: Registry
) -> None:
    await probe_registration(context, "far.test")
    asked = len(registry.requests)
    await probe_registration(context, "www.far.test")

    assert len(registry.requests) == asked
    assert registry.requests.count("/dns.json") >= 1


async def test_a_registry_that_is_asked_too_much_is_left_alone(
    context: ProbeContext, registry: Registry
) -> None:
    await probe_registration(context, "crowded.test")
    asked = len(registry.requests)
    facts = await probe_registration(context, "near.test")

    assert "slow down" in facts.reason
    assert len(registry.requests) == asked


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ca_file": None}, "certificate is not valid"),
        ({"rdap_bootstrap_url": ""}, "configured"),
        ({"rdap_bootstrap_url": "https://rdap.registry.lab:{port}/none.json"}, "answers 404"),
        ({"rdap_bootstrap_url": "ftp://rdap.registry.lab/"}, "neither http nor https"),
    ],
)
async def test_what_cannot_be_trusted_or_read_is_no_answer(
    context: ProbeContext, registry: Registry, change: dict[str, str | None], words: str
) -> None:
    url = (change.get("rdap_bootstrap_url") or "").replace("{port}", str(registry.port))
    options = replace(context.options, ca_file=change.get("ca_file", context.options.ca_file))
    if "rdap_bootstrap_url" in change:
        options = replace(options, rdap_bootstrap_url=url)

    facts = await probe_registration(replace(context, options=options), "far.test")

    assert facts.registration is None
    assert words in facts.reason


async def test_the_facts_are_told_as_json(context: ProbeContext) -> None:
    for name in ("far.test", "undated.test", "unheard.other"):
        told = describe(await probe_registration(context, name))
        assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"nonsense", b'{"services": [[1], 2, [[], []]]}']
)
def test_what_is_no_bootstrap_document_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"answer|bootstrap"):
        parse_bootstrap(body)


@pytest.mark.parametrize(
    "body",
    [
        b'"events": [7, {"eventAction": 1, "eventDate": []}]',
        b'"events": {}, "status": "x", "entities": [[]], "nameservers": [{"ldhName": 4}]',
        b'"events": [{"eventAction": "expiration", "eventDate": "soon"}]',
        b'"entities": [{"roles": ["registrar"], "vcardArray": [1, [2]]}]',
    ],
)
def test_shapes_that_the_standard_does_not_know_are_passed_over(body: bytes) -> None:
    document = b'{"objectClassName": "domain", ' + body + b"}"

    assert parse_domain(document, "x.test", "").expires_at is None


def test_the_longest_suffix_counts_and_https_comes_first() -> None:
    document = {"services": [[["test"], ["http://a/", "https://b/"]], [["co.test"], ["http://c/"]]]}
    bootstrap = parse_bootstrap(json.dumps(document).encode())

    assert bootstrap.find("x.test") == ("test", "https://b/")
    assert bootstrap.find("x.co.test") == ("co.test", "http://c/")
    assert bootstrap.find("test") is None
