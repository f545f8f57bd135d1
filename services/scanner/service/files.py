"""SMB, FTP and Telnet: which dialects they take, and whether they insist on encryption."""

import re
import struct
from collections.abc import Callable

from services.scanner.net.banners import LOGIN_PROMPT
from services.scanner.service.facts import Access, Kind, ServiceFacts
from services.scanner.service.line import Conversation, Line, framed
from services.scanner.suite import ProbeError
from services.scanner.text import clean
from services.scanner.tls.facts import Support

_SHOWN = 160


def _netbios(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def smb1_negotiate(*dialects: str) -> bytes:
    """[MS-CIFS] 2.2.4.52."""
    names = b"".join(b"\2" + dialect.encode() + b"\0" for dialect in dialects)
    header = b"\xffSMB\x72" + bytes(4) + b"\x18" + struct.pack("<H", 0xC853) + bytes(12)
    return _netbios(header + bytes(8) + b"\0" + struct.pack("<H", len(names)) + names)


SMB_ANY = smb1_negotiate("NT LM 0.12", "SMB 2.002", "SMB 2.???")
"""Every server answers it: new ones in SMB 2, old ones in SMB 1."""
_SMB1_ALONE = smb1_negotiate("NT LM 0.12")
_SMB2_DIALECTS = (0x0202, 0x0210, 0x0300, 0x0302)
SMB2_NEGOTIATE = _netbios(
    b"\xfeSMB"
    + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    + bytes(16)
    + struct.pack("<HHHHI", 36, len(_SMB2_DIALECTS), 1, 0, 0)
    + bytes(24)
    + struct.pack(f"<{len(_SMB2_DIALECTS)}H", *_SMB2_DIALECTS)
)
"""[MS-SMB2] 2.2.3."""
SMB_ANSWER = re.compile(rb"\x00...(?:\xffSMB\x72|\xfeSMB\x40\x00)", re.DOTALL)
_NO_DIALECT = 0xFFFF


async def ask_smb(line: Line) -> ServiceFacts:
    is_framed = framed(0, 4, extra=4)
    modern = await _quietly(line, SMB2_NEGOTIATE, is_framed)
    old = await _quietly(line, _SMB1_ALONE, is_framed)
    dialect = _smb2_dialect(modern)
    legacy = Support.UNKNOWN
    if old.startswith(b"\xffSMB\x72", 4) and len(old) >= 39:  # noqa: PLR2004 - up to the dialect's index
        chosen = int.from_bytes(old[37:39], "little")
        legacy = Support.REFUSED if chosen == _NO_DIALECT else Support.ACCEPTED
    elif dialect and not old:
        legacy = Support.REFUSED  # [MS-SMB2] 3.3.5.3.1: without SMB 1 the server hangs up
    if not dialect and legacy is not Support.ACCEPTED:
        raise ProbeError("no dialect of SMB was agreed upon")
    shown = dialect or "NT LM 0.12"
    return ServiceFacts(
        Kind.FILE_SHARE,
        "SMB",
        Access.DENIED,
        f"negotiated {shown}",
        legacy=legacy,
        details={"dialect": shown, "smb1": legacy.value},
    )


async def _quietly(line: Line, question: bytes, is_enough: Callable[[bytes], bool]) -> bytes:
    """The answer, empty when the server cuts the connection off; its silence raises."""
    try:
        return await line.ask(question, is_enough)
    except ConnectionResetError:
        return b""


def _smb2_dialect(said: bytes) -> str:
    if not said.startswith(b"\xfeSMB", 4) or len(said) < 74:  # noqa: PLR2004 - up to the dialect
        return ""
    status, command = struct.unpack("<I", said[12:16])[0], said[16:18]
    revision = int.from_bytes(said[72:74], "little")
    if status or command != b"\0\0":
        return ""
    return f"SMB {revision >> 8 & 0xF}.{revision >> 4 & 0xF}.{revision & 0xF}"


_FTP_BYTES = 4096
_REPLY_END = re.compile(rb"(?:^|\n)\d{3} [^\n]*\n")
_LISTS_TLS = re.compile(rb"(?:^|\n) ?AUTH[ \t][^\n]*TLS|(?:^|\n) ?AUTH[ \t]+SSL", re.IGNORECASE)
_NEEDS_TLS = re.compile(rb"530[ -][^\n]{0,200}(?:TLS|SSL|secure|encrypt)", re.IGNORECASE)


def _is_reply(heard: bytes) -> bool:
    """RFC 959 4.2: a reply ends with a line of three digits and a blank."""
    return _REPLY_END.search(heard) is not None


async def ask_ftp(line: Line) -> ServiceFacts:
    """Abilities, then the anonymous login; nothing is listed and nothing transferred."""
    async with line.open(_FTP_BYTES) as conversation:
        greeting = await conversation.hear(_is_reply)
        if not greeting.startswith(b"220"):
            shown = clean(greeting.strip(), _SHOWN)
            return ServiceFacts(Kind.FTP, "FTP", proof=shown, problem=f"it greets with {shown}")
        tls = Support.ACCEPTED if line.subject.is_tls else await _ftp_tls(conversation)
    access, said = await _ftp_anonymous(line)
    return ServiceFacts(
        Kind.FTP,
        "FTP",
        access,
        clean(said.strip(), _SHOWN),
        tls=tls,
        details={"greeting": clean(greeting.strip(), _SHOWN)},
        problem="" if access is not Access.UNKNOWN else "the anonymous login was not answered",
    )


async def _ftp_tls(conversation: Conversation) -> Support:
    abilities = await conversation.ask(b"FEAT\r\n", _is_reply)
    if _NEEDS_TLS.match(abilities) or _LISTS_TLS.search(abilities):
        return Support.ACCEPTED
    answer = await conversation.ask(b"AUTH TLS\r\n", _is_reply)
    if answer.startswith(b"234") or _NEEDS_TLS.match(answer):
        return Support.ACCEPTED
    # 5xx: not known or not allowed. Anything else, such as 421 "too many", tells nothing.
    return Support.REFUSED if answer.startswith(b"5") else Support.UNKNOWN


async def _ftp_anonymous(line: Line) -> tuple[Access, bytes]:
    async with line.open(_FTP_BYTES) as conversation:
        await conversation.hear(_is_reply)
        said = await conversation.ask(b"USER anonymous\r\n", _is_reply)
        if said.startswith(b"331"):
            said = await conversation.ask(b"PASS nis2-gateway@example.org\r\n", _is_reply)
        if said.startswith(b"230"):
            conversation.writer.write(b"QUIT\r\n")
            return Access.OPEN, said
    return (Access.DENIED if said.startswith((b"5", b"332")) else Access.UNKNOWN), said


_IAC = 0xFF
_REQUESTS = range(0xFB, 0xFF)
# Options of remote terminals (IANA "Telnet Options"); games add their own from 69 on.
_TERMINAL_OPTIONS = frozenset((*range(50), 255))
_GAME_OPTIONS = frozenset({69, 70, 85, 86, 90, 91, 93, 102, 200, 201})


async def ask_telnet(line: Line) -> ServiceFacts:
    """Listens only: option requests of a terminal, or a prompt for a name."""
    async with line.open() as conversation:
        said = await conversation.hear(_is_telnet)
    options = telnet_options(said)
    text = clean(re.sub(rb"\xff[\xfb-\xfe].", b"", said, flags=re.DOTALL).strip(), _SHOWN)
    details = {"options": sorted(options)}
    if options & _GAME_OPTIONS:
        return ServiceFacts(Kind.OTHER, "game server", proof=text, details=details)
    if options & _TERMINAL_OPTIONS or LOGIN_PROMPT.search(said):
        return ServiceFacts(Kind.TERMINAL, "Telnet", Access.DENIED, text, details=details)
    raise ProbeError("neither Telnet options nor a prompt were seen")


def _is_telnet(heard: bytes) -> bool:
    return bool(telnet_options(heard)) or LOGIN_PROMPT.search(heard) is not None


def telnet_options(said: bytes) -> frozenset[int]:
    """The options that are asked for or offered (RFC 854)."""
    return frozenset(
        said[at + 2]
        for at in range(len(said) - 2)
        if said[at] == _IAC and said[at + 1] in _REQUESTS
    )
