"""Telling a key from what only looks like one: checksum, entropy, pairing, parsing. Pure."""

import math
import re
import zlib
from collections import Counter

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
)

ENOUGH_BITS = 3.5
"""Shannon entropy a character. Random text of 24 characters and more has over 4."""
ENOUGH_BITS_HEX = 3.0
"""Of 16 possible characters; random text of 32 has about 3.7."""
_MOST_PEM = 8 * 1024
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PLACEHOLDER = re.compile(
    r"example|placeholder|changeme|redacted|dummy|your[_-]|(.)\1{5}|abcdefgh|01234567|12345678",
    re.IGNORECASE,
)


def entropy(text: str) -> float:
    """Bits a character, by the frequency of characters; 0 for an empty text."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def is_placeholder(text: str) -> bool:
    """Keys of documentation, runs of one character, counting."""
    return _PLACEHOLDER.search(text) is not None


def is_random(text: str, bits: float = ENOUGH_BITS) -> bool:
    return not is_placeholder(text) and entropy(text) >= bits


def has_github_checksum(token: str) -> bool:
    """Whether the last six characters are the CRC-32 of the thirty before, in base 62.

    GitHub's and npm's tokens since 2021: ``xxx_``, then 36 characters.
    """
    secret, checksum = token[4:-6], token[-6:]
    value = zlib.crc32(secret.encode("ascii", "replace"))
    digits = ""
    while value:
        value, digit = divmod(value, 62)
        digits = _BASE62[digit] + digits
    return digits.rjust(6, "0") == checksum


def is_aws_secret(text: str) -> bool:
    """Forty characters of base 64 with every kind among them: no path, no hash, no word."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return all(any(is_kind(c) for c in text) for is_kind in kinds) and is_random(text, 4.0)


def is_private_key(pem: str) -> bool:
    """Whether the text between two PEM lines is a key that needs no password."""
    text = pem.replace("\\r", "").replace("\\n", "\n").replace("\\/", "/")
    if len(text) > _MOST_PEM or "ENCRYPTED" in text:
        return False
    data = "\n".join(line.strip() for line in text.split("\n") if line.strip()).encode() + b"\n"
    try:
        if b"OPENSSH" in data[:40]:
            load_ssh_private_key(data, password=None)
        else:
            # Without the arithmetic tests: they take seconds for a hostile key.
            load_pem_private_key(data, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
