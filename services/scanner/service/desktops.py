"""Remote administration: VNC, RDP and X11. No login is tried."""

import struct

from services.scanner.service.facts import Access, Kind, ServiceFacts
from services.scanner.service.line import Line, at_least, framed
from services.scanner.suite import ProbeError
from services.scanner.text import clean

_VNC_GREETING = 12
_VNC_NONE = 1
_VNC_NAMES = {1: "None", 2: "VNC password", 16: "Tight", 18: "TLS", 19: "VeNCrypt", 30: "Apple"}


async def ask_vnc(line: Line) -> ServiceFacts:
    """Up to the list of security types (RFC 6143 7.1.2); none of them is chosen."""
    async with line.open() as conversation:
        greeting = (await conversation.hear(at_least(_VNC_GREETING)))[:_VNC_GREETING]
        if not greeting.startswith(b"RFB 0") or len(greeting) < _VNC_GREETING:
            raise ProbeError("the greeting is not VNC's")
        is_old = greeting < b"RFB 003.007"
        # Version numbers of makers' own (Apple's 003.889) mean 3.8.
        ours = b"RFB 003.003\n" if is_old else b"RFB 003.008\n"
        said = await conversation.ask(ours, at_least(4) if is_old else _has_vnc_types)
    types = _vnc_types(said, is_old=is_old)
    shown = clean(greeting.strip(), 40)
    names = [_VNC_NAMES.get(number, f"type {number}") for number in types]
    details = {"security_types": names}
    if not types:
        return ServiceFacts(
            Kind.DESKTOP, "VNC", Access.UNKNOWN, shown, problem="it listed no security types"
        )
    access = Access.OPEN if _VNC_NONE in types else Access.DENIED
    return ServiceFacts(Kind.DESKTOP, "VNC", access, shown, details=details)


def _has_vnc_types(heard: bytes) -> bool:
    return len(heard) > 0 and len(heard) > heard[0]


def _vnc_types(said: bytes, *, is_old: bool) -> tuple[int, ...]:
    """What the server would take; empty when it refuses or stops short. 0 is a refusal."""
    if is_old:
        number = int.from_bytes(said[:4], "big") if len(said) >= 4 else 0  # noqa: PLR2004 - one number
        return (number,) if number else ()
    return tuple(said[1 : 1 + said[0]]) if said and len(said) > said[0] else ()


RDP_REQUEST = bytes.fromhex("030000130ee000000000000100080003000000")
"""X.224 connection request that offers TLS and network level authentication ([MS-RDPBCGR]
2.2.1.1)."""
_RDP_CONFIRM = 0xD0
_RDP_RESPONSE, _RDP_FAILURE = 2, 3
_RDP_WAYS = {0: "RDP's own encryption", 1: "TLS without NLA", 2: "NLA", 8: "NLA"}
_RDP_NLA_ONLY = 5


async def ask_rdp(line: Line) -> ServiceFacts:
    said = await line.ask(RDP_REQUEST, framed(2, 2, extra=0))
    if said[:2] != b"\x03\x00" or said[5:6] != bytes((_RDP_CONFIRM,)):
        raise ProbeError("the answer to a connection request is not RDP's")
    way = "RDP's own encryption"  # an old server answers without a negotiation
    kind, code = said[11:12], said[15:19]
    if kind == bytes((_RDP_RESPONSE,)) and len(code) == 4:  # noqa: PLR2004 - one number
        chosen: int = struct.unpack("<I", code)[0]
        way = _RDP_WAYS.get(chosen, f"protocol {chosen}")
    elif kind == bytes((_RDP_FAILURE,)):
        is_nla = code[:1] == bytes((_RDP_NLA_ONLY,))
        way = "NLA" if is_nla else "the negotiation failed"
    details = {"security": way, "nla": way == "NLA"}
    return ServiceFacts(
        Kind.DESKTOP, "RDP", Access.DENIED, f"connection confirm, {way}", details=details
    )


X11_SETUP = b"l\0" + struct.pack("<HHHHH", 11, 0, 0, 0, 0)
"""X protocol 11, without any authorization."""
_X11_FAILED, _X11_SUCCESS, _X11_AUTHENTICATE = 0, 1, 2


def is_x11_answer(said: bytes) -> bool:
    """A setup answer: its kind, then protocol 11 (X protocol, "Connection Setup")."""
    known = {_X11_FAILED, _X11_SUCCESS, _X11_AUTHENTICATE}
    return len(said) >= 8 and said[0] in known and said[2:4] == b"\x0b\0"  # noqa: PLR2004 - the fixed part


async def ask_x11(line: Line) -> ServiceFacts:
    said = await line.ask(X11_SETUP, at_least(8))
    if not is_x11_answer(said):
        raise ProbeError("the answer to a connection setup is not X11's")
    if said[0] == _X11_SUCCESS:
        return ServiceFacts(Kind.DESKTOP, "X11", Access.OPEN, "setup accepted without a login")
    reason = clean(said[8 : 8 + said[1]], 120)
    return ServiceFacts(Kind.DESKTOP, "X11", Access.DENIED, f"setup refused: {reason}")
