"""Use cases of assets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services import findings
from services.actor import Actor, Permission
from services.assets import queries
from services.assets.models import Asset
from services.assets.queries import AssetFilter
from services.assets.values import normalize_name, normalize_values, read_target
from services.database import UnitOfWork, utcnow
from services.errors import Conflict, InvalidRequest, NotFound
from services.pagination import Page, PageRequest
from services.scanner.address import AddressPolicy
from services.scanner.target import Target, TargetType, parse_target
from services.sorting import parse_sort


@dataclass(frozen=True, slots=True)
class AssetView:
    asset: Asset
    open_findings: int


@dataclass(frozen=True, slots=True)
class AssetChanges:
    """The fields a caller gave, and no others; ``values`` holds them by column name."""

    target_type: TargetType | None = None
    target_value: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])  # Any: column values

    def __bool__(self) -> bool:
        return bool(self.values) or self.target_type is not None or self.target_value is not None


async def list_assets(
    session: AsyncSession,
    actor: Actor,
    filter_: AssetFilter,
    page: PageRequest,
    sort: str | None = None,
) -> Page[AssetView]:
    """Newest first unless sorted. Raises InvalidInput for a field that cannot be sorted by."""
    actor.require(Permission.ASSETS_READ)
    order = parse_sort(sort, queries.SORT_COLUMNS)
    assets, total = await queries.list_assets(session, actor.organization_id, filter_, page, order)
    return Page(await _views(session, actor, assets), total, page)


async def get_asset(session: AsyncSession, actor: Actor, asset_id: UUID) -> AssetView:
    """Raises NotFound."""
    actor.require(Permission.ASSETS_READ)
    asset = await _get(session, actor, asset_id)
    return (await _views(session, actor, [asset]))[0]


async def create_asset(
    work: UnitOfWork,
    actor: Actor,
    policy: AddressPolicy,
    *,
    name: str | None,
    target_type: TargetType | None,
    target_value: str,
    values: Mapping[str, Any],  # Any: column values
) -> AssetView:
    """A new asset; its name is the target unless one is given.

    Raises InvalidInput for a bad target or one that may not be scanned, Conflict for one that is
    watched already.
    """
    actor.require(Permission.ASSETS_WRITE)
    target = read_target(target_value, target_type, policy)
    await _require_free(work.session, actor, target)
    asset = Asset(
        organization_id=actor.organization_id,
        name=target.value if name is None else normalize_name(name),
        target_type=target.type,
        target_value=target.value,
    )
    _apply(asset, values)
    work.session.add(asset)
    work.record(actor, "asset.created", asset)
    await _flush(work, target)
    return AssetView(asset, 0)


async def update_asset(
    work: UnitOfWork, actor: Actor, policy: AddressPolicy, asset_id: UUID, changes: AssetChanges
) -> AssetView:
    """Raises NotFound, InvalidInput, Conflict, and InvalidRequest for a target scans have used."""
    actor.require(Permission.ASSETS_WRITE)
    asset = await _get(work.session, actor, asset_id)
    if not changes:
        raise InvalidRequest("No field to change was given", code="nothing_to_update")
    target = _changed_target(asset, changes, policy)
    if target.value != asset.target_value or target.type is not asset.target_type:
        if asset.last_scanned_at is not None:
            raise InvalidRequest(
                "The target was scanned already: make a new asset instead, so that its"
                " findings stay true",
                code="target_in_use",
            )
        await _require_free(work.session, actor, target)
        asset.target_type, asset.target_value = target.type, target.value
    _apply(asset, changes.values)
    work.record(actor, "asset.updated", asset)
    await _flush(work, target)
    return (await _views(work.session, actor, [asset]))[0]


async def delete_asset(work: UnitOfWork, actor: Actor, asset_id: UUID) -> None:
    """Soft: gone from lists and future scans; its open findings are resolved. Raises NotFound."""
    actor.require(Permission.ASSETS_WRITE)
    asset = await _get(work.session, actor, asset_id)
    asset.deleted_at = utcnow()
    asset.is_active = False
    work.record(actor, "asset.deleted", asset)
    await findings.resolve_for_removed_asset(work, actor, asset.id)


async def find_active_assets(
    session: AsyncSession, actor: Actor, asset_ids: Sequence[UUID]
) -> list[Asset]:
    """Those of the ids that may be scanned, in the order given."""
    actor.require(Permission.ASSETS_READ)
    found = await queries.find_assets(session, actor.organization_id, asset_ids)
    by_id = {asset.id: asset for asset in found if asset.is_active}
    return [by_id[asset_id] for asset_id in asset_ids if asset_id in by_id]


async def _get(session: AsyncSession, actor: Actor, asset_id: UUID) -> Asset:
    asset = await queries.find_asset(session, actor.organization_id, asset_id)
    if asset is None:
        raise NotFound("asset")
    return asset


async def _views(session: AsyncSession, actor: Actor, assets: Sequence[Asset]) -> list[AssetView]:
    """One statement counts the open findings of all of them."""
    counts = await findings.count_open_by_asset(session, actor, [asset.id for asset in assets])
    return [AssetView(asset, counts.get(asset.id, 0)) for asset in assets]


def _changed_target(asset: Asset, changes: AssetChanges, policy: AddressPolicy) -> Target:
    """A target that stays is not vetted again: its other columns may still be changed."""
    if changes.target_value is None:
        return parse_target(asset.target_value, changes.target_type)
    return read_target(changes.target_value, changes.target_type, policy)


def _apply(asset: Asset, values: Mapping[str, Any]) -> None:  # Any: column values
    for column, value in normalize_values(values).items():
        setattr(asset, column, value)


async def _require_free(session: AsyncSession, actor: Actor, target: Target) -> None:
    """Raises Conflict naming the asset that has the target already."""
    twin = await queries.find_asset_by_target(session, actor.organization_id, target)
    if twin is not None:
        raise _taken(target, str(twin.id))


async def _flush(work: UnitOfWork, target: Target) -> None:
    """Write, and let the unique index decide between two who came at once."""
    try:
        await work.session.flush()
    except IntegrityError:
        raise _taken(target, None) from None


def _taken(target: Target, existing_id: str | None) -> Conflict:
    return Conflict(f"{target} is an asset already", code="asset_exists", existing_id=existing_id)
