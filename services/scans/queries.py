"""SQL of scans and their results, as the doors ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.pagination import PageRequest
from services.scans.models import Scan, ScanResult, ScanStatus
from services.sorting import Sort, SortColumn, order_by

SORT_COLUMNS = {
    "created_at": SortColumn(Scan.created_at),
    "total_score": SortColumn(Scan.total_score, is_nullable=True),
    "name": SortColumn(func.lower(Scan.name)),
}


@dataclass(frozen=True, slots=True)
class ScanFilter:
    """Which scans; fields are ANDed, the statuses ORed. Empty means any."""

    statuses: tuple[ScanStatus, ...] = ()
    created_from: datetime | None = None
    """Inclusive."""
    created_to: datetime | None = None
    """Inclusive."""
    asset_id: UUID | None = None
    """Asked for by name, whatever became of the asset."""
    schedule_id: UUID | None = None
    search: str | None = None
    """A part of the name."""


def filter_conditions(organization_id: UUID, filter_: ScanFilter) -> list[ColumnElement[bool]]:
    conditions = [Scan.organization_id == organization_id]
    if filter_.statuses:
        conditions.append(Scan.status.in_(filter_.statuses))
    if filter_.created_from is not None:
        conditions.append(Scan.created_at >= filter_.created_from)
    if filter_.created_to is not None:
        conditions.append(Scan.created_at <= filter_.created_to)
    if filter_.asset_id is not None:
        # What was asked for, also of a scan that waits or whose overlapping assets became one.
        conditions.append(Scan.config_snapshot.contains({"asset_ids": [str(filter_.asset_id)]}))
    if filter_.schedule_id is not None:
        conditions.append(Scan.schedule_id == filter_.schedule_id)
    if filter_.search:
        conditions.append(Scan.name.icontains(filter_.search, autoescape=True))
    return conditions


async def list_scans(
    session: AsyncSession,
    organization_id: UUID,
    filter_: ScanFilter,
    page: PageRequest,
    sort: Sort,
) -> tuple[Sequence[Scan], int]:
    """Newest first unless sorted, with the number of all that match."""
    conditions = filter_conditions(organization_id, filter_)
    total = await session.scalar(select(func.count()).select_from(Scan).where(*conditions))
    statement = (
        select(Scan)
        .where(*conditions)
        .order_by(*order_by(sort, SORT_COLUMNS, default=(Scan.id.desc(),), unique=Scan.id))
        .offset(page.offset)
        .limit(page.page_size)
    )
    return (await session.scalars(statement)).all(), total or 0


async def find_scan(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, *, lock: bool = False
) -> Scan | None:
    """The scan, or None. ``lock`` takes a row lock until the transaction ends."""
    statement = select(Scan).where(Scan.organization_id == organization_id, Scan.id == scan_id)
    return await session.scalar(statement.with_for_update() if lock else statement)


async def list_results(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, page: PageRequest
) -> tuple[Sequence[ScanResult], int]:
    """By target, with the number of all."""
    conditions = [ScanResult.organization_id == organization_id, ScanResult.scan_id == scan_id]
    total = await session.scalar(select(func.count()).select_from(ScanResult).where(*conditions))
    statement = (
        select(ScanResult)
        .where(*conditions)
        .order_by(ScanResult.target, ScanResult.id)
        .offset(page.offset)
        .limit(page.page_size)
    )
    return (await session.scalars(statement)).all(), total or 0


async def all_results(
    session: AsyncSession, organization_id: UUID, scan_id: UUID
) -> Sequence[ScanResult]:
    """Every result by target: for score and report."""
    statement = (
        select(ScanResult)
        .where(ScanResult.organization_id == organization_id, ScanResult.scan_id == scan_id)
        .order_by(ScanResult.target)
    )
    return (await session.scalars(statement)).all()
