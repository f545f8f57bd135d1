"""The ClientHello we send and the server messages we read, each as a plain value.

Sources: RFC 5246 7.4, RFC 8446 4 and appendix D, RFC 6101 (SSL 3.0), RFC 6176 (SSL 2.0).
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.scanner.tls.suites import COMMON, TLS13_SUITES
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

MAX_CHAIN_BYTES = 64 * 1024
MAX_CHAIN_LENGTH = 10

# A HelloRetryRequest is a ServerHello with this "random" (RFC 8446 4.1.3).
RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()

CLASSIC_GROUPS = (
    *(X25519, 0x0017, 0x0018, 0x0019, 0x001E, 0x001A, 0x001B, 0x001C, 0x0100, 0x0101),
    *(0x0016, 0x0015, 0x0013, 0x000D, 0x000E, 0x0009, 0x000A, 0x0006, 0x0007, 0x0001, 0x0003),
)
"""Best first; then curves that no client wants, so that a server which has nothing else answers."""
_MODERN_GROUPS = frozenset(
    (X25519, 0x0017, 0x0018, 0x0019, 0x001E, *range(0x0100, 0x0105), 0x11EB, 0x11EC, 0x11ED)
)
"""What a hello that offers TLS 1.3 may name: strict servers refuse all others (RFC 8446 4.2.7)."""
SIGNATURES = (
    *(0x0403, 0x0503, 0x0603, 0x0807, 0x0808),  # ECDSA with SHA-2, Ed25519, Ed448
    *(0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B),  # RSA-PSS
    *(0x0401, 0x0501, 0x0601, 0x0402),  # RSA PKCS#1 and DSA with SHA-2
    *(0x0203, 0x0201, 0x0202),  # SHA-1, so that servers with nothing else answer too
)
SHA1_SIGNATURES = (0x0203, 0x0201, 0x0202, 0x0101)
"""ECDSA, RSA and DSA with SHA-1, and RSA with MD5."""
_STAPLE_REQUEST = b"\1\0\0\0\0"  # RFC 6066 8: OCSP, any responder, no extensions
_RENEGOTIATION_SCSV = 0x00FF  # RFC 5746 3.3: what SSL 3.0 has instead of the extension
_MESSAGE_HEADER = _EXTENSION_HEADER = 4
_HANGS_FROM, _HANGS_TO = 256, 512
_NAMED_CURVE = 3
_OCSP = 1
_NO_COMPRESSION = 0
DEFLATE = 1


@dataclass(frozen=True, slots=True)
class ClientHello:
    """One offer. Exactly one version is asked for, unless ``also`` names more."""

    version: Version
    """The highest version offered."""
    server_name: str | None = None
    """SNI; None for an address (RFC 6066 3 allows names only)."""
    suites: tuple[int, ...] = COMMON
    groups: tuple[int, ...] = CLASSIC_GROUPS
    signatures: tuple[int, ...] = SIGNATURES
    compressions: tuple[int, ...] = (_NO_COMPRESSION,)
    modern_suites: tuple[int, ...] = TLS13_SUITES
    """What is offered of TLS 1.3."""
    share: bytes = b""
    """Our X25519 key, where the handshake will be finished; random bytes else."""
    offers_heartbeat: bool = False
    """RFC 6520; only where the answer is looked at."""
    also: tuple[Version, ...] = ()
    """Further versions; only meaningful beside TLS 1.3."""

    @property
    def offered(self) -> tuple[int, ...]:
        """Every suite in the hello."""
        if self.version is Version.TLS13:
            return self.modern_suites + (self.suites if self.also else ())
        return self.suites

    @property
    def offered_groups(self) -> tuple[int, ...]:
        """Those of ``groups`` that may stand beside the version."""
        if self.version is not Version.TLS13:
            return self.groups
        return tuple(group for group in self.groups if group in _MODERN_GROUPS)

    def encode(self) -> bytes:
        """The whole record, fresh random in it."""
        legacy = min(self.version, Version.TLS12)
        suites = self.offered
        if self.version is Version.SSL3:
            suites = (*suites, _RENEGOTIATION_SCSV)
        session = secrets.token_bytes(32) if self.version is Version.TLS13 else b""
        body = (
            numbers(2, (legacy,))
            + secrets.token_bytes(32)
            + vector(1, session)
            + vector(2, numbers(2, suites))
            + vector(1, bytes(self.compressions))
        )
        if self.version is not Version.SSL3:
            body += vector(2, _padded(self._extensions(), len(body)))
        # Old stacks refuse a first record above the version they know (RFC 5246 E.1).
        record_version = min(self.version, Version.TLS10)
        message = bytes((HandshakeType.CLIENT_HELLO,)) + vector(3, body)
        return bytes((ContentType.HANDSHAKE,)) + numbers(2, (record_version,)) + vector(2, message)

    def _extensions(self) -> bytes:
        extensions: dict[Extension, bytes] = {}
        if self.server_name is not None:
            entry = b"\0" + vector(2, self.server_name.encode("ascii"))
            extensions[Extension.SERVER_NAME] = vector(2, entry)
        extensions[Extension.SUPPORTED_GROUPS] = vector(2, numbers(2, self.offered_groups))
        extensions[Extension.EC_POINT_FORMATS] = vector(1, b"\0")
        extensions[Extension.RENEGOTIATION_INFO] = vector(1, b"")
        extensions[Extension.EXTENDED_MASTER_SECRET] = b""
        extensions[Extension.ENCRYPT_THEN_MAC] = b""
        extensions[Extension.STATUS_REQUEST] = _STAPLE_REQUEST
        extensions[Extension.CERTIFICATE_TIMESTAMPS] = b""
        if self.offers_heartbeat:
            extensions[Extension.HEARTBEAT] = b"\1"
        if self.version >= Version.TLS12:
            extensions[Extension.SIGNATURE_ALGORITHMS] = vector(2, numbers(2, self.signatures))
        if self.version is Version.TLS13:
            extensions[Extension.SUPPORTED_VERSIONS] = vector(
                1, numbers(2, (self.version, *self.also))
            )
            extensions[Extension.PSK_KEY_EXCHANGE_MODES] = vector(1, b"\1")
            extensions[Extension.KEY_SHARE] = vector(2, self._key_share())
        return b"".join(numbers(2, (kind,)) + vector(2, body) for kind, body in extensions.items())

    def _key_share(self) -> bytes:
        # Any 32 bytes are an X25519 public key; we never finish the handshake. Without a share
        # the server answers a HelloRetryRequest, which names the version and group as well.
        if X25519 not in self.groups:
            return b""
        return numbers(2, (X25519,)) + vector(2, self.share or secrets.token_bytes(32))


def _padded(extensions: bytes, before: int) -> bytes:
    """Extensions with padding (RFC 7685): old load balancers hang on hellos of 256 to 511 bytes."""
    message = _MESSAGE_HEADER + before + 2 + len(extensions)
    if not _HANGS_FROM <= message < _HANGS_TO:
        return extensions
    filler = bytes(max(0, _HANGS_TO - message - _EXTENSION_HEADER))
    return extensions + numbers(2, (Extension.PADDING,)) + vector(2, filler)


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What the server chose."""

    version: int
    """The negotiated one: supported_versions where sent, else the legacy field."""
    suite: int
    compression: int = _NO_COMPRESSION
    is_retry: bool = False
    extensions: Mapping[int, bytes] = field(default_factory=dict[int, bytes])

    @property
    def group(self) -> int | None:
        """The group of TLS 1.3's key share; older versions name it in the key exchange."""
        share = self.extensions.get(Extension.KEY_SHARE, b"")
        return int.from_bytes(share[:2], "big") if len(share) >= 2 else None  # noqa: PLR2004 - a group takes two bytes


