"""Desktops, shares, terminals and FTP."""

import asyncio
import struct

import pytest

from services.scanner.check import Outcome, Severity
from services.scanner.context import ProbeContext
from services.scanner.service.desktops import X11_SETUP
from services.scanner.service.files import telnet_options
from tests.scanner.net.listeners import Behaviour, hangs_up, says
from tests.scanner.service.speaking import Results, failed, judged, knows, passed

VNC, REMOTE, SMB = "svc.vnc.unauthenticated", "svc.remote_admin.exposed", "svc.smb.exposed"
NOTHING = frozenset[str]()
TELNET, FTP, ANONYMOUS = "svc.cleartext.telnet", "svc.cleartext.ftp", "svc.ftp.anonymous"


def _severity(results: Results, check_id: str) -> Severity | None:
    return results[check_id].verdict.problems[0].severity


def _vnc(greeting: bytes, types: bytes) -> Behaviour:
    return knows({b"RFB 003": types}, greeting=greeting)


@pytest.mark.parametrize(
    ("greeting", "types", "found"),
    [
        (b"RFB 003.008\n", b"\x02\x01\x02", {VNC}),
        (b"RFB 003.003\n", b"\0\0\0\x01", {VNC}),
        (b"RFB 003.008\n", b"\x02\x02\x13", {REMOTE}),
        (b"RFB 003.889\n", b"\x01\x1e", {REMOTE}),
        (b"RFB 003.003\n", b"\0\0\0\x02", {REMOTE}),
    ],
)
async def test_vnc_is_judged_by_its_security_types(
    context: ProbeContext, greeting: bytes, types: bytes, found: set[str]
) -> None:
    name, results = await judged(context, _vnc(greeting, types))

    assert name == "vnc"
    assert failed(results) == found


async def test_vnc_that_lists_nothing_is_exposed_and_no_more(context: ProbeContext) -> None:
    refusal = b"\0" + struct.pack(">I", 17) + b"Too many failures"

    _, results = await judged(context, _vnc(b"RFB 003.008\n", refusal))

    assert results[VNC].verdict.outcome is Outcome.NOT_EVALUATED
    assert failed(results) == {REMOTE}


@pytest.mark.parametrize(
    ("confirm", "has_nla"),
    [
        ("030000130ed000001234000209080002000000", True),
        ("030000130ed000001234000209080001000000", False),
        ("030000130ed000001234000300080005000000", True),
        ("0300000b06d00000123400", False),
    ],
)
async def test_rdp_is_exposed_with_and_without_nla(
    context: ProbeContext, confirm: str, *, has_nla: bool
) -> None:
    name, results = await judged(context, knows({b"\x03\x00\x00\x13": bytes.fromhex(confirm)}))

    assert name == "rdp"
    assert failed(results) == {REMOTE}
    assert results[REMOTE].verdict.problems[0].evidence["nla"] is has_nla


@pytest.mark.parametrize(("kind", "severity"), [(1, Severity.CRITICAL), (0, None), (2, None)])
async def test_x11_without_a_login_is_critical(
    context: ProbeContext, kind: int, severity: Severity | None
) -> None:
    answer = bytes((kind, 2)) + struct.pack("<HHH", 11, 0, 1) + b"no\0\0"

    name, results = await judged(context, knows({X11_SETUP: answer}))

    assert name == "x11"
    assert failed(results) == {REMOTE}
    assert _severity(results, REMOTE) is severity


def _framed(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def _smb2(dialect: int) -> bytes:
    header = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0) + bytes(16)
    return _framed(header + struct.pack("<HHH", 65, 1, dialect) + bytes(58))


def _smb1(index: int) -> bytes:
    header = b"\xffSMB\x72" + bytes(4) + b"\x98" + bytes(22)
    return _framed(header + bytes((17,)) + struct.pack("<H", index) + bytes(32) + b"\0\0")


_SMB1_ALONE = b"\x02NT LM 0.12\x00"


