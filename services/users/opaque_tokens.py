"""Tokens that say nothing: refresh tokens, invitations, password resets. Only hashes are stored."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token: SHA-256 is enough for a secret nobody can guess."""
    return hashlib.sha256(token.encode()).digest()
