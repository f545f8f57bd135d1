"""Reads a server's first flight from bytes as they come: records, fragments, alerts, messages.

Sans-I/O and bounded: whatever bytes are fed, the only exception is CodecError, and no state grows
past the limits below.
"""

from dataclasses import dataclass

from services.scanner.tls.hello import (
    KeyExchange,
    ServerHello,
    decode_certificates,
    decode_key_exchange,
    decode_server_hello,
    decode_staple,
)
from services.scanner.tls.suites import suite_name
from services.scanner.tls.wire import (
    CodecError,
    ContentType,
    Cursor,
    HandshakeType,
    Version,
    alert_name,
    vector,
)

MAX_HANDSHAKE_BYTES = 256 * 1024
MAX_RECORDS = 8192
_MAX_RECORD = 2**14 + 2048  # RFC 5246 6.2.3
_RECORD_HEADER = 5
_MESSAGE_HEADER = 4
_SSL_MAJOR = 3
_WARNING, _FATAL = 1, 2
_CLOSE_NOTIFY = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of the server."""

    level: int
    description: int

    @property
    def ends_handshake(self) -> bool:
        """A warning, such as "unrecognized_name", is followed by the handshake all the same."""
        return self.level == _FATAL or self.description == _CLOSE_NOTIFY

    @property
    def name(self) -> str:
        return alert_name(self.description)


class ServerFlight:
    """Feed it what arrived until ``is_done``; read off what it understood at any time."""

    def __init__(self) -> None:
        self.server_hello: ServerHello | None = None
        self.chain: tuple[bytes, ...] = ()
        """As sent, leaf first, DER. Stays empty in TLS 1.3, where it is encrypted."""
        self.key_exchange: KeyExchange | None = None
        self.staple: bytes | None = None
        """The OCSP answer that came with the certificate, DER."""
        self.alert: Alert | None = None
        self.is_done = False
        self._pending = bytearray()
        self._handshake = bytearray()
        self._handshake_bytes = 0
        self._records = 0

    @property
    def spoke_tls(self) -> bool:
        return self.server_hello is not None or self.alert is not None

    def feed(self, data: bytes) -> None:
        """Raises CodecError; what was understood before it stays readable."""
        self._pending += data
        offset = 0
        while not self.is_done and len(self._pending) - offset >= _RECORD_HEADER:
            kind, length = self._record_header(offset)
            end = offset + _RECORD_HEADER + length
            if end > len(self._pending):
                break
            self._record(kind, bytes(self._pending[offset + _RECORD_HEADER : end]))
            offset = end
        del self._pending[:offset]

    def _record_header(self, offset: int) -> tuple[int, int]:
        kind, major = self._pending[offset], self._pending[offset + 1]
        length = int.from_bytes(self._pending[offset + 3 : offset + _RECORD_HEADER], "big")
        is_known = ContentType.CHANGE_CIPHER_SPEC <= kind <= ContentType.APPLICATION_DATA
        if not is_known or major != _SSL_MAJOR or length > _MAX_RECORD:
            raise CodecError("the answer is no TLS record")
        return kind, length

    def _record(self, kind: int, body: bytes) -> None:
        self._records += 1
        if self._records > MAX_RECORDS:
            raise CodecError("the server's first flight has too many records")
        match kind:
            case ContentType.ALERT:
                self._take_alert(body)
            case ContentType.HANDSHAKE:
                self._take_handshake(body)
            case _:
                # Encrypted from here on (TLS 1.3), or out of turn.
                if self.server_hello is None:
                    raise CodecError("the answer does not begin with a ServerHello or an alert")
                self.is_done = True

    def _take_alert(self, body: bytes) -> None:
        cursor = Cursor(body)
        alert = Alert(cursor.number(1), cursor.number(1))
        if alert.level not in {_WARNING, _FATAL} or not cursor.is_done:
            raise CodecError("the answer is no TLS alert")
        self.alert = alert
        self.is_done = alert.ends_handshake

    def _take_handshake(self, body: bytes) -> None:
        self._handshake_bytes += len(body)
        if self._handshake_bytes > MAX_HANDSHAKE_BYTES:
            raise CodecError("the server's first flight is larger than 256 KB")
        self._handshake += body
        while not self.is_done and len(self._handshake) >= _MESSAGE_HEADER:
            length = int.from_bytes(self._handshake[1:_MESSAGE_HEADER], "big")
            if length > MAX_HANDSHAKE_BYTES:
                raise CodecError("a handshake message is larger than 256 KB")
            end = _MESSAGE_HEADER + length
            if len(self._handshake) < end:
                return
            kind, message = self._handshake[0], bytes(self._handshake[_MESSAGE_HEADER:end])
            del self._handshake[:end]
            self._message(kind, message)

    def _message(self, kind: int, body: bytes) -> None:
        if self.server_hello is None:
            self._first_message(kind, body)
            return
        match kind:
            case HandshakeType.CERTIFICATE:
                self.chain = decode_certificates(body)
            case HandshakeType.SERVER_KEY_EXCHANGE:
                suite = suite_name(self.server_hello.suite)
                self.key_exchange = decode_key_exchange(
                    suite, body, names_signature=self.server_hello.version == Version.TLS12
                )
            case HandshakeType.CERTIFICATE_STATUS:
                self.staple = decode_staple(body)
            case HandshakeType.SERVER_HELLO_DONE:
                self.is_done = True
            case _:  # CertificateRequest: nothing we judge
                pass

    def _first_message(self, kind: int, body: bytes) -> None:
        if kind == HandshakeType.HELLO_REQUEST:
            return
        if kind != HandshakeType.SERVER_HELLO:
            raise CodecError("the first handshake message is no ServerHello")
        self.server_hello = decode_server_hello(body)
        # What follows in TLS 1.3 is encrypted to a key we do not have.
        self.is_done = self.server_hello.version >= Version.TLS13


# SSL 2.0, which has records, messages and suites of its own (draft-hickman-netscape-ssl-00).
_SSL2_SUITES = (0x010080, 0x020080, 0x030080, 0x040080, 0x050080, 0x060040, 0x0700C0)
_SSL2_CLIENT_HELLO = 1
_SSL2_SERVER_HELLO = 4
_SSL2_LONG_HEADER = 0x80


def encode_ssl2_hello(challenge: bytes) -> bytes:
    """An SSL 2.0 CLIENT-HELLO with every suite of that version; ``challenge`` is 16 bytes."""
    suites = b"".join(code.to_bytes(3, "big") for code in _SSL2_SUITES)
    lengths = (len(suites), 0, len(challenge))
    body = bytes((_SSL2_CLIENT_HELLO,)) + Version.SSL2.to_bytes(2, "big")
    body += b"".join(length.to_bytes(2, "big") for length in lengths) + suites + challenge
    framed = bytearray(vector(2, body))
    framed[0] |= _SSL2_LONG_HEADER
    return bytes(framed)


def is_ssl2_server_hello(answer: bytes) -> bool:
    """Whether the first bytes of an answer are an SSL 2.0 SERVER-HELLO.

    It counts even when it lists no suite: the key is then still open to DROWN (CVE-2016-0800).
    """
    header = 2 if answer[:1] and answer[0] & _SSL2_LONG_HEADER else 3
    message = answer[header : header + 5]
    is_hello = message[:1] == bytes((_SSL2_SERVER_HELLO,))
    return is_hello and message[3:5] == Version.SSL2.to_bytes(2, "big")
