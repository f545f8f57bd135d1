"""Mail servers and policy hosts of every kind, spoken to over real sockets."""

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.scanner.check import Endpoint, Outcome, Severity, Verdict
from services.scanner.context import ProbeContext
from services.scanner.mail import TRANSPORT_SUITE, describe_transport
from services.scanner.mail.transport import MailPorts, probe_transport
from tests.lab.certificates import Authority, Identity, expired, self_signed
from tests.lab.dns_context import dns_context
from tests.lab.dns_server import DnsLab, Fault
from tests.lab.dns_zones import Signing, ZoneSpec
from tests.lab.mail_server import NO_STARTTLS, MailScript, MailServer, serving_mail
from tests.scanner.http.raw_server import response
from tests.scanner.tls.servers import server_context

P, F, N = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_EVALUATED
TLS10 = ssl.TLSVersion.TLSv1
WEAK = "ALL:@SECLEVEL=0"

ADDRESSES = {
    "good": "127.80.0.1",
    "bare": "127.80.0.2",
    "grey": "127.80.0.3",
    "old": "127.80.0.4",
    "self": "127.80.0.5",
    "dead": "127.80.0.6",
    "mute": "127.80.0.7",
    "busy": "127.80.0.8",
    "modern": "127.80.0.9",
    "late": "127.80.0.10",
    "refuse": "127.80.0.11",
    "hidden": "127.80.0.12",
    "odd": "127.80.0.13",
    "endless": "127.80.0.14",
    "wordy": "127.80.0.15",
    "full": "127.80.0.16",
}
POLICY_HOST, WRONG_HOST, DEAD_HOST = "127.80.1.1", "127.80.1.2", "127.80.1.3"
POLICIES = {
    "good": "version: STSv1\r\nmode: enforce\r\nmx: mx.good.test\r\nmax_age: 604800\r\n",
    "wide": "version: STSv1\nmode: enforce\nmx: *.wide.test\nmax_age: 604800\n",
    "trial": "version: STSv1\nmode: testing\nmx: mx.trial.test\nmax_age: 604800\n",
    "off": "version: STSv1\nmode: none\nmax_age: 604800\n",
    "short": "version: STSv1\nmode: enforce\nmx: mx.short.test\nmax_age: 60\n",
    "forgot": "version: STSv1\nmode: enforce\nmx: old.forgot.test\nmax_age: 604800\n",
    "garbled": "<html>not here</html>",
    "wrongcert": "version: STSv1\nmode: enforce\nmx: mx.wrongcert.test\nmax_age: 604800\n",
}


def _zone(name: str, server: str, *more: str, sts: str = POLICY_HOST) -> ZoneSpec:
    lines = [
        "@ MX 10 mx",
        f"mx A {ADDRESSES[server]}",
        '_mta-sts TXT "v=STSv1; id=1"',
        f"mta-sts A {sts}",
        *more,
    ]
    return ZoneSpec(f"{name}.test", "\n".join(lines))


def _plain(name: str, server: str, *more: str) -> ZoneSpec:
    lines = ["@ MX 10 mx", f"mx A {ADDRESSES[server]}", *more]
    return ZoneSpec(f"{name}.test", "\n".join(lines))


def _key_pin(identity: Identity) -> str:
    key = identity.certificate.public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"3 1 1 {hashlib.sha256(der).hexdigest()}"


def _anchor_pin(authority: Authority) -> str:
    der = authority.certificate.public_bytes(Encoding.DER)
    return f"2 0 1 {hashlib.sha256(der).hexdigest()}"


def _whole_anchor(authority: Authority) -> str:
    return f"2 0 0 {authority.certificate.public_bytes(Encoding.DER).hex()}"


