"""Databases, desktops, shares and terminals, as far as a stranger hears of them."""

import re
import socket
import struct
from collections.abc import Callable, Sequence

from services.scanner.service.bson import document
from services.scanner.service.databases import mongo_message
from tests.lab.acceptor import Talk, read_exactly, silent
from tests.lab.lab import Lab


def lines(
    answers: Sequence[tuple[str, bytes]], *, greeting: bytes = b"", other: bytes | None = None
) -> Talk:
    """A server of lines: the first pattern that fits, else ``other``, else it hangs up."""

    def talk(client: socket.socket) -> None:
        client.sendall(greeting)
        heard = bytearray()
        while piece := client.recv(4096):
            heard += piece
            while b"\n" in heard:
                line, _, rest = bytes(heard).partition(b"\n")
                heard[:] = rest
                text = line.decode("latin-1").strip()
                said = next((a for p, a in answers if re.match(p, text, re.IGNORECASE)), other)
                if said is None:
                    return
                client.sendall(said)

    return talk


def packets(answer: Callable[[bytes], bytes | None], *, greeting: bytes = b"") -> Talk:
    """A server of packets, each as it comes; None hangs up."""

    def talk(client: socket.socket) -> None:
        client.sendall(greeting)
        while heard := client.recv(4096):
            said = answer(heard)
            if said is None:
                return
            client.sendall(said)

    return talk


# Redis reads arrays as well as lines; HTTP's "Host:" makes it hang up (since 3.2.7).
REDIS = lines(
    [("PING", b"+PONG\r\n"), ("(POST|Host:)", b"")], other=b"-ERR unknown command, with args\r\n"
)
REDIS_AUTH = lines([], other=b"-NOAUTH Authentication required.\r\n")
REDIS_PROTECTED = lines(
    [], greeting=b"-DENIED Redis is running in protected mode because protected mode is enabled\r\n"
)
MEMCACHED = lines([("version", b"VERSION 1.6.21\r\n")], other=b"ERROR\r\n")


def _bson_server(reply: Callable[[bytes], dict[str, bool | int | str | bytes]]) -> Talk:
    def talk(client: socket.socket) -> None:
        while True:
            head = read_exactly(client, 16)
            length, _, _, kind = struct.unpack("<iiii", head)
            if kind != 2013 or length > 4096:
                return
            body = read_exactly(client, length - 16)
            client.sendall(mongo_message(reply(body)))

    return talk


def mongo(*, asks_for_login: bool) -> Talk:
    def reply(body: bytes) -> dict[str, bool | int | str | bytes]:
        if b"listDatabases" in body and asks_for_login:
            text = "command listDatabases requires authentication"
            return {"ok": 0, "errmsg": text, "code": 13, "codeName": "Unauthorized"}
        if b"listDatabases" in body:
            return {"databases": document({}), "ok": 1}
        return {"isWritablePrimary": True, "maxWireVersion": 17, "ok": 1}

    return _bson_server(reply)


def postgresql(*, has_tls: bool, session: bytes, lab: Lab | None = None) -> Talk:
    context = lab.context(lab.identity("pg.svc.lab")) if lab is not None else None

    def talk(client: socket.socket) -> None:
        speaker = client
        while True:
            (length,) = struct.unpack(">I", read_exactly(speaker, 4))
            if not 8 <= length <= 1024:
                return
            body = read_exactly(speaker, length - 4)
            if body[:4] == struct.pack(">I", 80_877_103):
                speaker.sendall(b"S" if has_tls else b"N")
                if has_tls and context is not None:
                    speaker = context.wrap_socket(speaker, server_side=True)
                continue
            speaker.sendall(session)
            return

    return talk


