"""Register, log in, stay logged in, and say who is asking."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations
from services.actor import GRANTS, Actor, Caller, Permission, Role
from services.auth.queries import find_caller
from services.auth.tokens import (
    AccessTokens,
    digest,
    new_refresh_token,
    open_successor,
    seal_successor,
)
from services.database import Scope, UnitOfWork, utcnow
from services.errors import (
    Conflict,
    InvalidInput,
    InvalidRequest,
    PermissionDenied,
    Unauthenticated,
)
from services.identifiers import uuid7
from services.organizations import OrganizationView
from services.settings import Settings
from services.users import RefreshToken, User, queries
from services.users.passwords import MAX_LENGTH, PasswordHasher

GRACE = timedelta(seconds=10)
"""Within this, a used refresh token gives the same successor again: two tabs, a lost answer."""
_MIN_PASSWORD_LENGTH = 8
LOCALES = ("en", "it", "de", "fr", "es")


@dataclass(frozen=True, slots=True)
class Identity:
    """The tools of authentication, one set per process."""

    passwords: PasswordHasher
    access_tokens: AccessTokens
    refresh_idle: timedelta
    refresh_lifetime: timedelta
    registration_open: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "Identity":
        return cls(
            passwords=PasswordHasher(
                memory_kib=settings.password_memory_kib, time_cost=settings.password_time_cost
            ),
            access_tokens=AccessTokens(
                settings.secret_key.get_secret_value(), settings.access_token_lifetime
            ),
            refresh_idle=settings.refresh_token_idle,
            refresh_lifetime=settings.refresh_token_lifetime,
            registration_open=settings.registration == "on",
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """A user with everything a front end needs to draw its first screen."""

    user: User
    memberships: list[OrganizationView]
    active: OrganizationView | None

    @property
    def permissions(self) -> frozenset[Permission]:
        return GRANTS[self.active.role] if self.active else frozenset()


@dataclass(frozen=True, slots=True)
class Session:
    """A pair of tokens and whose they are."""

    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds the access token lives."""
    profile: Profile


async def register(
    work: UnitOfWork,
    identity: Identity,
    *,
    email: str,
    password: str,
    full_name: str,
    organization_name: str,
) -> Session:
    """A new user with a new organization, as its admin. Raises Conflict when the e-mail is taken.

    The hash is computed before the first statement: no connection waits for it.
    """
    if not identity.registration_open:
        raise PermissionDenied("Registration is switched off", code="registration_disabled")
    address = normalize_email(email)
    require_password(password, address)
    password_hash = await identity.passwords.hash(password)
    user = User(email=address, password_hash=password_hash, full_name=full_name.strip())
    await work.enter(Scope(user_id=user.id))
    work.session.add(user)
    try:
        await work.session.flush()
    except IntegrityError:
        # The unique index decides: two registrations at once end in one user and one refusal.
        raise Conflict("This e-mail address is already registered", code="email_taken") from None
    view = await organizations.found_organization(work, user.id, organization_name.strip())
    user.last_organization_id = view.organization.id
    return await _begin_session(work, identity, user)


async def login(work: UnitOfWork, identity: Identity, *, email: str, password: str) -> Session:
    """Raises Unauthenticated, with one text and in one time for whatever is wrong (AUTH-5)."""
    try:
        address = normalize_email(email)
    except InvalidInput:
        address = ""
    user = await queries.find_user_by_email(work.session, address) if address else None
    is_right, new_hash = await identity.passwords.verify(
        password[: MAX_LENGTH + 1], user.password_hash if user else None
    )
    if user is None or not is_right or not user.is_active or len(password) > MAX_LENGTH:
        raise Unauthenticated("Invalid email or password", code="invalid_credentials")
    if new_hash is not None:
        user.password_hash = new_hash
    await work.enter(Scope(user_id=user.id))
    return await _begin_session(work, identity, user)


