"""SQL of organizations and memberships."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Role
from services.organizations.models import Membership, Organization
from services.organizations.settings import OrganizationSettings
from services.users import User


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


async def read_settings(session: AsyncSession, organization_id: UUID) -> OrganizationSettings:
    """What the organization has set; nothing for one that is gone."""
    statement = select(Organization.settings).where(Organization.id == organization_id)
    return OrganizationSettings.model_validate(await session.scalar(statement) or {})


async def insert_organization(session: AsyncSession, organization: dict[str, object]) -> bool:
    """Whether the row is new; False when its slug is taken, by whichever tenant."""
    statement = (
        insert(Organization)
        .values(organization)
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(Organization.id)
    )
    return await session.scalar(statement) is not None


async def lock_organization(session: AsyncSession, organization_id: UUID) -> Organization | None:
    """Until the transaction ends: whoever changes who belongs to it comes one after the other."""
    statement = select(Organization).where(Organization.id == organization_id)
    # Not plain "for update": that one would stop every insert of a row with a key to this one.
    return await session.scalar(statement.with_for_update(key_share=True))


async def list_members(
    session: AsyncSession, organization_id: UUID
) -> Sequence[tuple[Membership, User]]:
    """Oldest first."""
    statement = (
        select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .where(Membership.organization_id == organization_id, Membership.accepted_at.is_not(None))
        .order_by(Membership.created_at, Membership.id)
    )
    return (await session.execute(statement)).all()


async def find_member(
    session: AsyncSession, organization_id: UUID, membership_id: UUID
) -> tuple[Membership, User] | None:
    statement = (
        select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organization_id == organization_id,
            Membership.id == membership_id,
            Membership.accepted_at.is_not(None),
        )
    )
    return (await session.execute(statement)).first()


async def has_member_with_email(session: AsyncSession, organization_id: UUID, email: str) -> bool:
    statement = select(
        exists().where(
            Membership.organization_id == organization_id,
            Membership.user_id == User.id,
            func.lower(User.email) == email,
        )
    )
    return bool(await session.scalar(statement))


async def has_other_admin(session: AsyncSession, organization_id: UUID, user_id: UUID) -> bool:
    """Whether somebody else who can log in is admin."""
    statement = select(
        exists().where(
            Membership.organization_id == organization_id,
            Membership.user_id != user_id,
            Membership.role == Role.ADMIN,
            Membership.accepted_at.is_not(None),
            User.id == Membership.user_id,
            User.is_active,
        )
    )
    return bool(await session.scalar(statement))


async def insert_membership(session: AsyncSession, membership: dict[str, object]) -> None:
    """Keeps the membership, and the role, of somebody who is a member already."""
    await session.execute(
        insert(Membership)
        .values(membership)
        .on_conflict_do_nothing(index_elements=["organization_id", "user_id"])
    )


async def delete_membership(
    session: AsyncSession, organization_id: UUID, membership_id: UUID
) -> None:
    await session.execute(
        delete(Membership).where(
            Membership.organization_id == organization_id, Membership.id == membership_id
        )
    )
