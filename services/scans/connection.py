"""Scans and their results by key and by parent: what a graph of objects asks for."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission, Reader
from services.keyset import Ordering, Slice, Window, cut, each
from services.scans.models import Scan, ScanResult, ScanStatus
from services.scans.queries import ScanFilter, filter_conditions

NEWEST_FIRST = Ordering((Scan.id,), is_descending=True)
"""Keys are time-ordered. Positions are ``(id,)``."""
BY_TARGET = Ordering((ScanResult.target,))
"""A target stands once in a scan. Positions are ``(target,)``."""


async def slice_scans(
    session: AsyncSession, actor: Actor, statuses: Sequence[ScanStatus], window: Window
) -> Slice[Scan]:
    """Newest first. No status means any."""
    actor.require(Permission.SCANS_READ)
    statement = select(Scan).where(
        *filter_conditions(actor.organization_id, ScanFilter(statuses=tuple(statuses)))
    )
    return cut((await session.scalars(NEWEST_FIRST.window(statement, window))).all(), window)


async def count_scans(session: AsyncSession, actor: Actor, statuses: Sequence[ScanStatus]) -> int:
    actor.require(Permission.SCANS_READ)
    statement = (
        select(func.count())
        .select_from(Scan)
        .where(*filter_conditions(actor.organization_id, ScanFilter(statuses=tuple(statuses))))
    )
    return await session.scalar(statement) or 0


async def scans_by_id(
    session: AsyncSession, reader: Reader, scan_ids: Sequence[UUID]
) -> dict[UUID, Scan]:
    """Those of the ids that are scans of this organization."""
    reader.require(Permission.SCANS_READ)
    rows = await session.scalars(
        select(Scan).where(Scan.organization_id.in_(reader.organization_ids), Scan.id.in_(scan_ids))
    )
    return {scan.id: scan for scan in rows}


async def results_by_id(
    session: AsyncSession, reader: Reader, result_ids: Sequence[UUID]
) -> dict[UUID, ScanResult]:
    """Those of the ids that are results of this organization's scans."""
    reader.require(Permission.SCANS_READ)
    rows = await session.scalars(
        select(ScanResult).where(
            ScanResult.organization_id.in_(reader.organization_ids), ScanResult.id.in_(result_ids)
        )
    )
    return {result.id: result for result in rows}


async def slice_scan_results(
    session: AsyncSession, reader: Reader, scan_ids: Sequence[UUID], window: Window
) -> dict[UUID, Slice[ScanResult]]:
    """The results of each scan, by target: a page of every scan in one statement."""
    reader.require(Permission.SCANS_READ)
    parents = each(scan_ids)
    rows = BY_TARGET.window(
        select(ScanResult.id).where(
            ScanResult.organization_id.in_(reader.organization_ids),
            ScanResult.scan_id == parents.column,
        ),
        window,
    )
    page = rows.correlate(parents).lateral("page")
    statement = (
        select(ScanResult)
        .select_from(parents)
        .join(page, true())
        .join(
            ScanResult,
            ScanResult.organization_id.in_(reader.organization_ids) & (ScanResult.id == page.c.id),
        )
        .order_by(*BY_TARGET.direction(window))
    )
    pages: dict[UUID, list[ScanResult]] = {scan_id: [] for scan_id in scan_ids}
    for result in await session.scalars(statement):
        pages[result.scan_id].append(result)
    return {scan_id: cut(results, window) for scan_id, results in pages.items()}


async def count_scan_results(
    session: AsyncSession, reader: Reader, scan_ids: Sequence[UUID]
) -> dict[UUID, int]:
    """How many results each scan has; a scan without any is left out."""
    reader.require(Permission.SCANS_READ)
    statement = (
        select(ScanResult.scan_id, func.count())
        .where(
            ScanResult.organization_id.in_(reader.organization_ids),
            ScanResult.scan_id.in_(scan_ids),
        )
        .group_by(ScanResult.scan_id)
    )
    return dict((await session.execute(statement)).all())


async def latest_scans(
    session: AsyncSession, reader: Reader, organization_ids: Sequence[UUID]
) -> dict[UUID, Scan]:
    """The newest scan of each organization that the reader reads in; none for one without."""
    reader.require(Permission.SCANS_READ)
    parents = each([each_id for each_id in organization_ids if each_id in reader.organization_ids])
    newest = (
        select(Scan.id)
        .where(Scan.organization_id == parents.column)
        .order_by(Scan.id.desc())
        .limit(1)
        .correlate(parents)
        .lateral("newest")
    )
    statement = (
        select(Scan)
        .select_from(parents)
        .join(newest, true())
        .join(Scan, (Scan.organization_id == parents.column) & (Scan.id == newest.c.id))
    )
    return {scan.organization_id: scan for scan in await session.scalars(statement)}