def _smb(modern: bytes, both: bytes, old: bytes) -> Behaviour:
    """Answers SMB 2, the hello that offers both, and SMB 1 alone."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(4096)
        if asked[4:8] == b"\xfeSMB":
            answer = modern
        elif asked[4:8] == b"\xffSMB":
            answer = old if asked.endswith(_SMB1_ALONE) else both
        else:
            return
        writer.write(answer)
        await writer.drain()

    return behaviour


@pytest.mark.parametrize(
    ("behaviour", "dialect", "severity"),
    [
        pytest.param(_smb(_smb2(0x0302), _smb2(0x02FF), b""), "SMB 3.0.2", None, id="modern"),
        pytest.param(
            _smb(_smb2(0x0210), _smb2(0x02FF), _smb1(0)), "SMB 2.1.0", Severity.CRITICAL, id="both"
        ),
        pytest.param(_smb(b"", _smb1(0), _smb1(0)), "NT LM 0.12", Severity.CRITICAL, id="old"),
        pytest.param(
            _smb(_smb2(0x0300), _smb2(0x02FF), _smb1(0xFFFF)), "SMB 3.0.0", None, id="no dialect"
        ),
    ],
)
async def test_smb_is_exposed_and_worse_with_version_1(
    context: ProbeContext, behaviour: Behaviour, dialect: str, severity: Severity | None
) -> None:
    name, results = await judged(context, behaviour)

    assert name == "smb"
    assert failed(results) == {SMB}
    assert _severity(results, SMB) is severity
    assert results[SMB].verdict.problems[0].evidence["dialect"] == dialect


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param(b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23", id="options"),
        pytest.param(b"\r\nUser Access Verification\r\n\r\nUsername: ", id="prompt"),
        pytest.param(b"Debian GNU/Linux 4.0\r\nbox login: ", id="login"),
    ],
)
async def test_a_terminal_in_the_clear_is_found_out(context: ProbeContext, greeting: bytes) -> None:
    name, results = await judged(context, says(greeting))

    assert name == "telnet"
    assert failed(results) == {TELNET}


async def test_a_game_with_options_of_its_own_is_no_terminal(context: ProbeContext) -> None:
    greeting = b"\xff\xfb\x56\xff\xfb\x46\xff\xfd\x18Welcome to the Dungeon\r\n"

    name, results = await judged(context, says(greeting))

    assert name == "telnet"
    assert passed(results) == {TELNET}


def _ftp(answers: dict[bytes, bytes]) -> Behaviour:
    standard = {
        b"FEAT": b"211-Features:\r\n UTF8\r\n211 End\r\n",
        b"AUTH TLS": b"502 Command not implemented.\r\n",
        b"USER": b"331 Password required.\r\n",
        b"PASS": b"530 Login incorrect.\r\n",
    }
    return knows(standard | answers, greeting=b"220-Hello\r\n220 Lab FTP server ready\r\n")


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        pytest.param({}, {FTP}, id="in the clear"),
        pytest.param({b"FEAT": b"211-Ext:\r\n AUTH TLS\r\n211 End\r\n"}, NOTHING, id="FEAT"),
        pytest.param({b"AUTH TLS": b"234 Go on\r\n"}, NOTHING, id="AUTH"),
        pytest.param(
            {b"FEAT": b"530 Please log in.\r\n", b"AUTH TLS": b"234 Go on\r\n"}, NOTHING, id="shy"
        ),
        pytest.param(
            {
                b"FEAT": b"530 TLS required.\r\n",
                b"AUTH TLS": b"530 Use implicit TLS.\r\n",
                b"USER": b"530 TLS required.\r\n",
            },
            NOTHING,
            id="insists on TLS",
        ),
        pytest.param({b"PASS": b"230 Welcome.\r\n"}, {FTP, ANONYMOUS}, id="anonymous"),
        pytest.param({b"USER": b"230 Welcome.\r\n"}, {FTP, ANONYMOUS}, id="anonymous at once"),
    ],
)
async def test_ftp_is_judged_by_its_answers(
    context: ProbeContext, answers: dict[bytes, bytes], found: frozenset[str] | set[str]
) -> None:
    name, results = await judged(context, _ftp(answers))

    assert name == "ftp"
    assert failed(results) == found
    assert passed(results) == {FTP, ANONYMOUS} - found


async def test_a_server_that_has_no_time_is_no_verdict(context: ProbeContext) -> None:
    _, results = await judged(context, says(b"421 Too many FTP connections\r\n"), "ftp")

    assert {r.verdict.outcome for r in results.values()} == {Outcome.NOT_EVALUATED}


async def test_an_answer_that_is_neither_yes_nor_no_is_no_verdict(context: ProbeContext) -> None:
    busy = b"421 Timeout\r\n"

    _, results = await judged(context, _ftp({b"AUTH TLS": busy, b"USER": busy}))

    assert {r.verdict.outcome for r in results.values()} == {Outcome.NOT_EVALUATED}


@pytest.mark.parametrize("service", ["vnc", "rdp", "x11", "smb", "telnet", "ftp"])
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hangs_up, id="hangs up"),
        pytest.param(says(b""), id="silent"),
        pytest.param(says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), id="http"),
    ],
)
async def test_what_does_not_answer_in_its_protocol_is_not_evaluated(
    context: ProbeContext, behaviour: Behaviour, service: str
) -> None:
    _, results = await judged(context, behaviour, service)

    assert {r.verdict.outcome for r in results.values()} == {Outcome.NOT_EVALUATED}


async def test_an_echo_is_nobody(context: ProbeContext) -> None:
    """Every question comes back as it was: that is not its answer."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            if data.startswith(b"GET") or data[:1] == b"\x16":
                return
            writer.write(data)
            await writer.drain()

    with pytest.raises(KeyError, match="unknown"):
        await judged(context, echo)


def test_options_are_read_out_of_the_text_around_them() -> None:
    assert telnet_options(b"Hi\xff\xfb\x01there\xff\xfe\x18\xff\xfd") == {1, 24}
