"""Access tokens: what is refused, whoever made it (issue 9, Done when 2), and keys that change."""

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx2 import AsyncClient
from sqlalchemy import text

from services.actor import Role
from services.auth.tokens import AccessTokens
from services.database import utcnow
from services.errors import Unauthenticated
from services.keyring import Keyring, derive_key
from services.resources import Resources
from services.settings import Settings
from tests.members import PASSWORD, Member, join

_LIFETIME = timedelta(minutes=30)
_SECRET = "the present secret of an installation"
_EARLIER = "an earlier secret of the installation"


def _key(settings: Settings) -> Ed25519PrivateKey:
    secret = settings.secret_key.get_secret_value()
    return Ed25519PrivateKey.from_private_bytes(derive_key(secret, "access tokens"))


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unverified."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return dict(jwt.get_unverified_header(token)), claims


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


async def _status(client: AsyncClient, token: str) -> int:
    response = await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    graphql = await client.post(
        "/graphql",
        json={"query": "{ me { email } }"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert graphql.status_code == response.status_code
    return response.status_code


@pytest.mark.parametrize(
    "change",
    [
        {"type": "refresh"},
        {"type": None},
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"sub": "nobody"},
        {"sub": None},
        {"aud": "elsewhere"},
        {"aud": None},
        {"iss": "elsewhere"},
        {"iss": None},
        {"jti": None},
        {"iat": None},
        {"sid": "garbage"},
    ],
)
async def test_a_claim_that_is_not_right_is_refused_although_the_signature_is(
    client: AsyncClient, settings: Settings, admin: Member, change: dict[str, Any]
) -> None:
    """AUTH-1: expiry, audience, issuer, type."""
    header, claims = _read(admin.access_token)
    kept = {name: value for name, value in (claims | change).items() if value is not None}
    forged = jwt.encode(kept, _key(settings), "EdDSA", {"kid": header["kid"]})
    untouched = jwt.encode(claims, _key(settings), "EdDSA", {"kid": header["kid"]})

    assert await _status(client, untouched) == 200
    assert await _status(client, forged) == 401


async def test_no_other_algorithm_is_believed(
    client: AsyncClient, settings: Settings, admin: Member
) -> None:
    """AUTH-1: none, and the public key or the secret itself as an HMAC key."""
    header, claims = _read(admin.access_token)
    kid = {"kid": header["kid"]}
    public = _key(settings).public_key()
    raw = public.public_bytes_raw()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = settings.secret_key.get_secret_value()
    rsa = generate_private_key(65537, 2048)
    body = admin.access_token.split(".")[1]

    forged = [
        f"{_part({'alg': name, 'typ': 'JWT', **kid})}.{body}." for name in ("none", "None", "nOnE")
    ]
    forged += [
        f"{_part({'alg': 'HS256', **kid})}.{body}.{jwt.encode(claims, raw, 'HS256').split('.')[2]}",
        jwt.encode(claims, raw, "HS256", kid),
        jwt.encode(claims, secret, "HS256", kid),
        jwt.encode(claims, secret, "HS256"),
        jwt.encode(claims, rsa, "RS256", kid),
        jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", kid),
    ]

    assert pem
    for token in forged:
        assert await _status(client, token) == 401, token


async def test_a_key_is_never_taken_from_where_a_header_points(
    client: AsyncClient, admin: Member
) -> None:
    """ASVS 5.0, 9.1.3."""
    _, claims = _read(admin.access_token)
    own = Ed25519PrivateKey.generate()
    jwk = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64.urlsafe_b64encode(own.public_key().public_bytes_raw()).decode().rstrip("="),
    }

    for header in (
        {},
        {"kid": "unknown"},
        {"kid": "../../dev/null"},
        {"kid": "own", "jwk": jwk},
        {"kid": "own", "jku": "http://127.0.0.1:9/jwks.json"},
        {"kid": "own", "x5u": "http://127.0.0.1:9/key.pem"},
    ):
        token = jwt.encode(claims, own, "EdDSA", header)
        assert await _status(client, token) == 401, header


async def test_every_change_of_a_token_is_noticed(client: AsyncClient, admin: Member) -> None:
    header, claims = _read(admin.access_token)
    head, body, signature = admin.access_token.split(".")
    promoted = _part({**claims, "sub": str(uuid4())})

    for token in (
        f"{head}.{promoted}.{signature}",
        f"{_part({**header, 'typ': 'x'})}.{body}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}..{signature}",
        admin.access_token[:-1],
        "a.b.c",
        ".." * 1000,
    ):
        assert await _status(client, token) == 401, token


