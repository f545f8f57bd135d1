"""The two messages of SSH that come in the clear: the identification and KEXINIT. Pure.

Sources: RFC 4253 4.2 (identification), 6 (binary packets), 7.1 (KEXINIT).
"""

import re
import struct

from services.scanner.ssh.facts import Algorithms
from services.scanner.text import clean

MAX_PACKET = 35_000
"""RFC 4253 6.1: what every implementation has to take, and nobody sends more."""
_KEXINIT = 20
_COOKIE_BYTES = 16
_MIN_PADDING = 4
_LISTS = 10
_MAX_NAMES = 200
_MAX_NAME = 64  # RFC 4251 6

_IDENTIFICATION = re.compile(rb"SSH-(\d{1,2})\.(\d{1,3})-")


class KexError(Exception):
    """What the peer sent is not SSH, or breaks a bound. The message is fit for a report."""


def read_version(line: bytes) -> tuple[int, int] | None:
    """The protocol version of an identification line; None for any other line."""
    found = _IDENTIFICATION.match(line)
    return (int(found[1]), int(found[2])) if found else None


def packet_length(header: bytes) -> int:
    """How many bytes follow the four of the length. Raises KexError."""
    length: int = struct.unpack(">I", header)[0]
    if not _MIN_PADDING < length <= MAX_PACKET:
        raise KexError("the server's first packet is no SSH packet")
    return length


def read_kexinit(packet: bytes) -> Algorithms:
    """The offer of a server, from a packet without its length field. Raises KexError."""
    padding = packet[0]
    payload = packet[1 : len(packet) - padding]
    if payload[:1] != bytes((_KEXINIT,)):
        raise KexError("the server's first packet is no KEXINIT")
    lists: list[tuple[str, ...]] = []
    at = 1 + _COOKIE_BYTES
    for _ in range(_LISTS):
        start = at + 4
        end = start + int.from_bytes(payload[at:start], "big")
        if start > len(payload) or end > len(payload):
            raise KexError("the server's KEXINIT ends in the middle of a list")
        lists.append(_names(payload[start:end]))
        at = end
    return Algorithms(*lists[:7])


def _names(data: bytes) -> tuple[str, ...]:
    names = data.split(b",", _MAX_NAMES)[:_MAX_NAMES]
    return tuple(clean(name, _MAX_NAME) for name in names if name)
