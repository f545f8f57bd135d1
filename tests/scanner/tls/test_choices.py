"""What servers choose from odd offers, and how they refuse: real OpenSSL, and byte servers."""

import asyncio
import ssl
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from services.scanner.check import Endpoint, Outcome
from services.scanner.context import ProbeContext
from services.scanner.tls import ABSENCE_SUITE, SUITE, AbsenceSubject
from services.scanner.tls import choice_checks as checks
from services.scanner.tls.facts import PoolFacts, Support
from services.scanner.tls.probe import probe_tls
from services.scanner.tls.suites import Pool
from services.scanner.tls.wire import ContentType, Extension, Version
from tests.lab.certificates import Authority, rsa_key
from tests.scanner.net.listeners import says
from tests.scanner.tls import servers
from tests.scanner.tls.conftest import NAME, at, make_context
from tests.scanner.tls.factories import some_facts, versions

Tls = ssl.TLSVersion


async def _outcome(context: ProbeContext, port: int, check_id: str) -> Outcome:
    result = await SUITE.run(context, at(port), Endpoint(NAME, port, "tls"))
    (found,) = [r for r in result.results if r.check.id == check_id]
    return found.verdict.outcome


async def test_a_server_that_hangs_up_instead_of_refusing_is_understood(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    """Asyncio's own TLS closes without an alert: twice, and then takes what it supports."""
    ssl_context = servers.server_context(
        authority.issue([NAME]), tmp_path, ciphers="ECDHE+AESGCM:ECDHE+CHACHA20"
    )

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=ssl_context)
    async with server:
        facts = await probe_tls(context, at(server.sockets[0].getsockname()[1]))

    assert {found.support for found in facts.pools.values()} == {Support.REFUSED}
    assert facts.post_quantum is Support.REFUSED
    assert "cut the hello off" in facts.pools[Pool.RC4].reason
    assert facts.connections <= 20


async def test_a_server_that_hangs_up_on_everything_after_a_while_proves_nothing(
    context: ProbeContext,
) -> None:
    """A rate limit: what is cut off then is not refused."""
    answered = 0

    async def limited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        offer = await servers.read_offer(reader)
        if offer is None or offer.version != Version.TLS12:
            writer.write(servers.alert(70))
        elif answered == 0:
            answered += 1
            body = servers.server_hello(Version.TLS12, 0xC02F, extensions={})
            writer.write(servers.record(ContentType.HANDSHAKE, body + servers.hello_done()))
        await writer.drain()

    async with servers.serving(limited) as port:
        facts = await probe_tls(context, at(port))

    assert {found.support for found in facts.pools.values()} == {Support.UNKNOWN}


@pytest.mark.parametrize(("prefers", "outcome"), [(True, Outcome.PASSED), (False, Outcome.FAILED)])
async def test_the_client_decides_where_the_server_has_no_preference(
    context: ProbeContext, authority: Authority, tmp_path: Path, outcome: Outcome, *, prefers: bool
) -> None:
    server = servers.server_context(
        authority.issue([NAME], key=rsa_key()),
        tmp_path,
        newest=Tls.TLSv1_2,
        ciphers="ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA",
    )
    if not prefers:
        server.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE

    with servers.serving_tls(server) as port:
        found = await _outcome(context, port, "tls.cipher.order")

    assert found is outcome


@pytest.mark.parametrize(
    ("curve", "outcome"), [("secp224r1", Outcome.FAILED), ("prime256v1", Outcome.PASSED)]
)
async def test_a_weak_curve_is_found_out(
    context: ProbeContext, authority: Authority, tmp_path: Path, curve: str, outcome: Outcome
) -> None:
    server = servers.server_context(
        authority.issue([NAME], key=rsa_key()),
        tmp_path,
        newest=Tls.TLSv1_2,
        ciphers="ECDHE+AESGCM:AES128-SHA:@SECLEVEL=0",
    )
    server.set_ecdh_curve(curve)

    with servers.serving_tls(server) as port:
        found = await _outcome(context, port, "tls.kex.curve_weak")

    assert found is outcome


