"""SSH against real sockets, and the checks on what was seen there."""

import asyncio
import time
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scanner.check import Endpoint, Outcome, Severity, Verdict
from services.scanner.context import ProbeContext
from services.scanner.ssh import SUITE, SshFacts, SshSubject, describe
from services.scanner.ssh.facts import Algorithms
from services.scanner.ssh.kexinit import KexError, packet_length, read_kexinit
from services.scanner.ssh.probe import probe_ssh
from tests.scanner.net.listeners import Behaviour, hangs_up, listening, says
from tests.scanner.ssh.servers import GOOD, kexinit, offering

LOCALHOST = ip_address("127.0.0.1")
BY_ID = {check.info.id: check for check in SUITE.checks}
OFFER_IDS = sorted(set(BY_ID) - {"ssh.protocol.v1"})


async def _outcomes(context: ProbeContext, behaviour: Behaviour) -> dict[str, Outcome]:
    async with listening(behaviour) as server:
        seen = await SUITE.run(
            context, SshSubject(LOCALHOST, server.port), Endpoint("lab", server.port, "ssh")
        )
    return {result.check.id: result.verdict.outcome for result in seen.results}


def _judge(check_id: str, offer: Algorithms | None, version: tuple[int, int] = (2, 0)) -> Verdict:
    return BY_ID[check_id].judge(SshFacts("SSH-2.0-lab", version, offer, "it hung up"))


async def test_a_good_server_passes_every_check(context: ProbeContext) -> None:
    outcomes = await _outcomes(context, offering(GOOD))

    assert set(outcomes.values()) == {Outcome.PASSED}
    assert len(outcomes) == 7


async def test_an_old_server_fails_every_check_on_its_lists(context: ProbeContext) -> None:
    old = Algorithms(
        kex=("curve25519-sha256", "diffie-hellman-group14-sha1"),
        host_keys=("ssh-rsa", "ssh-dss"),
        ciphers_in=("aes128-ctr", "chacha20-poly1305@openssh.com"),
        ciphers_out=("aes128-ctr", "3des-cbc"),
        macs_in=("hmac-md5",),
        macs_out=("hmac-sha2-256",),
    )

    outcomes = await _outcomes(context, offering(old))

    assert outcomes.pop("ssh.protocol.v1") is Outcome.PASSED
    assert set(outcomes.values()) == {Outcome.FAILED}


async def test_lines_before_the_identification_are_skipped(context: ProbeContext) -> None:
    banner = b"Authorised users only.\r\nEverything is logged.\r\n"

    outcomes = await _outcomes(context, offering(GOOD, before=banner))

    assert set(outcomes.values()) == {Outcome.PASSED}


@pytest.mark.parametrize(
    ("greeting", "severity"),
    [(b"SSH-1.5-OldSSH\n", None), (b"SSH-1.99-Cisco-1.25\r\n", Severity.HIGH)],
)
async def test_protocol_1_is_found_by_the_greeting(
    context: ProbeContext, greeting: bytes, severity: Severity | None
) -> None:
    async with listening(says(greeting)) as server:
        facts = await probe_ssh(context, SshSubject(LOCALHOST, server.port))

    verdict = BY_ID["ssh.protocol.v1"].judge(facts)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.problems[0].severity is severity


async def test_both_protocols_are_asked_for_the_lists_of_the_second(context: ProbeContext) -> None:
    async with listening(offering(GOOD, name=b"SSH-1.99-Cisco-1.25")) as server:
        facts = await probe_ssh(context, SshSubject(LOCALHOST, server.port))

    assert facts.version == (1, 99)
    assert facts.algorithms is not None
    assert facts.algorithms.kex == GOOD.kex


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(says(b"SSH-2.0-lab\r\n"), id="no lists"),
        pytest.param(says(b"SSH-2.0-lab\r\nGET out of here, all of you\r\n"), id="text"),
        pytest.param(says(b"SSH-2.0-lab\r\n\x00\x00\x00\x0c\x0a" + bytes(11)), id="other packet"),
        pytest.param(says(b"SSH-2.0-lab\r\n\x00\x00\x00\x20\x04\x14" + bytes(30)), id="cut lists"),
    ],
)
async def test_without_lists_only_the_version_is_judged(
    context: ProbeContext, behaviour: Behaviour
) -> None:
    outcomes = await _outcomes(context, behaviour)

    assert outcomes.pop("ssh.protocol.v1") is Outcome.PASSED
    assert set(outcomes.values()) == {Outcome.NOT_EVALUATED}


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hangs_up, id="hangs up"),
        pytest.param(says(b"220 mail ready\r\n"), id="mail"),
        pytest.param(says(b""), id="silent"),
        pytest.param(says(b"x" * 100_000), id="endless line"),
    ],
)
async def test_what_is_no_ssh_server_is_not_evaluated(
    context: ProbeContext, behaviour: Behaviour
) -> None:
    outcomes = await _outcomes(context, behaviour)

    assert set(outcomes.values()) == {Outcome.NOT_EVALUATED}


