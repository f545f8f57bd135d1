"""A few bytes that only one protocol answers in its own way, for ports that wait to be asked.

Each is the harmless beginning of its protocol: no credentials, nothing changed. Pure.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from services.scanner.service.databases import (
    SSL_REQUEST,
    TDS_PRELOGIN,
    TNS_ANSWER,
    TNS_CONNECT,
    mongo_message,
    read_mongo_reply,
    read_tds_options,
)
from services.scanner.service.desktops import RDP_REQUEST, X11_SETUP, is_x11_answer
from services.scanner.service.files import SMB_ANSWER, SMB_ANY


@dataclass(frozen=True, slots=True)
class Question:
    """What to say, and how to know who answers."""

    service: str
    ask: bytes
    is_answer: Callable[[bytes], object]
    """True, or anything that is, for an answer in the protocol."""
    usual_ports: tuple[int, ...] = ()
    """Where it is asked first; never a reason to believe anything."""
    is_asked_in_tls: bool = False
    """Servers of the protocol may begin with TLS, or stand behind a tunnel."""

    def is_answered_by(self, said: bytes) -> bool:
        """Whether the service answered; an echo of the question is no answer."""
        return not self.ask.startswith(said) and bool(self.is_answer(said))


_DNS_QUERY = struct.pack(">HHHHHH", 0x4E32, 0x0100, 1, 0, 0, 0) + b"\0" + struct.pack(">HH", 2, 1)
"""The name servers of the root, RFC 1035 4."""
_DNS_ANSWER = re.compile(rb"..\x4e\x32[\x80-\xff]", re.DOTALL)

QUESTIONS = (
    # Redis drops a connection that says "Host:" before its answer to GET is out.
    Question(
        "redis",
        b"PING\r\n",
        re.compile(rb"\+PONG\r\n|-(?:NOAUTH|DENIED|ERR) ").match,
        (6379,),
        is_asked_in_tls=True,
    ),
    Question("postgresql", SSL_REQUEST, re.compile(rb"[SN]\Z|E.{3}\d?SERR").match, (5432,)),
    Question(
        "rdp",
        RDP_REQUEST,
        re.compile(rb"\x03\x00\x00.\x0e\xd0|\x03\x00\x00\x0b\x06\xd0", re.DOTALL).match,
        (3389,),
    ),
    Question(
        "mongodb",
        mongo_message({"hello": 1, "$db": "admin"}),
        read_mongo_reply,
        (27_017, 27_018, 27_019),
        is_asked_in_tls=True,
    ),
    Question("smb", SMB_ANY, SMB_ANSWER.match, (445, 139)),
    Question("mssql", TDS_PRELOGIN, read_tds_options, (1433,)),
    Question("oracle", TNS_CONNECT, TNS_ANSWER.match, (1521,)),
    Question("x11", X11_SETUP, is_x11_answer, tuple(range(6000, 6010))),
    Question(
        "memcached",
        b"version\r\n",
        re.compile(rb"VERSION \S").match,
        (11_211,),
        is_asked_in_tls=True,
    ),
    Question("dns", struct.pack(">H", len(_DNS_QUERY)) + _DNS_QUERY, _DNS_ANSWER.match, (53, 5353)),
)
