"""TLS stacks that no library has any more: answers to hellos, put together by hand.

They send the first flight that their traits ask for, up to TLS 1.2, and never finish a handshake.
Signatures and public keys in it are random bytes: what is judged is what was chosen.
"""

import secrets
import socket
import struct
import time
from dataclasses import dataclass

from services.scanner.tls.suites import suite_name
from services.scanner.tls.wire import (
    ContentType,
    Extension,
    HandshakeType,
    Version,
    numbers,
    vector,
)
from tests.lab.acceptor import Talk, read_exactly, silent
from tests.scanner.tls.servers import (
    Offer,
    alert,
    certificates,
    hello_done,
    message,
    record,
    server_hello,
)

_HANDSHAKE_FAILURE, _PROTOCOL_VERSION = 40, 70
_RENEGOTIATION_SCSV = 0x00FF
_SSL2_SERVER_HELLO = bytes.fromhex("801a0400010002000000030010") + bytes(18)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a stack can do, and how it behaves."""

    chain: tuple[bytes, ...] = ()
    """DER, leaf first."""
    versions: tuple[Version, ...] = (Version.TLS12,)
    suites: tuple[int, ...] = (0xC02B, 0xC02C)
    """Best first; the server's order counts."""
    follows_client: bool = False
    dh_bits: int = 2048
    curves: tuple[int, ...] = (0x001D, 0x0017)
    signatures: tuple[int, ...] = (0x0403, 0x0804, 0x0401)
    compresses: bool = False
    extensions: tuple[Extension, ...] = (
        Extension.RENEGOTIATION_INFO,
        Extension.EXTENDED_MASTER_SECRET,
        Extension.ENCRYPT_THEN_MAC,
    )
    ssl2: bool = False
    ssl2_alone: bool = False
    bleeds: bool = False
    has_heartbeats: bool = False
    refuses_by: str = "alert"
    """``alert``, ``old alert`` (in a record of SSL 3.0), ``reset`` or ``close``."""
    fragment: int = 0
    """Bytes of a record; 0 sends one record a message."""
    delay_s: float = 0.0


def speaking(traits: Traits) -> Talk:
    def talk(client: socket.socket) -> None:
        time.sleep(traits.delay_s)
        header = read_exactly(client, 5)
        if header[0] != ContentType.HANDSHAKE:
            if traits.ssl2 and header[0] & 0x80 and header[2] == 1:
                client.sendall(_SSL2_SERVER_HELLO)
                client.settimeout(2)
                silent(client)
                return
            _refuse(client, traits)
            return
        body = read_exactly(client, int.from_bytes(header[3:], "big"))
        offer = Offer(body[4:])
        flight = b"" if traits.ssl2_alone else _flight(traits, offer)
        if not flight:
            _refuse(client, traits)
            return
        client.sendall(flight)
        if traits.has_heartbeats:
            _beat(client, traits)
        silent(client)

    return talk


def _refuse(client: socket.socket, traits: Traits) -> None:
    match traits.refuses_by:
        case "alert":
            client.sendall(alert(_PROTOCOL_VERSION))
        case "old alert":
            client.sendall(record(ContentType.ALERT, bytes((2, _HANDSHAKE_FAILURE)), Version.SSL3))
        case "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case _:
            return


def _flight(traits: Traits, offer: Offer) -> bytes:
    """The whole first flight; empty for a refusal."""
    # Such stacks know nothing of the list of versions that came with TLS 1.3.
    usable = [v for v in traits.versions if v <= offer.legacy_version]
    if not usable:
        return b""
    version = max(usable)
    suite = _choose(traits, offer)
    if suite is None:
        return b""
    name = suite_name(suite)
    exchange = _key_exchange(traits, offer, name, version)
    if exchange is None:
        return b""
    wanted = {*traits.extensions, *((Extension.HEARTBEAT,) if traits.has_heartbeats else ())}
    answers = {Extension.RENEGOTIATION_INFO: b"\0", Extension.HEARTBEAT: b"\1"}
    echoed = {int(e): answers.get(e, b"") for e in wanted if e in offer.extensions}
    if _RENEGOTIATION_SCSV in offer.suites and Extension.RENEGOTIATION_INFO in wanted:
        echoed[Extension.RENEGOTIATION_INFO] = b"\0"  # RFC 5746 3.6: in SSL 3.0 as well
    if "_CBC_" not in name:
        echoed.pop(Extension.ENCRYPT_THEN_MAC, None)
    compression = int(traits.compresses and 1 in offer.compressions)
    hello = server_hello(
        version,
        suite,
        compression=compression,
        extensions=echoed or None,
        random=secrets.token_bytes(32),
    )
    parts = [hello]
    if "_anon_" not in name:
        parts.append(certificates(*traits.chain))
    parts += [part for part in (exchange, hello_done()) if part]
    whole = b"".join(parts)
    size = traits.fragment or len(whole)
    pieces = (whole[at : at + size] for at in range(0, len(whole), size))
    return b"".join(record(ContentType.HANDSHAKE, piece, version) for piece in pieces)


def _choose(traits: Traits, offer: Offer) -> int | None:
    first, second = traits.suites, offer.suites
    if traits.follows_client:
        first, second = second, first
    return next((suite for suite in first if suite in second), None)


def _key_exchange(traits: Traits, offer: Offer, name: str, version: Version) -> bytes | None:
    """The message, empty where the suite has none; None where nothing fits the offer."""
    if name.startswith("TLS_RSA_"):
        return b""
    if "ECDH" in name:
        common = [c for c in traits.curves if not offer.groups or c in offer.groups]
        if not common:
            return None
        params = b"\x03" + numbers(2, (common[0],)) + vector(1, secrets.token_bytes(32))
    else:
        prime = (1 << (traits.dh_bits - 1) | 1).to_bytes(traits.dh_bits // 8, "big")
        params = vector(2, prime) + vector(2, b"\2") + vector(2, secrets.token_bytes(len(prime)))
    if "_anon_" in name:
        return message(HandshakeType.SERVER_KEY_EXCHANGE, params)
    if version is Version.TLS12:
        sent = offer.extensions.get(Extension.SIGNATURE_ALGORITHMS, b"")
        offered = [int.from_bytes(sent[i : i + 2], "big") for i in range(2, len(sent), 2)]
        common = [s for s in traits.signatures if s in offered]
        if not common:
            return None
        params += numbers(2, (common[0],))
    return message(HandshakeType.SERVER_KEY_EXCHANGE, params + vector(2, secrets.token_bytes(70)))


def _beat(client: socket.socket, traits: Traits) -> None:
    """RFC 6520, with or without the check that CVE-2014-0160 lacks."""
    while True:
        header = read_exactly(client, 5)
        body = read_exactly(client, int.from_bytes(header[3:], "big"))
        if header[0] != ContentType.HEARTBEAT:
            continue
        claimed = int.from_bytes(body[1:3], "big")
        payload = body[3 : 3 + claimed]
        if len(body) < 3 + claimed + 16:
            if not traits.bleeds:
                continue
            payload = (payload + secrets.token_bytes(claimed))[:claimed]
        answer = b"\2" + numbers(2, (claimed,)) + payload + secrets.token_bytes(16)
        client.sendall(record(ContentType.HEARTBEAT, answer))
