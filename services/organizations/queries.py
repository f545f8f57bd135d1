"""SQL of organizations and memberships."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.organizations.models import Membership, Organization


async def list_memberships(
    session: AsyncSession, user_id: UUID
) -> Sequence[tuple[Membership, Organization]]:
    """The organizations of a user with their place in each, by name."""
    statement = (
        select(Membership, Organization)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.user_id == user_id, Membership.accepted_at.is_not(None))
        .order_by(Organization.name, Organization.id)
        .limit(1000)
    )
    return (await session.execute(statement)).all()


async def find_membership(
    session: AsyncSession, organization_id: UUID, user_id: UUID
) -> tuple[Membership, Organization] | None:
    statement = (
        select(Membership, Organization)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(
            Membership.organization_id == organization_id,
            Membership.user_id == user_id,
            Membership.accepted_at.is_not(None),
        )
    )
    return (await session.execute(statement)).first()


async def is_member(session: AsyncSession, organization_id: UUID, user_id: UUID) -> bool:
    statement = select(
        exists().where(
            Membership.organization_id == organization_id,
            Membership.user_id == user_id,
            Membership.accepted_at.is_not(None),
        )
    )
    return bool(await session.scalar(statement))


async def organization_name(session: AsyncSession, organization_id: UUID) -> str:
    """Empty for an organization that is gone."""
    statement = select(Organization.name).where(Organization.id == organization_id)
    return await session.scalar(statement) or ""


async def insert_organization(session: AsyncSession, organization: dict[str, object]) -> bool:
    """Whether the row is new; False when its slug is taken, by whichever tenant."""
    statement = (
        insert(Organization)
        .values(organization)
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(Organization.id)
    )
    return await session.scalar(statement) is not None
