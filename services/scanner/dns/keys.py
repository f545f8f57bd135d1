"""A zone's keys: which may sign, and what a report says of them."""

from typing import Any

import dns.rrset

from services.scanner.dns.facts import KeyFact
from services.scanner.resolver import rdatas

_SECURE_ENTRY_POINT = 1
_ZONE_KEY = 256
_REVOKED = 128
_RSA = frozenset({1, 5, 7, 8, 10})


def zone_keys(rrset: dns.rrset.RRset) -> tuple[Any, ...]:
    """Keys that may sign a zone: zone flag, protocol 3, not revoked (RFC 4034 2.1, RFC 5011)."""
    return tuple(
        key
        for key in rdatas(rrset)
        if key.flags & _ZONE_KEY and not key.flags & _REVOKED and key.protocol == 3  # noqa: PLR2004 - RFC 4034 2.1.2
    )


def key_fact(key: Any) -> KeyFact:  # noqa: ANN401 - rdata classes are made at run time
    bits = _rsa_bits(key.key) if key.algorithm in _RSA else None
    is_entry = bool(key.flags & _SECURE_ENTRY_POINT)
    return KeyFact(key.key_id(), int(key.algorithm), bits, is_entry)


def _rsa_bits(key: bytes) -> int:
    """Length of the modulus (RFC 3110 section 2)."""
    if len(key) > 3 and key[0] == 0:  # noqa: PLR2004 - a long exponent has two bytes of length
        start = 3 + int.from_bytes(key[1:3], "big")
    else:
        start = 1 + key[0] if key else 0
    return int.from_bytes(key[start:], "big").bit_length()
