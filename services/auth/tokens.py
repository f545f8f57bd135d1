"""Access tokens (JWT, RFC 7519) and refresh tokens (opaque, rotating)."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from cryptography.fernet import Fernet, InvalidToken

from services.actor import Role
from services.errors import Unauthenticated

_ALGORITHM = "HS256"
_AUDIENCE = "nis2-gateway"
_LEEWAY_S = 10
_REQUIRED = ["exp", "iat", "sub", "jti", "type", "aud"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says. Membership and role are hints: the database decides."""

    user_id: UUID
    organization_id: UUID | None
    session_id: UUID | None
    """The login it belongs to: a family of refresh tokens."""


class AccessTokens:
    """Signs and reads access tokens with one algorithm and one key (AUTH-1)."""

    def __init__(self, secret: str, lifetime: timedelta) -> None:
        self._secret = secret
        self.lifetime = lifetime

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
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def read(self, token: str) -> AccessClaims:
        """Raises Unauthenticated for whatever is not a valid access token of ours."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
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
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise Unauthenticated("The access token is not valid") from None

    def csrf_token(self, session_id: UUID) -> str:
        """Bound to the login and the same in all its tabs (OWASP: signed double submit)."""
        key = b"nis2-gateway csrf\0" + self._secret.encode()
        return hmac.new(key, session_id.bytes, hashlib.sha256).hexdigest()

    def is_csrf_token(self, text: str, session_id: UUID) -> bool:
        return hmac.compare_digest(text.encode(), self.csrf_token(session_id).encode())


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
