"""Assets by key: what a graph of objects asks for, many at a time."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission, Reader
from services.assets.models import Asset
from services.assets.queries import AssetFilter, filter_conditions
from services.assets.service import AssetView
from services.findings import UNRESOLVED, FindingFilter
from services.findings.connection import count_asset_findings
from services.keyset import Ordering, Slice, Window, cut

NEWEST_FIRST = Ordering((Asset.id,), is_descending=True)
"""Keys are time-ordered. Positions are ``(id,)``."""


async def slice_assets(
    session: AsyncSession, actor: Actor, filter_: AssetFilter, window: Window
) -> Slice[AssetView]:
    """Newest first."""
    actor.require(Permission.ASSETS_READ)
    statement = select(Asset).where(*filter_conditions(actor.organization_id, filter_))
    rows = (await session.scalars(NEWEST_FIRST.window(statement, window))).all()
    return cut(await _views(session, actor, rows), window)


async def count_assets(session: AsyncSession, actor: Actor, filter_: AssetFilter) -> int:
    actor.require(Permission.ASSETS_READ)
    statement = (
        select(func.count())
        .select_from(Asset)
        .where(*filter_conditions(actor.organization_id, filter_))
    )
    return await session.scalar(statement) or 0


async def assets_by_id(
    session: AsyncSession, reader: Reader, asset_ids: Sequence[UUID]
) -> dict[UUID, AssetView]:
    """Those of the ids that are assets of the reader's organizations and not deleted."""
    reader.require(Permission.ASSETS_READ)
    statement = select(Asset).where(
        Asset.organization_id.in_(reader.organization_ids),
        Asset.id.in_(asset_ids),
        Asset.deleted_at.is_(None),
    )
    rows = (await session.scalars(statement)).all()
    return {view.asset.id: view for view in await _views(session, reader, rows)}


async def _views(session: AsyncSession, reader: Reader, rows: Sequence[Asset]) -> list[AssetView]:
    """One statement counts the open findings of all of them."""
    if not rows:
        return []
    unresolved = FindingFilter(statuses=UNRESOLVED)
    counts = await count_asset_findings(session, reader, [asset.id for asset in rows], unresolved)
    return [AssetView(asset, counts.get(asset.id, 0)) for asset in rows]
