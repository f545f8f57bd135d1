"""Words of the TLS wire: versions, types, alerts, and a cursor that never reads past the end."""

from enum import IntEnum


class CodecError(Exception):
    """What the peer sent is not TLS, or breaks a bound. The message is fit for a report."""


class Version(IntEnum):
    """Protocol versions by their number on the wire."""

    SSL2 = 0x0002
    SSL3 = 0x0300
    TLS10 = 0x0301
    TLS11 = 0x0302
    TLS12 = 0x0303
    TLS13 = 0x0304

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Version.SSL2: "SSL 2.0",
    Version.SSL3: "SSL 3.0",
    Version.TLS10: "TLS 1.0",
    Version.TLS11: "TLS 1.1",
    Version.TLS12: "TLS 1.2",
    Version.TLS13: "TLS 1.3",
}


class ContentType(IntEnum):
    """Record types, RFC 8446 5.1."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    HEARTBEAT = 24


class HandshakeType(IntEnum):
    """The messages a server's first flight may hold, RFC 5246 7.4 and RFC 8446 4."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    FINISHED = 20
    CERTIFICATE_STATUS = 22


class Extension(IntEnum):
    """Extension types we send or read (IANA registry)."""

    SERVER_NAME = 0
    STATUS_REQUEST = 5
    SUPPORTED_GROUPS = 10
    EC_POINT_FORMATS = 11
    SIGNATURE_ALGORITHMS = 13
    HEARTBEAT = 15
    CERTIFICATE_TIMESTAMPS = 18
    PADDING = 21
    ENCRYPT_THEN_MAC = 22
    EXTENDED_MASTER_SECRET = 23
    EARLY_DATA = 42
    SUPPORTED_VERSIONS = 43
    PSK_KEY_EXCHANGE_MODES = 45
    KEY_SHARE = 51
    RENEGOTIATION_INFO = 0xFF01


ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    40: "handshake_failure",
    42: "bad_certificate",
    47: "illegal_parameter",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
}

X25519MLKEM768 = 0x11EC
X25519 = 0x001D
GROUPS = {
    X25519: "x25519",
    0x0017: "secp256r1",
    0x0018: "secp384r1",
    0x0019: "secp521r1",
    0x001E: "x448",
    0x0015: "secp224r1",
    0x0013: "secp192r1",
    0x001A: "brainpoolP256r1",
    0x001B: "brainpoolP384r1",
    0x001C: "brainpoolP512r1",
    0x0100: "ffdhe2048",
    0x0101: "ffdhe3072",
    0x0102: "ffdhe4096",
    X25519MLKEM768: "X25519MLKEM768",
    0x11EB: "SecP256r1MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
    0x000F: "secp160k1",
    0x0010: "secp160r1",
    0x0011: "secp160r2",
    0x0012: "secp192k1",
    0x0014: "secp224k1",
    **{
        code: f"sect{name}"
        for code, name in enumerate(
            (
                *("163k1", "163r1", "163r2", "193r1", "193r2", "233k1", "233r1"),
                *("239k1", "283k1", "283r1", "409k1", "409r1", "571k1", "571r1"),
            ),
            start=1,
        )
    },
}
WEAK_CURVES = (*range(1, 15), *range(0x000F, 0x0016))
"""Binary curves, and prime ones below 256 bits (RFC 8422 5.1.1 withdrew all of them)."""


def group_name(code: int) -> str:
    """The name of a named group, or its code point in hexadecimal."""
    return GROUPS.get(code, f"0x{code:04x}")


def alert_name(code: int) -> str:
    """The name of an alert description, or its number."""
    return ALERTS.get(code, f"alert {code}")


class Cursor:
    """Reads a byte string from the front; every read that runs past the end is a CodecError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._data)

    def take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise CodecError("a TLS message ends in the middle of a field")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def number(self, width: int) -> int:
        """A big-endian unsigned number of ``width`` bytes."""
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        """A byte string behind its length of ``width`` bytes."""
        return self.take(self.number(width))


def vector(width: int, body: bytes) -> bytes:
    """A byte string with its length of ``width`` bytes before it."""
    return len(body).to_bytes(width, "big") + body


def numbers(width: int, values: tuple[int, ...]) -> bytes:
    """Big-endian numbers of ``width`` bytes, one after the other."""
    return b"".join(value.to_bytes(width, "big") for value in values)
