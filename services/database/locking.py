"""Row locks by key."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.database.base import Entity


async def lock_row(
    session: AsyncSession, entity: type[Entity], organization_id: UUID, id: UUID
) -> None:
    """Hold the row of a tenant table until the transaction ends, if it is there."""
    tenant = entity.__table__.c["organization_id"] == organization_id
    await session.execute(select(entity.id).where(tenant, entity.id == id).with_for_update())
