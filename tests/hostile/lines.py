"""TLS, SSH and other services that never come to an end, or answer with nonsense."""

import asyncio
import socket
import ssl
import struct
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from services.scanner.tls.wire import ContentType, HandshakeType, Version
from tests.hostile.web import Talk, answering, dripping, page
from tests.lab.certificates import Authority, Identity
from tests.lab.web_server import server_context
from tests.scanner.tls import servers

_BLOCK = 16 * 1024
_X = b"x" * _BLOCK
_WELCOME = b"220-x\r\n" * 2000


def shouting(first: bytes, block: bytes = b"") -> Talk:
    """Speaks first; then the block, for as long as somebody listens."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while block:
            writer.write(block)
            await writer.drain()
        await reader.read()

    return talk


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(_BLOCK)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def replying(answer: bytes) -> Talk:
    """One answer to whatever is said."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(_BLOCK)
        writer.write(answer)
        await writer.drain()
        await reader.read(_BLOCK)

    return talk


async def endless_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await servers.read_offer(reader)
    hello = servers.server_hello(Version.TLS12, 0xC02F)
    writer.write(servers.record(ContentType.HANDSHAKE, hello))
    filler = servers.message(HandshakeType.HELLO_REQUEST, bytes(8000))
    while True:
        writer.write(servers.record(ContentType.HANDSHAKE, filler))
        await writer.drain()


async def dripping_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await servers.read_offer(reader)
    hello = servers.record(ContentType.HANDSHAKE, servers.server_hello(Version.TLS12, 0xC02F))
    for byte in hello + bytes(1000):
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0.2)


def _certificate_of_nonsense() -> bytes:
    """A flight whose certificate claims sixteen megabytes and brings some of them."""
    body = servers.server_hello(Version.TLS12, 0xC02F)
    body += bytes((HandshakeType.CERTIFICATE,)) + b"\xff\xff\xff" + b"\xff\xff\xfc\xff\xff\xf9"
    return servers.record(ContentType.HANDSHAKE, body)


_NONSENSE = _certificate_of_nonsense()
_FILLER = servers.record(ContentType.HANDSHAKE, bytes(8000))


async def endless_certificate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await servers.read_offer(reader)
    writer.write(_NONSENSE)
    while True:
        writer.write(_FILLER)
        await writer.drain()


def _ssh_lists(bytes_each: int) -> bytes:
    """A KEXINIT with ten lists, most of them of absurd length (RFC 4253 7.1)."""
    names = b",".join([b"diffie-hellman-group1-sha1"] * (bytes_each // 27))
    lists = b"".join(struct.pack(">I", len(names)) + names for _ in range(10))
    payload = bytes((20,)) + bytes(16) + lists + bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 4
    packet = struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)
    return b"SSH-2.0-hostile\r\n" + packet


def _mongo_length() -> bytes:
    return struct.pack("<iiii", 0x7FFF_FFFF, 1, 0x4E32, 2013) + bytes(64)


LINES: tuple[tuple[str, str, int, Talk], ...] = (
    ("a handshake without end", "first flight is larger than 256 KB", 443, endless_handshake),
    ("a handshake that drips", "did not answer in time", 443, dripping_handshake),
    ("a certificate of 16 megabytes", "larger than 256 KB", 443, endless_certificate),
    ("a reset for every word", "asked nothing more|cut the connection", 443, resetting),
    ("a banner without end", "no SSH packet|is open: ssh", 22, shouting(b"SSH-2.0-", _X)),
    ("SSH lists of 30 KB each", "no SSH packet", 22, shouting(_ssh_lists(30_000))),
    (
        "an SSH packet of 4 gigabytes",
        "no SSH packet",
        22,
        shouting(b"SSH-2.0-x\r\n\xff\xff\xff\xff\x04", b"\x14"),
    ),
    (
        "noise where a database is",
        "6379 is open: unknown",
        6379,
        shouting(bytes(range(256)) * 4, b"\xfe" * _BLOCK),
    ),
    ("a reply of two gigabytes", "27017 is open", 27_017, replying(_mongo_length())),
    (
        "a MySQL greeting without end",
        "3306 is open",
        3306,
        shouting(b"\xff\xff\xff\x00\x0a8.0", b"9" * _BLOCK),
    ),
    ("an FTP welcome without end", "was not answered", 21, shouting(b"220-FTP\r\n", _WELCOME)),
    ("a mail server that drips", "25 is open", 25, dripping(b"220 mx.hostile.test ESMTP\r\n250-")),
    ("an API of deep JSON", "9200", 9200, answering(page(b'{"a":' * 50_000 + b"1"))),
)


def _naming(authority: Authority, host: str) -> Identity:
    """A certificate that would have us fetch from where nobody may: AIA, CRL (SSRF)."""
    urls = [f"http://{host}/{n}" for n in range(20)]
    uris = [x509.UniformResourceIdentifier(url) for url in urls]
    methods = (AuthorityInformationAccessOID.CA_ISSUERS, AuthorityInformationAccessOID.OCSP)
    access = x509.AuthorityInformationAccess(
        [x509.AccessDescription(method, uri) for method in methods for uri in uris]
    )
    points = [x509.DistributionPoint([uri], None, None, None) for uri in uris]
    extensions = [(access, False), (x509.CRLDistributionPoints(points), False)]
    subordinate = authority.subordinate("Below")
    return subordinate.issue(["a.hostile.test"], extensions=extensions).without_intermediates()


def _long_chain(authority: Authority) -> Identity:
    for number in range(40):
        authority = authority.subordinate(f"Level {number}")
    return authority.issue(["a.hostile.test"])


def tls_contexts(directory: Path) -> tuple[tuple[str, str, ssl.SSLContext], ...]:
    """Real TLS servers with certificates that nobody should have."""
    authority = Authority.create("Hostile Root")
    names = [f"name-{number:05}.hostile.test" for number in range(4000)]
    too_large = "larger than 10 certificates or 64 KB"
    made = (
        ("a certificate with 4,000 names", too_large, authority.issue(names)),
        ("a chain of 41 certificates", too_large, _long_chain(authority)),
        (
            "a certificate that names metadata",
            "never scanned",
            _naming(authority, "169.254.169.254"),
        ),
    )
    return tuple(
        (what, words, server_context(identity, directory / str(number)))
        for number, (what, words, identity) in enumerate(made)
    )