async def test_a_refresh_token_is_no_access_token_and_the_other_way_round(
    client: AsyncClient, admin: Member
) -> None:
    refreshed = await client.post(
        "/api/v1/auth/refresh", json={"refresh_token": admin.access_token}
    )

    assert await _status(client, admin.refresh_token) == 401
    assert refreshed.status_code == 401


async def test_an_expired_token_says_so_and_clocks_may_differ_by_ten_seconds(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-1: clock skew."""

    def issued(age: timedelta) -> str:
        return resources.identity.access_tokens.issue(
            admin.user_id, admin.organization_id, admin.role, utcnow() - age
        )

    old = issued(timedelta(hours=2))
    me = await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {old}"})
    statuses = [
        await _status(client, issued(age))
        for age in (
            resources.identity.access_tokens.lifetime + timedelta(seconds=15),
            timedelta(minutes=1),
            timedelta(seconds=-5),
            timedelta(minutes=-5),
        )
    ]

    assert (me.status_code, me.json()["code"]) == (401, "token_expired")
    assert statuses == [401, 200, 200, 401]


async def test_a_token_is_no_more_than_the_membership_is_now(
    client: AsyncClient, resources: Resources, admin: Member
) -> None:
    """AUTH-3, TEN-9: demoted and removed members."""
    auditor = await join(client, resources, admin, Role.AUDITOR)
    body = {"target_value": "a.example"}

    async def answers() -> tuple[int, int]:
        read = await client.get("/api/v1/assets", headers=auditor.headers)
        written = await client.post("/api/v1/assets", json=body, headers=auditor.headers)
        return read.status_code, written.status_code

    before = await answers()
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text("update memberships set role = 'viewer' where role = 'auditor'")
        )
    demoted = await answers()
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(text("delete from memberships where role = 'viewer'"))
    removed = await answers()

    assert (before, demoted, removed) == ((200, 201), (200, 403), (404, 404))


async def test_a_new_password_ends_the_access_tokens_of_other_logins(
    client: AsyncClient, admin: Member
) -> None:
    """AUTH-3."""
    other = await client.post(
        "/api/v1/auth/login", json={"email": admin.email, "password": PASSWORD}
    )

    await client.post(
        "/api/v1/auth/change-password",
        json={"current_password": PASSWORD, "new_password": "another long password"},
        headers=admin.headers,
    )

    assert await _status(client, other.json()["access_token"]) == 401
    assert await _status(client, admin.access_token) == 200


async def test_others_verify_our_tokens_with_the_published_keys(
    client: AsyncClient, admin: Member
) -> None:
    published = await client.get("/.well-known/jwks.json")

    keys = jwt.PyJWKSet.from_dict(published.json())
    header, _ = _read(admin.access_token)
    claims = jwt.decode(
        admin.access_token,
        keys[header["kid"]].key,
        algorithms=["EdDSA"],
        audience="nis2-gateway",
        issuer="nis2-gateway",
    )

    assert claims["sub"] == str(admin.user_id)
    assert all("d" not in key for key in published.json()["keys"])  # the private half


def test_after_a_change_of_secret_old_tokens_are_read_and_new_ones_signed_anew() -> None:
    user_id = uuid4()
    before = AccessTokens(Keyring((_EARLIER,)), _LIFETIME)
    during = AccessTokens(Keyring((_SECRET, _EARLIER)), _LIFETIME)
    after = AccessTokens(Keyring((_SECRET,)), _LIFETIME)
    old = before.issue(user_id, None, None, utcnow())
    new = during.issue(user_id, None, None, utcnow())

    assert during.read(old).user_id == after.read(new).user_id == user_id
    for tokens, token in ((after, old), (before, new)):
        with pytest.raises(Unauthenticated):
            tokens.read(token)
    assert [key["kid"] for key in during.public_keys] == [
        after.public_keys[0]["kid"],
        before.public_keys[0]["kid"],
    ]


def test_a_csrf_token_outlives_a_change_of_secret_and_fits_one_login_only() -> None:
    session_id = uuid4()
    before = AccessTokens(Keyring((_EARLIER,)), _LIFETIME)
    during = AccessTokens(Keyring((_SECRET, _EARLIER)), _LIFETIME)

    assert during.is_csrf_token(before.csrf_token(session_id), session_id)
    assert during.is_csrf_token(during.csrf_token(session_id), session_id)
    assert not during.is_csrf_token(before.csrf_token(uuid4()), session_id)
    assert not before.is_csrf_token(during.csrf_token(session_id), session_id)