@dataclass(frozen=True, slots=True)
class MailLab:
    context: ProbeContext
    ports: MailPorts
    servers: dict[str, MailServer]

    async def verdicts(self, name: str) -> dict[str, Verdict]:
        suite = replace(TRANSPORT_SUITE, probe=partial(probe_transport, ports=self.ports))
        result = await suite.run(self.context, name, Endpoint(name, protocol="mail"))
        return {r.check.id.removeprefix("mail."): r.verdict for r in result.results}


def _zones(
    known: Identity, unknown: Identity, middle: Authority, root: Authority, private: Authority
) -> list[ZoneSpec]:
    pin = f"_25._tcp.mx TLSA {_key_pin(known)}"
    wrong = f"_25._tcp.mx TLSA 3 1 1 {'ab' * 32}"
    return [
        _zone("good", "good", pin, wrong),
        _zone("wide", "good"),
        _zone("trial", "self"),
        _zone("off", "good"),
        _zone("short", "good"),
        _zone("forgot", "good"),
        _zone("garbled", "good"),
        _zone("missing", "good"),
        _zone("moved", "good"),
        _zone("ill", "good"),
        _zone("wrongcert", "good", sts=WRONG_HOST),
        _zone("closed", "good", sts=DEAD_HOST),
        ZoneSpec("nohost.test", '@ MX 10 mx\nmx A 127.80.0.1\n_mta-sts TXT "v=STSv1; id=1"'),
        ZoneSpec("noid.test", '@ MX 10 mx\nmx A 127.80.0.1\n_mta-sts TXT "v=STSv1;"'),
        _plain("plain", "bare"),
        _plain("grey", "grey", wrong),
        _plain("old", "old"),
        _plain("selfish", "self"),
        _plain("pinned", "self", f"_25._tcp.mx TLSA {_key_pin(unknown)}"),
        _plain("wrongpin", "good", wrong),
        _plain("pkix", "good", f"_25._tcp.mx TLSA 1 1 1 {'ab' * 32}"),
        _plain("anchored", "good", f"_25._tcp.mx TLSA {_anchor_pin(middle)}"),
        _plain("unsent", "good", f"_25._tcp.mx TLSA {_anchor_pin(root)}"),
        _plain("renamed", "good", f"_25._tcp.mx TLSA {_anchor_pin(middle)}"),
        _plain("carried", "good", f"_25._tcp.mx TLSA {_whole_anchor(root)}"),
        _plain("stranger", "good", f"_25._tcp.mx TLSA {_whole_anchor(private)}"),
        _plain("aliased", "good", "_25._tcp.mx CNAME pin", f"pin TLSA {_key_pin(known)}"),
        ZoneSpec("loose.test", f"@ MX 10 mx\nmx A 127.80.0.1\n{wrong}", Signing.UNSIGNED),
        _plain("dead", "dead"),
        _plain("mute", "mute"),
        _plain("busy", "busy"),
        _plain("modern", "modern"),
        _plain("late", "late"),
        _plain("refuse", "refuse"),
        _plain("hidden", "hidden"),
        _plain("odd", "odd"),
        _plain("endless", "endless"),
        _plain("wordy", "wordy"),
        _plain("full", "full"),
        ZoneSpec("half.test", "@ MX 10 a\n@ MX 20 b\na A 127.80.0.1\nb A 127.80.0.2"),
        ZoneSpec("halfdead.test", "@ MX 10 a\n@ MX 20 b\na A 127.80.0.1\nb A 127.80.0.6"),
        ZoneSpec("null.test", "@ MX 0 ."),
        ZoneSpec("foreign.test", "@ MX 10 mx\nmx A 10.0.0.1"),
    ]  # fmt: skip