async def test_a_server_with_nothing_but_a_weak_curve_is_heard_all_the_same(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    server = servers.server_context(
        authority.issue([NAME], key=rsa_key()),
        tmp_path,
        newest=Tls.TLSv1_2,
        ciphers="ECDHE+AESGCM:@SECLEVEL=0",
    )
    server.set_ecdh_curve("secp224r1")

    with servers.serving_tls(server) as port:
        weak = await _outcome(context, port, "tls.kex.curve_weak")
        old = await _outcome(context, port, "tls.protocol.no_tls13")

    assert (weak, old) == (Outcome.FAILED, Outcome.FAILED)


@pytest.mark.parametrize(("level", "outcome"), [(0, Outcome.FAILED), (2, Outcome.PASSED)])
async def test_a_server_that_signs_with_sha1_is_found_out(
    context: ProbeContext, authority: Authority, tmp_path: Path, level: int, outcome: Outcome
) -> None:
    server = servers.server_context(
        authority.issue([NAME]), tmp_path, ciphers=f"ECDHE+AESGCM:@SECLEVEL={level}"
    )

    with servers.serving_tls(server) as port:
        found = await _outcome(context, port, "tls.kex.sha1_signature")

    assert found is outcome


def _heartbeats(*, bleeds: int, answers: bool, ends: bool = False) -> servers.Talk:
    """A server with the heartbeat extension that gives memory away ``bleeds`` times."""
    left = bleeds

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        offer = await servers.read_offer(reader)
        if offer is None or offer.version != Version.TLS12 or 0xC02F not in offer.suites:
            writer.write(servers.alert(40))
            await writer.drain()
            return
        body = servers.server_hello(Version.TLS12, 0xC02F, extensions={Extension.HEARTBEAT: b"\1"})
        writer.write(servers.record(ContentType.HANDSHAKE, body + servers.hello_done()))
        while True:
            header = await reader.readexactly(5)
            asked = await reader.readexactly(int.from_bytes(header[3:], "big"))
            claimed = int.from_bytes(asked[1:3], "big")
            is_sound = len(asked) >= 3 + claimed + 16
            if ends:
                writer.write(servers.alert(10))
            elif not is_sound and left:
                left -= 1
                memory = b"\2\0\x10" + b"S" * claimed + bytes(16)
                writer.write(servers.record(ContentType.HEARTBEAT, memory))
            elif is_sound and answers:
                payload = asked[3 : 3 + claimed]
                answer = b"\2" + asked[1:3] + payload + bytes(16)
                writer.write(servers.record(ContentType.HEARTBEAT, answer))
            await writer.drain()

    return talk


@pytest.mark.parametrize(
    ("talk", "outcome"),
    [
        pytest.param(_heartbeats(bleeds=9, answers=True), Outcome.FAILED, id="bleeds"),
        pytest.param(_heartbeats(bleeds=0, answers=True), Outcome.PASSED, id="sound"),
        pytest.param(_heartbeats(bleeds=0, answers=False, ends=True), Outcome.PASSED, id="ends"),
        pytest.param(_heartbeats(bleeds=0, answers=False), Outcome.NOT_EVALUATED, id="silent"),
        pytest.param(_heartbeats(bleeds=1, answers=True), Outcome.NOT_EVALUATED, id="once"),
    ],
)
async def test_heartbleed_needs_its_proof_twice(talk: servers.Talk, outcome: Outcome) -> None:
    context = make_context(exchange_timeout_s=1)
    async with servers.serving(talk) as port:
        result = await SUITE.run(context, at(port), Endpoint(NAME, port, "tls"))

    (found,) = [r for r in result.results if r.check.id == "tls.heartbleed"]
    assert found.verdict.outcome is outcome
    assert "SSSS" not in str(found.verdict)


async def test_a_server_without_heartbeats_is_not_asked_for_its_memory(
    context: ProbeContext, authority: Authority, tmp_path: Path
) -> None:
    server = servers.server_context(authority.issue([NAME]), tmp_path)

    with servers.serving_tls(server) as port:
        facts = await probe_tls(context, at(port))

    assert facts.heartbleed.reason == "the server has no heartbeats"


ACCEPTED = PoolFacts(Support.ACCEPTED, "it did", "TLS_RSA_WITH_AES_128_CBC_SHA")
UNSURE = PoolFacts(Support.UNKNOWN, "the server did not answer in time")


@pytest.mark.parametrize(
    ("check_id", "fact"),
    [
        ("tls.kex.curve_weak", "weak_curve"),
        ("tls.kex.sha1_signature", "sha1_signature"),
        ("tls.heartbleed", "heartbleed"),
    ],
)
def test_what_was_not_answered_is_not_judged(check_id: str, fact: str) -> None:
    (check,) = [check for check in checks.CHECKS if check.info.id == check_id]
    alone = some_facts(versions=versions(TLS13=Support.ACCEPTED))

    unsure = check.judge(replace(some_facts(), **{fact: UNSURE}))

    assert (unsure.outcome, UNSURE.reason in unsure.reason) == (Outcome.NOT_EVALUATED, True)
    assert check.judge(alone).outcome is Outcome.PASSED
    assert check.judge(some_facts(versions=versions())).outcome is Outcome.NOT_EVALUATED


def test_the_order_is_not_judged_without_an_answer() -> None:
    weak = some_facts(pools={Pool.CBC: ACCEPTED}, reversed_choice=UNSURE)
    good = some_facts(pools=dict.fromkeys(Pool, PoolFacts(Support.REFUSED, "refused")))

    assert checks.prefers_good_suites.judge(weak).outcome is Outcome.NOT_EVALUATED
    assert checks.prefers_good_suites.judge(good).outcome is Outcome.PASSED
    assert checks.prefers_good_suites.judge(some_facts()).outcome is Outcome.NOT_EVALUATED


async def _absence(port: int, *, has_plain_web: bool, is_open: bool = True) -> Outcome:
    context = make_context(exchange_timeout_s=1)
    subject = AbsenceSubject(
        ip_address("127.0.0.1"), port, None, is_open=is_open, has_plain_web=has_plain_web
    )
    (result,) = (await ABSENCE_SUITE.run(context, subject, Endpoint("lab", port, "tls"))).results
    return result.verdict.outcome


@pytest.mark.parametrize(
    ("talk", "has_plain_web", "outcome"),
    [
        pytest.param(says(b"HTTP/1.1 400 Bad\r\n\r\n"), True, Outcome.FAILED, id="HTTP"),
        pytest.param(says(b""), True, Outcome.FAILED, id="waits, and has a page"),
        pytest.param(says(b""), False, Outcome.NOT_EVALUATED, id="silent"),
        pytest.param(
            servers.answering(lambda _: servers.alert(112)), True, Outcome.PASSED, id="alert"
        ),
    ],
)
async def test_tls_is_missing_where_something_else_answers(
    talk: servers.Talk, outcome: Outcome, *, has_plain_web: bool
) -> None:
    async with servers.serving(talk) as port:
        assert await _absence(port, has_plain_web=has_plain_web) is outcome


async def test_a_refused_port_beside_a_site_in_the_clear_is_missing_tls() -> None:
    assert await _absence(443, has_plain_web=False, is_open=False) is Outcome.FAILED
