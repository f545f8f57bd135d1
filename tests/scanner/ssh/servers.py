"""SSH servers that speak their first two messages, and no further."""

import asyncio
import struct

from services.scanner.ssh.facts import Algorithms
from tests.scanner.net.listeners import Behaviour

GOOD = Algorithms(
    kex=("mlkem768x25519-sha256", "curve25519-sha256", "kex-strict-s-v00@openssh.com"),
    host_keys=("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
    ciphers_in=("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr"),
    ciphers_out=("chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr"),
    macs_in=("hmac-sha2-256-etm@openssh.com",),
    macs_out=("hmac-sha2-256-etm@openssh.com",),
    compressions=("none", "zlib@openssh.com"),
)


def kexinit(offer: Algorithms) -> bytes:
    """The whole binary packet, RFC 4253 6 and 7.1."""
    lists = (
        offer.kex,
        offer.host_keys,
        offer.ciphers_in,
        offer.ciphers_out,
        offer.macs_in,
        offer.macs_out,
        offer.compressions,
        offer.compressions,
        (),
        (),
    )
    payload = bytes((20,)) + bytes(16)
    for names in lists:
        joined = ",".join(names).encode()
        payload += struct.pack(">I", len(joined)) + joined
    payload += bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 4
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def offering(offer: Algorithms, *, before: bytes = b"", name: bytes = b"SSH-2.0-lab") -> Behaviour:
    """Greets, waits for the client's greeting as old servers do, then sends its lists."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(before + name + b"\r\n")
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        writer.write(kexinit(offer))
        await writer.drain()
        await reader.read()

    return behaviour