def _scripts(
    known: Identity, unknown: Identity, late: Identity, path: Path
) -> dict[str, MailScript]:
    tls = server_context(known, path)
    return {
        "good": MailScript(tls),
        "bare": NO_STARTTLS,
        "grey": MailScript(tls, greeting=b"450 4.7.1 greylisted, come back\r\n"),
        "old": MailScript(server_context(known, path, oldest=TLS10, ciphers=WEAK)),
        "self": MailScript(server_context(unknown, path / "self")),
        "mute": MailScript(tls, greeting=None),
        "busy": MailScript(tls, starttls=b"454 4.7.0 TLS not available now\r\n"),
        "modern": MailScript(server_context(known, path, oldest=ssl.TLSVersion.TLSv1_3)),
        "late": MailScript(server_context(late, path / "late")),
        "refuse": MailScript(tls, starttls=b"502 5.5.1 not today\r\n"),
        "hidden": MailScript(tls, hello=b"250-mx.lab\r\n250 XXXXXXXA\r\n"),
        "odd": MailScript(tls, greeting=b"HTTP/1.1 400 Bad Request\r\n"),
        "endless": MailScript(tls, greeting=b"220-and on and on\r\n" * 10_000),
        "wordy": MailScript(tls, hello=b"250 " + b"x" * 300_000),
        "full": MailScript(tls, hello=b"421 4.7.0 too many connections\r\n"),
    }


def _policy_answer(head: str) -> bytes:
    target = head.split(" ")[1]
    host = head.partition("Host: ")[2].partition("\r\n")[0]
    name = host.split(".")[1]
    if name in POLICIES and target == "/.well-known/mta-sts.txt":
        return response(200, "Content-Type: text/plain", body=POLICIES[name].encode())
    if name == "moved":
        return response(301, "Location: https://mta-sts.good.test/.well-known/mta-sts.txt")
    return response(503 if name == "ill" else 404)


