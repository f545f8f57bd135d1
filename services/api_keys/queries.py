"""SQL of API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Role
from services.api_keys.models import ApiKey
from services.organizations import Membership
from services.users import User


@dataclass(frozen=True, slots=True)
class FoundKey:
    key: ApiKey
    role: Role | None
    """Its creator's, now; None once they have left."""
    is_active: bool
    """Whether its creator may log in."""


async def find_live_key(
    session: AsyncSession, organization_id: UUID, key_hash: bytes, now: datetime
) -> FoundKey | None:
    """The key with its creator's place in the organization; None for one that is no good."""
    statement = (
        select(ApiKey, Membership.role, User.is_active)
        .join(User, User.id == ApiKey.created_by)
        .outerjoin(
            Membership,
            and_(
                Membership.organization_id == ApiKey.organization_id,
                Membership.user_id == ApiKey.created_by,
                Membership.accepted_at.is_not(None),
            ),
        )
        .where(
            ApiKey.organization_id == organization_id,
            ApiKey.key_hash == key_hash,
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_at > now,
        )
    )
    row = (await session.execute(statement)).first()
    return FoundKey(row[0], row[1], row[2]) if row else None


async def touch(
    session: AsyncSession, organization_id: UUID, key_id: UUID, now: datetime, *, older: datetime
) -> None:
    """Say the key is in use, unless that was said since ``older``."""
    await session.execute(
        update(ApiKey)
        .where(
            ApiKey.organization_id == organization_id,
            ApiKey.id == key_id,
            or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < older),
        )
        .values(last_used_at=now, updated_at=ApiKey.updated_at)
    )


async def list_keys(session: AsyncSession, organization_id: UUID) -> Sequence[ApiKey]:
    """Those not revoked, newest first, expired ones too."""
    statement = (
        select(ApiKey)
        .where(ApiKey.organization_id == organization_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
    )
    return (await session.scalars(statement)).all()


async def count_keys(session: AsyncSession, organization_id: UUID) -> int:
    statement = select(func.count()).where(
        ApiKey.organization_id == organization_id, ApiKey.revoked_at.is_(None)
    )
    return await session.scalar(statement) or 0


async def find_key(session: AsyncSession, organization_id: UUID, key_id: UUID) -> ApiKey | None:
    """One that is not revoked, locked until the transaction ends."""
    statement = select(ApiKey).where(
        ApiKey.organization_id == organization_id,
        ApiKey.id == key_id,
        ApiKey.revoked_at.is_(None),
    )
    return await session.scalar(statement.with_for_update())


async def revoke_of_user(
    session: AsyncSession, organization_id: UUID, user_id: UUID, now: datetime
) -> Sequence[UUID]:
    statement = (
        update(ApiKey)
        .where(
            ApiKey.organization_id == organization_id,
            ApiKey.created_by == user_id,
            ApiKey.revoked_at.is_(None),
        )
        .values(revoked_at=now, updated_at=now)
        .returning(ApiKey.id)
    )
    return (await session.scalars(statement)).all()
