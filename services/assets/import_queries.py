"""SQL of importing and exporting assets: any number of rows in one statement each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.assets.models import Asset, Criticality
from services.assets.queries import AssetFilter, filter_conditions
from services.database.base import as_json
from services.scanner.target import Target, TargetType

Columns = dict[str, Any]  # Any: column values of one row


async def insert_new(
    session: AsyncSession, organization_id: UUID, rows: Sequence[Columns], now: datetime
) -> set[UUID]:
    """Insert the rows whose target is free; gives back which ids those were.

    In the order of targets: two imports of the same targets wait for one another, and neither
    for ever.
    """
    found = await session.execute(_INSERT, _parameters(organization_id, rows) | {"now": now})
    return {row.id for row in found}


async def lock_existing(
    session: AsyncSession, organization_id: UUID, targets: Sequence[Target]
) -> dict[Target, Columns]:
    """The assets that have these targets, by target, locked in the order of ids."""
    rows = [{"target_type": target.type, "target_value": target.value} for target in targets]
    found = await session.execute(_LOCK, _parameters(organization_id, rows))
    return {
        Target(TargetType(row.target_type), row.target_value): {
            "id": row.id,
            "name": row.name,
            "tags": row.tags,
            "criticality": row.criticality,
            "owner_email": row.owner_email,
            "description": row.description,
            "is_active": row.is_active,
        }
        for row in found
    }


async def update_existing(
    session: AsyncSession, organization_id: UUID, rows: Sequence[Columns], now: datetime
) -> None:
    await session.execute(_UPDATE, _parameters(organization_id, rows) | {"now": now})


async def all_assets(
    session: AsyncSession, organization_id: UUID, filter_: AssetFilter
) -> Sequence[Row[str, TargetType, str, list[str], Criticality, str | None, str | None, bool]]:
    """The columns of an export, oldest first, so that an import makes them in the same order."""
    statement = (
        select(
            Asset.name,
            Asset.target_type,
            Asset.target_value,
            Asset.tags,
            Asset.criticality,
            Asset.owner_email,
            Asset.description,
            Asset.is_active,
        )
        .where(*filter_conditions(organization_id, filter_))
        .order_by(Asset.id)
    )
    return (await session.execute(statement)).all()


def _parameters(organization_id: UUID, rows: Sequence[Columns]) -> Columns:
    return {"organization_id": organization_id, "rows": as_json(rows)}


_INSERT = text(
    """
insert into assets
  (id, created_at, updated_at, organization_id, name, target_type, target_value, tags,
   criticality, owner_email, description, is_active)
select given.id, :now, :now, :organization_id, given.name, given.target_type, given.target_value,
       given.tags, given.criticality, given.owner_email, given.description, given.is_active
  from jsonb_to_recordset(cast(:rows as jsonb))
    as given(id uuid, name text, target_type text, target_value text, tags text[],
             criticality text, owner_email text, description text, is_active boolean)
 order by given.target_type, given.target_value
on conflict (organization_id, target_type, target_value) where deleted_at is null do nothing
returning id
    """
)
_LOCK = text(
    """
select asset.id, asset.name, asset.target_type, asset.target_value, asset.tags, asset.criticality,
       asset.owner_email, asset.description, asset.is_active
  from jsonb_to_recordset(cast(:rows as jsonb)) as given(target_type text, target_value text)
  join assets asset
    on asset.organization_id = :organization_id and asset.target_type = given.target_type
   and asset.target_value = given.target_value and asset.deleted_at is null
 order by asset.id
   for update of asset
    """
)
_UPDATE = text(
    """
update assets
   set name = given.name, tags = given.tags, criticality = given.criticality,
       owner_email = given.owner_email, description = given.description,
       is_active = given.is_active, updated_at = :now
  from jsonb_to_recordset(cast(:rows as jsonb))
    as given(id uuid, name text, tags text[], criticality text, owner_email text,
             description text, is_active boolean)
 where assets.organization_id = :organization_id and assets.id = given.id
    """
)