@asynccontextmanager
async def _policy_host(tls: ssl.SSLContext, host: str, port: int = 0) -> AsyncGenerator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            writer.write(_policy_answer(head))
            await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(answer, host, port, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(scope="module")
async def mail_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[MailLab]:
    path = tmp_path_factory.mktemp("mail")
    root, private = Authority.create("Mail Lab Root"), Authority.create("Nobody's Root")
    middle = root.subordinate("Mail Lab Middle")
    hosts = (*POLICIES, "anchored", "carried", "old", "modern", "loose", "wrongpin", "aliased")
    halves = [f"{host}.{zone}.test" for zone in ("half", "halfdead") for host in "ab"]
    known = middle.issue([*halves, *(f"mx.{zone}.test" for zone in (*hosts, "unsent"))])
    unknown = self_signed(["mx.pinned.test"])
    late = expired(root, ["mx.late.test"])
    names = (*POLICIES, "missing", "moved", "ill", "closed")
    web = server_context(root.issue([f"mta-sts.{name}.test" for name in names]), path / "web")
    with DnsLab(
        _zones(known, unknown, middle, root, private), {"_tcp.mx.old.test": Fault.SERVFAIL}
    ) as dns:
        async with AsyncExitStack() as stack:
            servers: dict[str, MailServer] = {}
            port = 0
            for name, script in _scripts(known, unknown, late, path).items():
                server = stack.enter_context(serving_mail(script, ADDRESSES[name], port))
                servers[name], port = server, server.port
            https = await stack.enter_async_context(_policy_host(web, POLICY_HOST))
            wrong = server_context(unknown, path / "wrong")
            await stack.enter_async_context(_policy_host(wrong, WRONG_HOST, https))
            context = dns_context(dns, path, timeout_s=1.0, allowed=(ip_network("127.0.0.0/8"),))
            options = replace(context.options, ca_file=root.write(path), exchange_timeout_s=2.0)
            yield MailLab(replace(context, options=options), MailPorts(port, https), servers)


OUTCOMES = [
    ("starttls.missing", {"good.test": P, "old.test": P, "plain.test": F, "half.test": F,
                          "refuse.test": F, "grey.test": N, "dead.test": N, "mute.test": N,
                          "busy.test": N, "hidden.test": N, "odd.test": N, "halfdead.test": N,
                          "endless.test": N, "wordy.test": N, "full.test": N,
                          "null.test": N, "foreign.test": N}),
    ("starttls.legacy_tls", {"good.test": P, "modern.test": P, "old.test": F, "grey.test": N,
                             "plain.test": N, "null.test": N}),
    ("starttls.cert", {"good.test": P, "modern.test": P, "pinned.test": P, "selfish.test": F,
                       "late.test": F, "foreign.test": N, "mute.test": N, "plain.test": N}),
    ("dane.mismatch", {"good.test": P, "pinned.test": P, "anchored.test": P, "carried.test": P,
                       "aliased.test": P, "wrongpin.test": F, "stranger.test": F, "unsent.test": F,
 "renamed.test": F, "pkix.test": F,
                       "loose.test": N, "grey.test": N, "plain.test": N, "old.test": N}),
    ("mtasts.invalid", {"good.test": P, "wide.test": P, "trial.test": P, "off.test": F,
                        "short.test": F, "forgot.test": F, "garbled.test": F, "missing.test": F,
                        "moved.test": F, "wrongcert.test": F, "closed.test": F, "nohost.test": F,
                        "noid.test": F, "ill.test": N, "plain.test": N, "null.test": N}),
    ("mtasts.testing", {"good.test": P, "trial.test": F, "off.test": N, "missing.test": N,
                        "plain.test": N}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "name", "expected"),
    [(check, name, outcome) for check, names in OUTCOMES for name, outcome in names.items()],
)
async def test_each_check_ends_as_it_should(
    mail_lab: MailLab, check: str, name: str, expected: Outcome
) -> None:
    verdict = (await mail_lab.verdicts(name))[check]

    assert verdict.outcome is expected, verdict.reason
    assert verdict.reason


def test_every_check_is_seen_with_every_outcome() -> None:
    assert {c.info.id for c in TRANSPORT_SUITE.checks} == {f"mail.{name}" for name, _ in OUTCOMES}
    for _, names in OUTCOMES:
        assert set(names.values()) == {P, F, N}


@pytest.mark.parametrize(
    ("check", "name", "severity"),
    [
        ("starttls.missing", "plain.test", None),
        ("starttls.cert", "selfish.test", Severity.INFO),
        ("starttls.cert", "trial.test", None),
        ("dane.mismatch", "wrongpin.test", None),
        ("dane.mismatch", "pkix.test", Severity.LOW),
    ],
)
async def test_the_severity_follows_what_senders_do(
    mail_lab: MailLab, check: str, name: str, severity: Severity | None
) -> None:
    verdict = (await mail_lab.verdicts(name))[check]

    assert [problem.severity for problem in verdict.problems] == [severity]


async def test_a_mail_server_is_asked_once_for_all_its_domains(mail_lab: MailLab) -> None:
    await mail_lab.verdicts("good.test")
    before = mail_lab.servers["good"].connections

    await mail_lab.verdicts("good.test")

    assert mail_lab.servers["good"].connections == before


async def test_a_mail_server_is_asked_little_and_told_no_mail(mail_lab: MailLab) -> None:
    fresh = replace(mail_lab, context=mail_lab.context)
    before = mail_lab.servers["modern"].connections
    await fresh.verdicts("modern.test")

    assert mail_lab.servers["modern"].connections - before <= 6
    words = {command.partition(" ")[0] for command in mail_lab.servers["modern"].commands}
    assert words <= {"EHLO", "STARTTLS", "QUIT", ""}


@pytest.mark.parametrize(
    "name", ["good.test", "trial.test", "plain.test", "grey.test", "null.test"]
)
async def test_the_facts_are_told_as_json(mail_lab: MailLab, name: str) -> None:
    told = describe_transport(await probe_transport(mail_lab.context, name, mail_lab.ports))

    assert set(json.loads(json.dumps(told))) == {"servers", "mta_sts_policy"}
