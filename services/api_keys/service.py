"""Use cases of API keys: make one, see them, revoke one, and say who comes with one.

A key is ``nis2_``, eight characters that people may see, the organization's id and 256 random
bits. With the organization's id in it, a key is looked up under the row security of that
organization like everything else of it.

It may do what its scopes say and its creator may do now, whichever is less, and nothing to the
creator's own account.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Caller, Permission
from services.api_keys import queries
from services.api_keys.models import ApiKey
from services.database import Change, Database, Scope, UnitOfWork, utcnow
from services.errors import (
    InvalidInput,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from services.users.opaque_tokens import digest

_START: Final = "nis2_"
_VISIBLE: Final = 8
_ID_LENGTH: Final = 22
"""16 bytes in base64url without padding."""
MAX_KEYS: Final = 50
"""Of one organization: the list of them is not paged."""
MAX_LIFETIME: Final = timedelta(days=366)
DEFAULT_LIFETIME: Final = timedelta(days=90)
_TOUCH_INTERVAL: Final = timedelta(minutes=1)
SCOPES: Final = frozenset(Permission) - {Permission.API_KEYS_WRITE, Permission.MEMBERS_WRITE}
"""What a key may be given: never to make keys or to let people in."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    api_key: ApiKey
    secret: str
    """The key itself: shown this once."""


async def create_api_key(
    work: UnitOfWork,
    actor: Actor,
    *,
    name: str,
    scopes: Sequence[Permission],
    expires_at: datetime | None = None,
) -> IssuedKey:
    """A new key of the actor, good for 90 days unless said otherwise.

    Raises PermissionDenied, also for a scope beyond the actor's own role, InvalidInput for scopes
    no key may have and for a time that is past or more than a year ahead, InvalidRequest when the
    organization has its fill of keys.
    """
    actor.require(Permission.API_KEYS_WRITE)
    now = utcnow()
    _require_scopes(actor, scopes)
    until = expires_at or now + DEFAULT_LIFETIME
    if not now < until <= now + MAX_LIFETIME:
        raise InvalidInput(
            f"expires_at must lie ahead, at most {MAX_LIFETIME.days} days", field="expires_at"
        )
    if await queries.count_keys(work.session, actor.organization_id) >= MAX_KEYS:
        raise InvalidRequest(
            f"An organization has at most {MAX_KEYS} API keys: revoke one first",
            code="too_many_api_keys",
        )
    prefix = f"{_START}{secrets.token_urlsafe(_VISIBLE)[:_VISIBLE]}"
    secret = f"{prefix}{_dump(actor.organization_id)}{secrets.token_urlsafe(32)}"
    api_key = ApiKey(
        organization_id=actor.organization_id,
        created_by=actor.user_id,
        name=name,
        prefix=prefix,
        key_hash=digest(secret),
        scopes=sorted(scope.value for scope in set(scopes)),
        expires_at=until,
    )
    work.session.add(api_key)
    work.record(actor, "api_key.created", api_key)
    return IssuedKey(api_key, secret)


async def list_api_keys(session: AsyncSession, actor: Actor) -> Sequence[ApiKey]:
    """Newest first, without those revoked."""
    actor.require(Permission.API_KEYS_READ)
    return await queries.list_keys(session, actor.organization_id)


async def revoke_api_key(work: UnitOfWork, actor: Actor, key_id: UUID) -> None:
    """At once and for good. Raises PermissionDenied, NotFound."""
    actor.require(Permission.API_KEYS_WRITE)
    api_key = await queries.find_key(work.session, actor.organization_id, key_id)
    if api_key is None:
        raise NotFound("API key")
    api_key.revoked_at = utcnow()
    work.record(actor, "api_key.revoked", api_key)


async def revoke_api_keys_of(work: UnitOfWork, actor: Actor, user_id: UUID) -> None:
    """All keys of a member who leaves; for ``services.departures``, which has asked who may."""
    revoked = await queries.revoke_of_user(work.session, actor.organization_id, user_id, utcnow())
    for key_id in revoked:
        work.record(actor, "api_key.revoked", Change("api_key", key_id))


def is_api_key(token: str) -> bool:
    """Whether this looks like one; access tokens never do."""
    return token.startswith(_START)


def organization_of(token: str) -> UUID:
    """The organization a key says it belongs to. Raises Unauthenticated for what is no key."""
    start = len(_START) + _VISIBLE
    try:
        return UUID(bytes=urlsafe_b64decode(f"{token[start : start + _ID_LENGTH]}=="))
    except ValueError:
        raise _no_good() from None


async def authenticate_api_key(database: Database, token: str) -> Caller:
    """Who comes with this key.

    Raises Unauthenticated for one that is unknown, expired or revoked, and for one whose creator
    has left the organization or was switched off.
    """
    organization_id = organization_of(token)
    now = utcnow()
    async with database.read(Scope(organization_id=organization_id)) as session:
        found = await queries.find_live_key(session, organization_id, digest(token), now)
    if found is None or found.role is None or not found.is_active:
        raise _no_good()
    key = found.key
    if key.last_used_at is None or key.last_used_at < now - _TOUCH_INTERVAL:
        await touch_api_key(database, key, now)
    actor = Actor(
        key.created_by,
        organization_id,
        found.role,
        api_key_id=key.id,
        scopes=key.permissions,
    )
    return Caller(key.created_by, organization_id, actor, api_key_id=key.id)


async def touch_api_key(database: Database, key: ApiKey, now: datetime) -> None:
    """Note that it was used, once a minute however often it is."""
    async with database.transaction(Scope(organization_id=key.organization_id)) as work:
        await queries.touch(
            work.session, key.organization_id, key.id, now, older=now - _TOUCH_INTERVAL
        )


def _require_scopes(actor: Actor, scopes: Sequence[Permission]) -> None:
    if not scopes:
        raise InvalidInput("A key needs at least one scope", field="scopes")
    for scope in scopes:
        if scope not in SCOPES:
            raise InvalidInput(f"No key may have the scope {scope}", field="scopes")
        if not actor.may(scope):
            raise PermissionDenied(f"You may not do this yourself ({scope})")


def _dump(organization_id: UUID) -> str:
    return urlsafe_b64encode(organization_id.bytes).decode().rstrip("=")


def _no_good() -> Unauthenticated:
    return Unauthenticated("The API key is not valid", code="api_key_invalid")
