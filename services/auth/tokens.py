"""Access tokens (JWT, RFC 7519) and refresh tokens (opaque, rotating)."""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

import jwt
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from services.actor import Role
from services.errors import Unauthenticated
from services.keyring import Keyring

_ALGORITHM = "EdDSA"
_AUDIENCE = _ISSUER = "nis2-gateway"
_LEEWAY_S = 10
_REQUIRED = ["exp", "iat", "sub", "jti", "type", "aud", "iss"]

Jwk = dict[str, str]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says. Membership and role are hints: the database decides."""

    user_id: UUID
    organization_id: UUID | None
    session_id: UUID | None
    """The login it belongs to: a family of refresh tokens."""


@dataclass(frozen=True, slots=True)
class _SigningKey:
    """Ed25519 (RFC 8037), known by the thumbprint of its public half (RFC 7638)."""

    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    jwk: Jwk

    @classmethod
    def of(cls, seed: bytes) -> Self:
        private = Ed25519PrivateKey.from_private_bytes(seed)
        public = private.public_key()
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public.public_bytes_raw())}
        thumbprint = hashlib.sha256(json.dumps(jwk, separators=(",", ":")).encode()).digest()
        return cls(private, public, {**jwk, "kid": _base64url(thumbprint)})

    @property
    def id(self) -> str:
        return self.jwk["kid"]


class AccessTokens:
    """Signs and reads access tokens with one algorithm (AUTH-1).

    The newest key signs; those of earlier secrets still verify, each by its ``kid``.
    """

    def __init__(self, keyring: Keyring, lifetime: timedelta) -> None:
        keys = [_SigningKey.of(seed) for seed in keyring.derive("access tokens")]
        self._signing = keys[0]
        self._keys = {key.id: key for key in keys}
        self._csrf_keys = keyring.derive("csrf tokens")
        self.lifetime = lifetime

    @property
    def public_keys(self) -> list[Jwk]:
        """What others verify our tokens with, as a JWK set has them (RFC 7517)."""
        usage = {"use": "sig", "alg": _ALGORITHM}
        return [{**key.jwk, **usage} for key in self._keys.values()]

    def issue(
        self,
        user_id: UUID,
        organization_id: UUID | None,
        role: Role | None,
        now: datetime,
        *,
        session_id: UUID | None = None,
    ) -> str:
        claims = {
            "sub": str(user_id),
            "org_id": str(organization_id) if organization_id else None,
            "role": role.value if role else None,
            "sid": str(session_id) if session_id else None,
            "type": "access",
            "aud": _AUDIENCE,
            "iss": _ISSUER,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "jti": secrets.token_urlsafe(12),
        }
        key = self._signing
        return jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers={"kid": key.id})

    def read(self, token: str) -> AccessClaims:
        """Raises Unauthenticated for whatever is not a valid access token of ours."""
        try:
            claims = jwt.decode(
                token,
                # A key is found among our own, never fetched from where a header points.
                self._keys[jwt.get_unverified_header(token)["kid"]].public,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                leeway=_LEEWAY_S,
                # PyJWT accepts a token without "exp" unless it is told not to.
                options={"require": _REQUIRED},
            )
            if claims["type"] != "access":
                raise Unauthenticated("This is no access token")
            return AccessClaims(
                UUID(claims["sub"]),
                _uuid_or_none(claims.get("org_id")),
                _uuid_or_none(claims.get("sid")),
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The access token has expired", code="token_expired") from None
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError):
            raise Unauthenticated("The access token is not valid") from None

    def csrf_token(self, session_id: UUID) -> str:
        """Bound to the login and the same in all its tabs (OWASP: signed double submit)."""
        return _csrf_token(self._csrf_keys[0], session_id)

    def is_csrf_token(self, text: str, session_id: UUID) -> bool:
        return any(
            hmac.compare_digest(text.encode(), _csrf_token(key, session_id).encode())
            for key in self._csrf_keys
        )


def _csrf_token(key: bytes, session_id: UUID) -> str:
    return hmac.new(key, session_id.bytes, hashlib.sha256).hexdigest()


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _uuid_or_none(claim: str | None) -> UUID | None:
    return None if claim is None else UUID(claim)


def seal_successor(token: str, successor: str) -> bytes:
    """The next token, readable only by whoever holds this one."""
    return _sealer(token).encrypt(successor.encode())


def open_successor(token: str, sealed: bytes) -> str:
    """Raises Unauthenticated when the seal does not fit."""
    try:
        return _sealer(token).decrypt(sealed).decode()
    except InvalidToken:
        raise Unauthenticated("The refresh token is not valid") from None


def _sealer(token: str) -> Fernet:
    key = hashlib.sha256(b"nis2-gateway refresh successor\0" + token.encode()).digest()
    return Fernet(urlsafe_b64encode(key))