async def test_a_drip_of_lines_ends_in_time(context: ProbeContext) -> None:
    """TGT-1: the exchange is bounded, not each read."""

    async def drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"a line\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    started_s = time.monotonic()
    outcomes = await _outcomes(context, drips)

    assert set(outcomes.values()) == {Outcome.NOT_EVALUATED}
    assert time.monotonic() - started_s < 3


@pytest.mark.parametrize(
    ("check_id", "change", "severity"),
    [
        ("ssh.kex.weak", {"kex": ("diffie-hellman-group-exchange-sha1",)}, None),
        ("ssh.kex.weak", {"kex": ("x", "gss-gex-sha1-toWM5Slw5Ew8Mqkay+al2g==")}, None),
        ("ssh.hostkey.weak", {"host_keys": ("ssh-ed25519", "ssh-rsa")}, None),
        ("ssh.hostkey.weak", {"host_keys": ("ssh-ed25519", "ssh-dss")}, None),
        ("ssh.cipher.weak", {"ciphers_in": ("aes256-ctr", "arcfour256")}, None),
        ("ssh.cipher.weak", {"ciphers_out": ("aes256-cbc",)}, Severity.LOW),
        ("ssh.cipher.weak", {"ciphers_out": ("none",)}, Severity.HIGH),
        ("ssh.mac.weak", {"macs_in": ("umac-64-etm@openssh.com",)}, None),
        ("ssh.mac.weak", {"macs_in": ("hmac-sha1",)}, Severity.INFO),
        ("ssh.mac.weak", {"macs_in": ("hmac-sha1-96", "hmac-sha1")}, None),
        ("ssh.terrapin", {"kex": ("curve25519-sha256",)}, None),
        ("ssh.kex.pqc_missing", {"kex": ("curve25519-sha256",)}, None),
    ],
)
def test_one_weak_entry_is_enough(
    check_id: str, change: dict[str, tuple[str, ...]], severity: Severity | None
) -> None:
    verdict = _judge(check_id, replace(GOOD, **change))

    assert verdict.outcome is Outcome.FAILED
    assert verdict.problems[0].severity is severity


@pytest.mark.parametrize(
    ("check_id", "change"),
    [
        ("ssh.kex.weak", {"kex": ("diffie-hellman-group14-sha256",)}),
        ("ssh.hostkey.weak", {"host_keys": ("ssh-rsa", "rsa-sha2-256")}),
        ("ssh.mac.weak", {"macs_in": ("hmac-sha2-512", "umac-128@openssh.com")}),
        # CBC alone, or encrypt-then-MAC alone, is no mode that Terrapin works on.
        ("ssh.terrapin", {"kex": ("a",), "ciphers_in": ("aes128-ctr",), "ciphers_out": ("b",)}),
        (
            "ssh.terrapin",
            {
                "kex": ("a",),
                "ciphers_in": ("aes128-cbc",),
                "ciphers_out": ("aes128-ctr",),
                "macs_in": ("hmac-sha2-256",),
            },
        ),
        ("ssh.kex.pqc_missing", {"kex": ("sntrup761x25519-sha512@openssh.com",)}),
    ],
)
def test_what_only_looks_weak_passes(check_id: str, change: dict[str, tuple[str, ...]]) -> None:
    assert _judge(check_id, replace(GOOD, **change)).outcome is Outcome.PASSED


def test_cbc_with_encrypt_then_mac_is_open_to_terrapin() -> None:
    offer = replace(GOOD, kex=("a",), ciphers_in=("aes128-cbc",), ciphers_out=("aes128-ctr",))

    verdict = _judge("ssh.terrapin", offer)

    assert verdict.outcome is Outcome.FAILED
    assert "aes128-cbc with hmac-sha2-256-etm@openssh.com" in verdict.reason


def test_the_list_of_macs_means_nothing_beside_ciphers_that_authenticate() -> None:
    aead = ("aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")
    offer = replace(GOOD, ciphers_in=aead, ciphers_out=aead, macs_in=("hmac-md5",))

    verdict = _judge("ssh.mac.weak", offer)

    assert verdict.outcome is Outcome.NOT_EVALUATED
    assert not verdict.is_applicable


@pytest.mark.parametrize("check_id", OFFER_IDS)
def test_without_a_list_nothing_is_said_about_it(check_id: str) -> None:
    verdict = _judge(check_id, None)

    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_EVALUATED, "it hung up")


def test_the_lists_are_shown() -> None:
    shown = describe(SshFacts("SSH-2.0-lab", (2, 0), GOOD))

    assert shown["protocol"] == "2.0"
    assert isinstance(shown["algorithms"], dict)
    assert shown["algorithms"]["macs"] == ["hmac-sha2-256-etm@openssh.com"]


def test_a_packet_is_read_as_it_was_written() -> None:
    packet = kexinit(GOOD)

    assert packet_length(packet[:4]) == len(packet) - 4
    assert read_kexinit(packet[4:]) == GOOD


@given(st.binary(min_size=5, max_size=400))
def test_bytes_of_any_kind_are_lists_or_an_error(packet: bytes) -> None:
    try:
        offer = read_kexinit(packet)
    except KexError:
        return
    assert len(packet) > 57
    assert offer.ciphers == tuple(dict.fromkeys((*offer.ciphers_in, *offer.ciphers_out)))
