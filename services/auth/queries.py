"""SQL of authentication: one statement per request says who is asking."""

from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Role
from services.organizations import Membership
from services.users import User


async def find_caller(
    session: AsyncSession, user_id: UUID, organization_id: UUID | None
) -> tuple[bool, Role | None] | None:
    """Whether the user is active and their role in the organization; None for no such user."""
    statement = (
        select(User.is_active, Membership.role)
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
    return (row[0], row[1]) if row else None
