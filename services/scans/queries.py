"""SQL of scans and their results, as the doors ask for them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.pagination import PageRequest
from services.scans.models import Scan, ScanResult, ScanStatus


async def list_scans(
    session: AsyncSession,
    organization_id: UUID,
    statuses: Sequence[ScanStatus],
    page: PageRequest,
) -> tuple[Sequence[Scan], int]:
    """Newest first, with the number of all that match. No status means any."""
    conditions = [Scan.organization_id == organization_id]
    if statuses:
        conditions.append(Scan.status.in_(statuses))
    total = await session.scalar(select(func.count()).select_from(Scan).where(*conditions))
    statement = (
        select(Scan)
        .where(*conditions)
        .order_by(Scan.id.desc())
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
