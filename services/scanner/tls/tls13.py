"""A client of TLS 1.3 up to the server's tickets, sans-I/O: RFC 8446 5 and 7, RFC 5869.

The standard library's client does not show what a ticket allows. Nothing is authenticated here:
the question is what the server hands out to anybody.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.scanner.tls.hello import ClientHello, decode_server_hello
from services.scanner.tls.wire import (
    X25519,
    CodecError,
    ContentType,
    Cursor,
    Extension,
    HandshakeType,
    Version,
    numbers,
    vector,
)

_CERTIFICATE_REQUEST = 13
_RECORD_HEADER = 5
_MAX_RECORD = 2**14 + 256
_MAX_BYTES = 256 * 1024
_SHARE_HEADER = 4
_CLOSE_NOTIFY = b"\1\0"


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


_SUITES: dict[int, tuple[str, int, Callable[[bytes], _Aead]]] = {
    0x1301: ("sha256", 16, AESGCM),
    0x1302: ("sha384", 32, AESGCM),
    0x1303: ("sha256", 32, ChaCha20Poly1305),
    0x1304: ("sha256", 16, AESCCM),
}
"""Hash, length of the key, cipher."""


@dataclass(slots=True)
class _Direction:
    """The keys of one direction, and how many records went through them."""

    cipher: _Aead
    iv: bytes
    sequence: int = 0

    def seal(self, kind: ContentType, body: bytes) -> bytes:
        inner = body + bytes((kind,))
        header = bytes((ContentType.APPLICATION_DATA,)) + numbers(2, (Version.TLS12,))
        header += numbers(2, (len(inner) + 16,))
        return header + self.cipher.encrypt(self._nonce(), inner, header)

    def open(self, header: bytes, body: bytes) -> tuple[int, bytes]:
        try:
            inner = self.cipher.decrypt(self._nonce(), body, header).rstrip(b"\0")
        except InvalidTag:
            raise CodecError("a record of the server cannot be decrypted") from None
        if not inner:
            raise CodecError("a record of the server is empty")
        return inner[-1], inner[:-1]

    def _nonce(self) -> bytes:
        number = int.from_bytes(self.iv, "big") ^ self.sequence
        self.sequence += 1
        return number.to_bytes(len(self.iv), "big")


class _KeySchedule:
    """The secrets of one connection (RFC 8446 7.1)."""

    def __init__(self, suite: int, shared: bytes) -> None:
        if suite not in _SUITES:
            raise CodecError(f"the server chose the suite 0x{suite:04x}")
        self._hash, self._key_bytes, self._cipher = _SUITES[suite]
        self._size = hashlib.new(self._hash).digest_size
        early = self._mac(bytes(self._size), bytes(self._size))
        self._secret = self._mac(self.derive(early, b"derived", b""), shared)

    def derive(self, secret: bytes, label: bytes, transcript: bytes) -> bytes:
        digest = hashlib.new(self._hash, transcript).digest()
        return self._expand(secret, label, digest, self._size)

    def handshake(self, transcript: bytes) -> tuple[bytes, bytes]:
        """The secrets of client and server up to their Finished."""
        return (
            self.derive(self._secret, b"c hs traffic", transcript),
            self.derive(self._secret, b"s hs traffic", transcript),
        )

    def application(self, transcript: bytes) -> tuple[bytes, bytes]:
        derived = self.derive(self._secret, b"derived", b"")
        master = self._mac(derived, bytes(self._size))
        return (
            self.derive(master, b"c ap traffic", transcript),
            self.derive(master, b"s ap traffic", transcript),
        )

    def direction(self, secret: bytes) -> _Direction:
        key = self._expand(secret, b"key", b"", self._key_bytes)
        return _Direction(self._cipher(key), self._expand(secret, b"iv", b"", 12))

    def finished(self, secret: bytes, transcript: bytes) -> bytes:
        key = self._expand(secret, b"finished", b"", self._size)
        return self._mac(key, hashlib.new(self._hash, transcript).digest())

    def _mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self._hash).digest()

    def _expand(self, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
        # One block is enough: nothing longer than a hash is ever asked for.
        info = numbers(2, (length,)) + vector(1, b"tls13 " + label) + vector(1, context)
        return self._mac(secret, info + b"\1")[:length]


class TicketClient:
    """Feed it what the server sends, send what it gives back, and read off the tickets."""

    def __init__(self, server_name: str | None, suites: tuple[int, ...] = tuple(_SUITES)) -> None:
        self._private = X25519PrivateKey.generate()
        share = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.hello = ClientHello(
            Version.TLS13, server_name, groups=(X25519,), modern_suites=suites, share=share
        ).encode()
        self.is_finished = False
        """The handshake is over: what comes from now on are tickets and data."""
        self.early_data_bytes: int | None = None
        """The most that a ticket allows; None until one came."""
        self._transcript = self.hello[_RECORD_HEADER:]
        self._keys: _KeySchedule | None = None
        self._client_secret = b""
        self._server: _Direction | None = None
        self._records = bytearray()
        self._messages = bytearray()
        self._received = 0
        self._wants_certificate = False

    def feed(self, data: bytes) -> bytes:
        """What is to be sent now. Raises CodecError."""
        self._received += len(data)
        if self._received > _MAX_BYTES:
            raise CodecError("the server sends more than 256 KB")
        self._records += data
        answer = b""
        while len(self._records) >= _RECORD_HEADER:
            header = bytes(self._records[:_RECORD_HEADER])
            end = _RECORD_HEADER + int.from_bytes(header[3:], "big")
            if end - _RECORD_HEADER > _MAX_RECORD:
                raise CodecError("the answer is no TLS record")
            if len(self._records) < end:
                break
            body = bytes(self._records[_RECORD_HEADER:end])
            del self._records[:end]
            answer += self._record(header, body)
        return answer

    def _record(self, header: bytes, body: bytes) -> bytes:
        kind = header[0]
        if kind == ContentType.CHANGE_CIPHER_SPEC:
            return b""
        if kind == ContentType.APPLICATION_DATA and self._server is not None:
            kind, body = self._server.open(header, body)
        if kind == ContentType.ALERT:
            if self.is_finished and body == _CLOSE_NOTIFY:
                return b""
            raise CodecError("the server ended the handshake with an alert")
        if kind != ContentType.HANDSHAKE:
            return b""
        self._messages += body
        answer = b""
        while len(self._messages) >= 4:  # noqa: PLR2004 - type and length of a message
            end = 4 + int.from_bytes(self._messages[1:4], "big")
            if len(self._messages) < end:
                break
            message = bytes(self._messages[:end])
            del self._messages[:end]
            answer += self._message(message)
        return answer

    def _message(self, message: bytes) -> bytes:
        kind = message[0]
        if self.is_finished:
            if kind == HandshakeType.NEW_SESSION_TICKET:
                allowed = read_ticket(message[4:])
                self.early_data_bytes = max(allowed, self.early_data_bytes or 0)
            return b""
        self._transcript += message
        if kind == HandshakeType.SERVER_HELLO:
            self._start(message[4:])
        self._wants_certificate |= kind == _CERTIFICATE_REQUEST
        return self._finish() if kind == HandshakeType.FINISHED else b""

    def _start(self, body: bytes) -> None:
        hello = decode_server_hello(body)
        share = hello.extensions.get(Extension.KEY_SHARE, b"")[_SHARE_HEADER:]
        if hello.version != Version.TLS13 or hello.is_retry or len(share) != 32:  # noqa: PLR2004 - an X25519 key
            raise CodecError("the server does not go on with x25519 in TLS 1.3")
        try:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise CodecError("the server's share is no key") from None
        self._keys = _KeySchedule(hello.suite, shared)
        self._client_secret, server = self._keys.handshake(self._transcript)
        self._server = self._keys.direction(server)

    def _finish(self) -> bytes:
        """Our own end of the handshake, and of the connection: the tickets come all the same."""
        keys = self._keys
        if keys is None:
            raise CodecError("the server finishes before it begins")
        client, server = keys.application(self._transcript)
        sealing = keys.direction(self._client_secret)
        answer = b""
        if self._wants_certificate:  # an empty one is an honest answer (RFC 8446 4.4.2)
            nothing = bytes((HandshakeType.CERTIFICATE,)) + vector(3, b"\0" + vector(3, b""))
            self._transcript += nothing
            answer += sealing.seal(ContentType.HANDSHAKE, nothing)
        proof = keys.finished(self._client_secret, self._transcript)
        finished = bytes((HandshakeType.FINISHED,)) + vector(3, proof)
        answer += sealing.seal(ContentType.HANDSHAKE, finished)
        self._server = keys.direction(server)
        self.is_finished = True
        return answer + keys.direction(client).seal(ContentType.ALERT, _CLOSE_NOTIFY)


def read_ticket(body: bytes) -> int:
    """How many bytes of early data a NewSessionTicket allows (RFC 8446 4.6.1). CodecError."""
    cursor = Cursor(body)
    cursor.take(8)
    cursor.vector(1)
    cursor.vector(2)
    listed = Cursor(cursor.vector(2))
    while not listed.is_done:
        kind, extension = listed.number(2), listed.vector(2)
        if kind == Extension.EARLY_DATA:
            return Cursor(extension).number(4)
    return 0