@dataclass(frozen=True, slots=True)
class KeyExchange:
    """The public parameters of a ServerKeyExchange; None where it has none."""

    group: int | None = None
    dh_prime_bits: int | None = None
    signature: int | None = None
    """The algorithm that signs them; TLS 1.2 alone names it."""


def decode_server_hello(body: bytes) -> ServerHello:
    """Raises CodecError."""
    cursor = Cursor(body)
    version = cursor.number(2)
    random = cursor.take(32)
    cursor.vector(1)
    suite = cursor.number(2)
    compression = cursor.number(1)
    extensions: dict[int, bytes] = {}
    if not cursor.is_done:
        listed = Cursor(cursor.vector(2))
        while not listed.is_done:
            kind = listed.number(2)
            extensions[kind] = listed.vector(2)
    chosen = extensions.get(Extension.SUPPORTED_VERSIONS)
    if chosen is not None:
        version = Cursor(chosen).number(2)
    return ServerHello(version, suite, compression, random == RETRY_RANDOM, extensions)


def decode_certificates(body: bytes) -> tuple[bytes, ...]:
    """The chain of a Certificate message up to TLS 1.2, leaf first, as DER. Raises CodecError."""
    if len(body) > MAX_CHAIN_BYTES:
        raise CodecError("the certificate chain is larger than 64 KB")
    listed = Cursor(Cursor(body).vector(3))
    chain: list[bytes] = []
    while not listed.is_done:
        if len(chain) == MAX_CHAIN_LENGTH:
            raise CodecError("the certificate chain has more than 10 certificates")
        chain.append(listed.vector(3))
    return tuple(chain)


def decode_staple(body: bytes) -> bytes:
    """The OCSP answer of a CertificateStatus message (RFC 6066 8). Raises CodecError."""
    cursor = Cursor(body)
    if cursor.number(1) != _OCSP:
        raise CodecError("the server staples something that is no OCSP answer")
    return cursor.vector(3)


def decode_key_exchange(suite: str, body: bytes, *, names_signature: bool = False) -> KeyExchange:
    """The parameters of a ServerKeyExchange (RFC 5246 7.4.3, RFC 8422 5.4). Raises CodecError.

    ``suite`` is the name of the chosen suite: the message means nothing without it. In TLS 1.2
    the signature's algorithm follows the parameters.
    """
    cursor = Cursor(body)
    if suite.startswith(("TLS_DHE_", "TLS_DH_anon")):
        bits = int.from_bytes(cursor.vector(2), "big").bit_length()
        return KeyExchange(
            dh_prime_bits=bits,
            signature=_signature(cursor, vectors=(2, 2)) if names_signature else None,
        )
    if suite.startswith("TLS_ECDH") and cursor.number(1) == _NAMED_CURVE:
        group = cursor.number(2)
        signature = _signature(cursor, vectors=(1,)) if names_signature else None
        return KeyExchange(group=group, signature=signature)
    return KeyExchange()


def _signature(cursor: Cursor, *, vectors: tuple[int, ...]) -> int | None:
    """The algorithm behind the rest of the parameters; None where they are not signed."""
    try:
        for width in vectors:
            cursor.vector(width)
        return None if cursor.is_done else cursor.number(2)
    except CodecError:
        return None  # the parameters themselves were read
