"""Keys made from the installation's secret, one for each purpose, and the sealing of secrets.

``NIS2_SECRET_KEY`` is the one secret an operator keeps. A key of its own for each purpose is
derived from it (HKDF, RFC 5869), so that no two uses share one. To rotate, the old secret moves
into ``NIS2_SECRET_KEY_PREVIOUS``: what it signed and sealed stays good, and everything new is
made with the new one.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES: Final = 32
_KEY_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
"""NIST SP 800-38D, 8.2.2: random nonces of 96 bits; one key seals far fewer than 2^32 secrets."""
_VERSION: Final = b"\1"


class SealBroken(Exception):
    """Sealed with a secret that is gone, moved to another row, or meddled with."""


def derive_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose."""
    info = f"nis2-gateway {purpose}".encode()
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(secret.encode())


@dataclass(frozen=True)
class Keyring:
    """The installation's secrets, the current one first."""

    secrets: Sequence[str]

    def derive(self, purpose: str) -> list[bytes]:
        """A key of each secret for this purpose, the current one first."""
        return [derive_key(secret, purpose) for secret in self.secrets]

    @cached_property
    def _sealing_keys(self) -> dict[bytes, AESGCM]:
        return {
            hashlib.sha256(b"key id" + key).digest()[:_KEY_ID_BYTES]: AESGCM(key)
            for key in self.derive("secrets at rest")
        }

    def seal(self, secret: str, context: str) -> bytes:
        """AES-256-GCM with the current key: version, key id, nonce, ciphertext with its tag.

        ``context`` names the one row and column it belongs in: elsewhere it does not open.
        """
        key_id, cipher = next(iter(self._sealing_keys.items()))
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + key_id + nonce + cipher.encrypt(nonce, secret.encode(), context.encode())

    def open(self, sealed: bytes, context: str) -> str:
        """Raises SealBroken."""
        key_id, nonce, ciphertext = _parts(sealed)
        cipher = self._sealing_keys.get(key_id)
        if cipher is None:
            raise SealBroken("sealed with a secret this installation no longer has")
        try:
            return cipher.decrypt(nonce, ciphertext, context.encode()).decode()
        except InvalidTag:
            raise SealBroken("moved from another row, or meddled with") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the current key."""
        return _parts(sealed)[0] == next(iter(self._sealing_keys))


def _parts(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    """Key id, nonce and ciphertext."""
    start, end = len(_VERSION), len(_VERSION) + _KEY_ID_BYTES
    if not sealed.startswith(_VERSION):
        raise SealBroken("not sealed by this platform")
    return sealed[start:end], sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :]
