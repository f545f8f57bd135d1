"""SQL of assets."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.assets.models import Asset, Criticality
from services.pagination import PageRequest
from services.scanner.target import Target, TargetType
from services.sorting import Sort, SortColumn, order_by

SORT_COLUMNS = {
    "name": SortColumn(func.lower(Asset.name)),
    "created_at": SortColumn(Asset.created_at),
    "target_value": SortColumn(Asset.target_value),
    "criticality": SortColumn(
        case({level: rank for rank, level in enumerate(Criticality)}, value=Asset.criticality)
    ),
}


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """Which assets to list; deleted ones never are."""

    search: str | None = None
    """A part of the name or the target."""
    target_type: TargetType | None = None
    tags: tuple[str, ...] = ()
    """All of them."""
    is_active: bool | None = None
    criticality: Criticality | None = None


_NEWEST_FIRST = (Asset.created_at.desc(), Asset.id.desc())


def filter_conditions(organization_id: UUID, filter_: AssetFilter) -> list[ColumnElement[bool]]:
    conditions = [Asset.organization_id == organization_id, Asset.deleted_at.is_(None)]
    if filter_.search:
        conditions.append(
            Asset.name.icontains(filter_.search, autoescape=True)
            | Asset.target_value.icontains(filter_.search, autoescape=True)
        )
    if filter_.target_type is not None:
        conditions.append(Asset.target_type == filter_.target_type)
    if filter_.tags:
        conditions.append(Asset.tags.contains(list(filter_.tags)))
    if filter_.is_active is not None:
        conditions.append(Asset.is_active == filter_.is_active)
    if filter_.criticality is not None:
        conditions.append(Asset.criticality == filter_.criticality)
    return conditions


async def list_assets(
    session: AsyncSession,
    organization_id: UUID,
    filter_: AssetFilter,
    page: PageRequest,
    sort: Sort,
) -> tuple[Sequence[Asset], int]:
    """Newest first unless sorted, with the number of all that match."""
    conditions = filter_conditions(organization_id, filter_)
    total = await session.scalar(select(func.count()).select_from(Asset).where(*conditions))
    statement = (
        select(Asset)
        .where(*conditions)
        .order_by(*order_by(sort, SORT_COLUMNS, default=_NEWEST_FIRST, unique=Asset.id))
        .offset(page.offset)
        .limit(page.page_size)
    )
    return (await session.scalars(statement)).all(), total or 0


async def find_asset(session: AsyncSession, organization_id: UUID, asset_id: UUID) -> Asset | None:
    return await session.scalar(
        select(Asset).where(
            Asset.organization_id == organization_id,
            Asset.id == asset_id,
            Asset.deleted_at.is_(None),
        )
    )


async def find_assets(
    session: AsyncSession, organization_id: UUID, asset_ids: Sequence[UUID]
) -> Sequence[Asset]:
    """Those of the ids that are assets of this organization, in no promised order."""
    statement = select(Asset).where(
        Asset.organization_id == organization_id,
        Asset.id.in_(asset_ids),
        Asset.deleted_at.is_(None),
    )
    return (await session.scalars(statement)).all()


async def find_asset_by_target(
    session: AsyncSession, organization_id: UUID, target: Target
) -> Asset | None:
    return await session.scalar(
        select(Asset).where(
            Asset.organization_id == organization_id,
            Asset.target_type == target.type,
            Asset.target_value == target.value,
            Asset.deleted_at.is_(None),
        )
    )