def _pg(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


PG_OK, PG_SCRAM = _pg(b"R", bytes(4)), _pg(b"R", struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0")
PG_NO_HBA = _pg(b"E", b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host\0\0")


def mysql(*, has_tls: bool, version: bytes = b"8.0.36") -> Talk:
    flags = 0xF7FF | (0x0800 if has_tls else 0)
    low = flags & 0xFFFF if has_tls else flags & ~0x0800 & 0xFFFF
    body = b"\x0a" + version + b"\0" + bytes(4) + b"abcdefgh\0" + struct.pack("<H", low)
    body += b"\xff\x02\x00\xff\xdf\x15" + bytes(10) + b"ijklmnopqrst\0mysql_native_password\0"
    greeting = struct.pack("<I", len(body))[:3] + b"\0" + body
    return packets(lambda _: None, greeting=greeting)


def mysql_blocked(client: socket.socket) -> None:
    body = b"\xff\x6a\x04Host '127.0.0.1' is not allowed to connect to this MySQL server"
    client.sendall(struct.pack("<I", len(body))[:3] + b"\0" + body)


def tds(encryption: int) -> Talk:
    body = bytes.fromhex(
        "00001a0006 0100200001 0200210001 0300220000 0400220001 ff".replace(" ", "")
    )
    body += bytes((15, 0, 16, 0, 0, 0)) + bytes((encryption,)) + b"\0" + b"\0"
    packet = b"\x04\x01" + struct.pack(">H", len(body) + 8) + bytes((0, 0, 1, 0)) + body
    return packets(lambda heard: packet if heard[:1] == b"\x12" else None)


def oracle(heard: bytes) -> bytes | None:
    if heard[4:5] != b"\1":
        return None
    text = (
        b"(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=1189)(ERROR_STACK=(ERROR=(CODE=1189)(EMFI=4))))"
    )
    return (
        struct.pack(">HHBBH", 12 + len(text), 0, 4, 0, 0)
        + b"\x22\0"
        + struct.pack(">H", len(text))
        + text
    )


def vnc(*types: int) -> Talk:
    def talk(client: socket.socket) -> None:
        client.sendall(b"RFB 003.008\n")
        if read_exactly(client, 12).startswith(b"RFB "):
            client.sendall(bytes((len(types), *types)))
            silent(client)

    return talk


def vnc_old(client: socket.socket) -> None:
    client.sendall(b"RFB 003.003\n")
    if read_exactly(client, 12).startswith(b"RFB "):
        client.sendall(struct.pack(">I", 1))
        silent(client)


def rdp(chosen: int) -> Talk:
    answer = bytes.fromhex("030000130ed000001234000209 0800".replace(" ", "")) + struct.pack(
        "<I", chosen
    )
    return packets(lambda heard: answer if heard[:2] == b"\x03\x00" else None)


def smb(*, has_smb1: bool) -> Talk:
    smb2 = (
        b"\xfeSMB"
        + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0)
        + bytes(16)
        + struct.pack("<HHHH", 65, 1, 0x0302, 0)
        + bytes(56)
    )
    smb1 = b"\xffSMB\x72" + bytes(4) + b"\x98\x53\xc8" + bytes(20) + b"\x11\0\0\x03" + bytes(34)

    def answer(heard: bytes) -> bytes | None:
        wants_old = heard[4:8] == b"\xffSMB"
        if wants_old and b"SMB 2" not in heard:
            return _netbios(smb1) if has_smb1 else None
        return _netbios(smb2) if heard[4:8] in {b"\xffSMB", b"\xfeSMB"} else None

    return packets(answer)


def _netbios(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


def x11(*, is_open: bool) -> Talk:
    reason = b"No protocol specified\n"
    refusal = bytes((0, len(reason))) + struct.pack("<HHH", 11, 0, 6) + reason.ljust(24, b"\0")
    success = b"\1\0" + struct.pack("<HHH", 11, 0, 8) + bytes(32)
    return packets(lambda heard: (success if is_open else refusal) if heard[:1] in b"lB" else None)


TELNET_OPTIONS = b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27"
FEATURES = b"211-Features:\r\n AUTH TLS\r\n PBSZ\r\n211 End\r\n"


def ftp(
    auth: bytes, features: bytes, user: bytes, password: bytes = b"530 Login incorrect.\r\n"
) -> Talk:
    return lines(
        [
            ("FEAT", features),
            ("AUTH", auth),
            ("USER", user),
            ("PASS", password),
            ("QUIT", b"221 Goodbye.\r\n"),
        ],
        greeting=b"220 (vsFTPd 3.0.5)\r\n",
        other=b"500 Unknown command.\r\n",
    )


NO_FEATURES = b"211-Features:\r\n EPRT\r\n PASV\r\n211 End\r\n"
ASK, REFUSE = b"331 Please specify the password.\r\n", b"530 Permission denied.\r\n"
