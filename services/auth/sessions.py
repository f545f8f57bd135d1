"""Logins: a family of rotating refresh tokens each, and the access tokens that belong to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.actor import Author, Caller, Role
from services.auth.identity import Identity
from services.auth.profile import Profile, get_profile, load_profile
from services.auth.queries import find_home
from services.auth.tokens import open_successor, seal_successor
from services.database import Change, Scope, UnitOfWork, utcnow
from services.errors import NotFound, Unauthenticated
from services.identifiers import uuid7
from services.users import RefreshToken, User, queries
from services.users.opaque_tokens import digest, new_token

GRACE = timedelta(seconds=10)
"""Within this, a used refresh token gives the same successor again: two tabs, a lost answer."""


@dataclass(frozen=True, slots=True)
class Session:
    """A pair of tokens and whose they are."""

    id: UUID
    """The login: a family of refresh tokens."""
    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds the access token lives."""
    profile: Profile
    csrf_token: str
    """What a browser's unsafe requests repeat in a header, for the whole login the same."""

    @property
    def author(self) -> Author:
        active = self.profile.active
        return Author(self.profile.user.id, active.organization.id if active else None)


async def begin_session(work: UnitOfWork, identity: Identity, user: User) -> Session:
    """A new login, in the organization the user worked in last."""
    now = utcnow()
    profile = await load_profile(work.session, user, user.last_organization_id)
    token = new_token()
    family_id = uuid7()
    work.session.add(
        RefreshToken(
            token_hash=digest(token),
            family_id=family_id,
            user_id=user.id,
            active_organization_id=profile.active.organization.id if profile.active else None,
            issued_at=now,
            expires_at=now + identity.refresh_idle,
            family_expires_at=now + identity.refresh_lifetime,
        )
    )
    return _session(identity, profile, token, family_id)


async def refresh(
    work: UnitOfWork, identity: Identity, refresh_token: str
) -> Session | Unauthenticated:
    """Rotate: each refresh token works once (AUTH-2). Raises Unauthenticated.

    A token that is used again after the grace time revokes its family: the refusal is given back,
    to be raised once that has committed.
    """
    now = utcnow()
    link = await queries.find_refresh_token(work.session, digest(refresh_token))
    if (
        link is None
        or link.revoked_at is not None
        or min(link.expires_at, link.family_expires_at) <= now
    ):
        raise Unauthenticated("The refresh token is not valid", code="refresh_invalid")
    user = await queries.find_user(work.session, link.user_id)
    if user is None or not user.is_active:
        raise Unauthenticated("The refresh token is not valid", code="refresh_invalid")
    if link.used_at is not None and link.successor is not None:
        if now - link.used_at > GRACE:
            return await _refuse_reused(work, link, now)
        successor = open_successor(refresh_token, link.successor)
    else:
        successor = new_token()
        link.used_at = now
        link.successor = seal_successor(refresh_token, successor)
        work.session.add(_next_link(identity, link, successor, now))
    await work.enter(Scope(user_id=user.id))
    profile = await load_profile(work.session, user, link.active_organization_id)
    return _session(identity, profile, successor, link.family_id)


async def _refuse_reused(work: UnitOfWork, link: RefreshToken, now: datetime) -> Unauthenticated:
    """Somebody else may hold the token: nobody keeps this login."""
    await queries.revoke_family(work.session, link.family_id, now)
    await work.enter(Scope(user_id=link.user_id))
    author = Author(link.user_id, await find_home(work.session, link.user_id))
    work.record(author, "session.refresh_reused", Change("session", link.family_id))
    return Unauthenticated(
        "This refresh token was used before: all sessions of this login have ended",
        code="refresh_reused",
    )


async def logout(work: UnitOfWork, refresh_token: str) -> None:
    """End the login this token belongs to. Idempotent."""
    link = await queries.find_refresh_token(work.session, digest(refresh_token))
    if link is not None and link.revoked_at is None:
        await queries.revoke_family(work.session, link.family_id, utcnow())
        await work.enter(Scope(user_id=link.user_id))
        author = Author(link.user_id, await find_home(work.session, link.user_id))
        work.record(author, "session.ended", Change("session", link.family_id))


async def switch_organization(
    work: UnitOfWork, identity: Identity, caller: Caller, organization_id: UUID
) -> Session:
    """Tokens for another organization of the user; their login goes on in it.

    The refresh token the caller holds is good for ``GRACE`` more, in case the answer gets lost.
    Raises NotFound for an organization the user does not belong to.
    """
    caller.require_person()
    profile = await get_profile(work.session, caller.user_id, organization_id)
    if profile.active is None or profile.active.organization.id != organization_id:
        raise NotFound("organization")
    profile.user.last_organization_id = organization_id
    await work.session.flush()
    link = None
    if caller.session_id is not None:
        link = await queries.find_last_link(work.session, caller.session_id)
    if link is None:
        return await begin_session(work, identity, profile.user)
    now = utcnow()
    await queries.move_family(work.session, link.family_id, organization_id, live_until=now + GRACE)
    token = new_token()
    successor = _next_link(identity, link, token, now)
    successor.active_organization_id = organization_id
    work.session.add(successor)
    return _session(identity, profile, token, link.family_id)


def _next_link(
    identity: Identity, link: RefreshToken, successor: str, now: datetime
) -> RefreshToken:
    return RefreshToken(
        token_hash=digest(successor),
        family_id=link.family_id,
        user_id=link.user_id,
        active_organization_id=link.active_organization_id,
        issued_at=now,
        expires_at=now + identity.refresh_idle,
        family_expires_at=link.family_expires_at,
    )


def _session(identity: Identity, profile: Profile, refresh_token: str, family_id: UUID) -> Session:
    organization_id: UUID | None = None
    role: Role | None = None
    if profile.active is not None:
        organization_id, role = profile.active.organization.id, profile.active.role
    tokens = identity.access_tokens
    return Session(
        id=family_id,
        access_token=tokens.issue(
            profile.user.id, organization_id, role, utcnow(), session_id=family_id
        ),
        refresh_token=refresh_token,
        expires_in=int(tokens.lifetime.total_seconds()),
        profile=profile,
        csrf_token=tokens.csrf_token(family_id),
    )
