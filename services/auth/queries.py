"""SQL of authentication: one statement per request says who is asking."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, exists, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Role
from services.organizations import Membership
from services.users import RefreshToken, User


async def find_home(session: AsyncSession, user_id: UUID) -> UUID | None:
    """The organization whose log tells of the user's logins, in the scope of the user.

    The one they worked in last, else their first; None for nobody.
    """
    return await session.scalar(
        select(Membership.organization_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.user_id == user_id, Membership.accepted_at.is_not(None))
        .order_by(
            (Membership.organization_id == User.last_organization_id).desc().nulls_last(),
            Membership.id,
        )
        .limit(1)
    )


@dataclass(frozen=True, slots=True)
class FoundCaller:
    is_active: bool
    role: Role | None
    """In the organization asked for; None for no member of it."""
    is_logged_in: bool


async def find_caller(
    session: AsyncSession,
    user_id: UUID,
    organization_id: UUID | None,
    session_id: UUID | None,
) -> FoundCaller | None:
    """The user with their place in the organization; None for no such user.

    ``session_id`` is the login that must not have ended; None asks for none.
    """
    is_logged_in = (
        exists()
        .where(
            RefreshToken.family_id == session_id,
            RefreshToken.user_id == user_id,
            RefreshToken.revoked_at.is_(None),
        )
        .correlate(None)
        if session_id is not None
        else true()
    )
    statement = (
        select(User.is_active, Membership.role, is_logged_in)
        .outerjoin(
            Membership,
            and_(
                Membership.user_id == User.id,
                Membership.organization_id == organization_id,
                Membership.accepted_at.is_not(None),
            ),
        )
        .where(User.id == user_id)
    )
    row = (await session.execute(statement)).first()
    return FoundCaller(row[0], row[1], bool(row[2])) if row else None