async def refresh(work: UnitOfWork, identity: Identity, refresh_token: str) -> Session | None:
    """Rotate: each refresh token works once (AUTH-2). Raises Unauthenticated.

    None means a token was used again after the grace time: its family is revoked, which the
    caller commits before refusing.
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
            await queries.revoke_family(work.session, link.family_id, now)
            return None
        successor = open_successor(refresh_token, link.successor)
    else:
        successor = new_refresh_token()
        link.used_at = now
        link.successor = seal_successor(refresh_token, successor)
        work.session.add(_next_link(identity, link, successor, now))
    await work.enter(Scope(user_id=user.id))
    profile = await _profile(work.session, user, link.active_organization_id)
    return _session(identity, profile, successor, now)


def refuse_reused() -> Unauthenticated:
    """What a client hears whose refresh token somebody else may hold."""
    return Unauthenticated(
        "This refresh token was used before: all sessions of this login have ended",
        code="refresh_reused",
    )


async def logout(work: UnitOfWork, refresh_token: str) -> None:
    """End the login this token belongs to. Idempotent."""
    link = await queries.find_refresh_token(work.session, digest(refresh_token))
    if link is not None:
        await queries.revoke_family(work.session, link.family_id, utcnow())


async def authenticate(
    session: AsyncSession, user_id: UUID, organization_id: UUID | None
) -> Caller:
    """The caller as the database knows them now: role and membership are never taken on trust.

    Raises Unauthenticated for a user who is gone or switched off.
    """
    found = await find_caller(session, user_id, organization_id)
    if found is None or not found[0]:
        raise Unauthenticated("The access token is not valid")
    role = found[1]
    if organization_id is None or role is None:
        return Caller(user_id, organization_id, None)
    return Caller(user_id, organization_id, Actor(user_id, organization_id, role))


async def get_profile(
    session: AsyncSession, user_id: UUID, active_organization_id: UUID | None
) -> Profile:
    """The user with memberships, and permissions in the active organization."""
    user = await queries.find_user(session, user_id)
    if user is None:
        raise Unauthenticated("The access token is not valid")
    return await _profile(session, user, active_organization_id)


async def update_profile(
    work: UnitOfWork,
    user_id: UUID,
    active_organization_id: UUID | None,
    changes: dict[str, str | None],
) -> Profile:
    """Change ``full_name``, ``locale``, ``timezone`` or ``avatar_url``; None clears the last."""
    if not changes:
        raise InvalidRequest("No field to change was given", code="nothing_to_update")
    profile = await get_profile(work.session, user_id, active_organization_id)
    for field, value in changes.items():
        _require_profile_value(field, value)
        setattr(profile.user, field, value)
    return profile


def normalize_email(email: str) -> str:
    """Case-folded, its domain as A-labels (RFC 5890). Raises InvalidInput."""
    try:
        parsed = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidInput(f"The e-mail address is not valid: {error}", field="email") from None
    return f"{parsed.local_part.casefold()}@{parsed.ascii_domain.lower()}"


def require_password(password: str, email: str) -> None:
    """8 to 128 characters of any kind, and not the e-mail address (ASVS 5.0, V6.2)."""
    if not _MIN_PASSWORD_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput(
            f"The password must have {_MIN_PASSWORD_LENGTH} to {MAX_LENGTH} characters",
            field="password",
        )
    if password.casefold() == email:
        raise InvalidInput("The password must differ from the e-mail address", field="password")


def _require_profile_value(field: str, value: str | None) -> None:
    if field == "avatar_url":
        if value is not None and not value.startswith("https://"):
            raise InvalidInput("avatar_url must be an https address", field=field)
        return
    if value is None:
        raise InvalidInput(f"{field} may not be null", field=field)
    if field == "locale" and value not in LOCALES:
        raise InvalidInput(f"locale must be one of {', '.join(LOCALES)}", field=field)
    if field == "timezone":
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
            raise InvalidInput(f"{value!r} is no IANA time zone", field=field) from None


async def _begin_session(work: UnitOfWork, identity: Identity, user: User) -> Session:
    now = utcnow()
    profile = await _profile(work.session, user, user.last_organization_id)
    token = new_refresh_token()
    work.session.add(
        RefreshToken(
            token_hash=digest(token),
            family_id=uuid7(),
            user_id=user.id,
            active_organization_id=profile.active.organization.id if profile.active else None,
            issued_at=now,
            expires_at=now + identity.refresh_idle,
            family_expires_at=now + identity.refresh_lifetime,
        )
    )
    return _session(identity, profile, token, now)


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


async def _profile(session: AsyncSession, user: User, active_id: UUID | None) -> Profile:
    """The active organization is the one asked for while the user belongs to it, else the first."""
    memberships = await organizations.list_organizations(session, user.id)
    active = next((view for view in memberships if view.organization.id == active_id), None)
    return Profile(user, memberships, active or (memberships[0] if memberships else None))


def _session(identity: Identity, profile: Profile, refresh_token: str, now: datetime) -> Session:
    organization_id: UUID | None = None
    role: Role | None = None
    if profile.active is not None:
        organization_id, role = profile.active.organization.id, profile.active.role
    return Session(
        access_token=identity.access_tokens.issue(profile.user.id, organization_id, role, now),
        refresh_token=refresh_token,
        expires_in=int(identity.access_tokens.lifetime.total_seconds()),
        profile=profile,
    )
