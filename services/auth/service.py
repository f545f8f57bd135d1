"""Register, log in, and say who is asking."""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations
from services.actor import Actor, Author, Caller
from services.auth.identity import Identity
from services.auth.password_change import require_password
from services.auth.queries import find_caller, find_home
from services.auth.sessions import Session, begin_session
from services.database import Change, Scope, UnitOfWork
from services.errors import Conflict, InvalidInput, PermissionDenied, Unauthenticated
from services.organizations import OrganizationView
from services.users import User, queries
from services.users.email_address import normalize_email
from services.users.passwords import MAX_LENGTH

_NOBODY = UUID(int=0)


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
        raise _registration_disabled()
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
    session = await begin_session(work, identity, user)
    work.record(session.author, "user.registered", Change("user", user.id))
    return session


async def login(
    work: UnitOfWork, identity: Identity, *, email: str, password: str
) -> Session | Unauthenticated:
    """A new session, or the refusal to raise once the transaction has committed.

    One text, one time and the same statements for whatever is wrong (AUTH-5): each failure stands
    in the audit log of the account's organization, or in the platform's when there is no account.
    """
    try:
        address = normalize_email(email)
    except InvalidInput:
        address = ""
    user = await queries.find_user_by_email(work.session, address) if address else None
    is_right, new_hash = await identity.passwords.verify(
        password[: MAX_LENGTH + 1], user.password_hash if user else None
    )
    await work.enter(Scope(user_id=user.id if user else _NOBODY))
    if user is None or not is_right or not user.is_active or len(password) > MAX_LENGTH:
        await _record_failure(work, user)
        return Unauthenticated("Invalid email or password", code="invalid_credentials")
    if new_hash is not None:
        user.password_hash = new_hash
    session = await begin_session(work, identity, user)
    work.record(session.author, "login.succeeded", Change("session", session.id))
    return session


async def _record_failure(work: UnitOfWork, user: User | None) -> None:
    home = await find_home(work.session, user.id if user else _NOBODY)
    author = Author(user.id if user else None, home)
    work.record(author, "login.failed", Change("user", user.id if user else None))


async def found_another_organization(
    work: UnitOfWork, identity: Identity, caller: Caller, name: str
) -> OrganizationView:
    """One more organization, with the user as its admin. Raises PermissionDenied."""
    caller.require_person()
    if not identity.registration_open:
        raise _registration_disabled()
    return await organizations.found_organization(work, caller.user_id, name.strip())


async def authenticate(
    session: AsyncSession,
    user_id: UUID,
    organization_id: UUID | None,
    session_id: UUID | None = None,
) -> Caller:
    """The caller as the database knows them now: role and membership are never taken on trust.

    Raises Unauthenticated for a user who is gone or switched off, and for a login that was ended
    by logging out, by a new password or by the reuse of a refresh token.
    """
    found = await find_caller(session, user_id, organization_id, session_id)
    if found is None or not found.is_active or not found.is_logged_in:
        raise Unauthenticated("The access token is not valid")
    actor = None
    if organization_id is not None and found.role is not None:
        actor = Actor(user_id, organization_id, found.role)
    return Caller(user_id, organization_id, actor, session_id)


def _registration_disabled() -> PermissionDenied:
    return PermissionDenied("Registration is switched off", code="registration_disabled")
