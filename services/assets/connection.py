"""Assets by key: what a graph of objects asks for, many at a time."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import findings
from services.actor import Actor, Permission
from services.assets import queries
from services.assets.models import Asset
from services.assets.queries import AssetFilter, filter_conditions
from services.assets.service import AssetView
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
    session: AsyncSession, actor: Actor, asset_ids: Sequence[UUID]
) -> dict[UUID, AssetView]:
    """Those of the ids that are assets of this organization and not deleted."""
    actor.require(Permission.ASSETS_READ)
    rows = await queries.find_assets(session, actor.organization_id, asset_ids)
    return {view.asset.id: view for view in await _views(session, actor, rows)}


async def _views(session: AsyncSession, actor: Actor, rows: Sequence[Asset]) -> list[AssetView]:
    """One statement counts the open findings of all of them."""
    if not rows:
        return []
    counts = await findings.count_open_by_asset(session, actor, [asset.id for asset in rows])
    return [AssetView(asset, counts.get(asset.id, 0)) for asset in rows]
