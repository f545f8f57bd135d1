"""SQL of findings and observations."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, column, func, select, table, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.findings.filtering import FindingFilter, filter_conditions
from services.findings.models import Finding, FindingStatus, Observation
from services.pagination import PageRequest
from services.sorting import Sort, SortColumn, order_by

# A finding knows its scan by key alone: scans lie above findings.
_SCANS = table("scans", column("organization_id"), column("id"), column("name"))

SORT_COLUMNS = {
    "severity": SortColumn(Finding.severity, is_rank=True),
    "first_seen_at": SortColumn(Finding.first_seen_at),
    "last_seen_at": SortColumn(Finding.last_seen_at),
    "created_at": SortColumn(Finding.created_at),
    "due_at": SortColumn(Finding.due_at, is_nullable=True),
}


async def list_findings(
    session: AsyncSession,
    organization_id: UUID,
    filter_: FindingFilter,
    page: PageRequest,
    sort: Sort,
) -> tuple[Sequence[Finding], int]:
    """Newest first unless sorted, with the number of all that match."""
    order = order_by(sort, SORT_COLUMNS, default=(Finding.id.desc(),), unique=Finding.id)
    conditions = filter_conditions(organization_id, filter_)
    total = await session.scalar(select(func.count()).select_from(Finding).where(*conditions))
    # Deferred join: ids from the narrow index first, then the wide rows of one page.
    ids = (
        select(Finding.id)
        .where(*conditions)
        .order_by(*order)
        .offset(page.offset)
        .limit(page.page_size)
        .subquery()
    )
    statement = (
        select(Finding)
        .join(ids, Finding.id == ids.c.id)
        .where(Finding.organization_id == organization_id)
        .order_by(*order)
    )
    return (await session.scalars(statement)).all(), total or 0


def _of_scan(
    organization_id: UUID, scan_id: UUID, filter_: FindingFilter
) -> Select[Finding, Observation]:
    statement = (
        select(Finding, Observation)
        .join(Observation, Observation.finding_id == Finding.id)
        .where(Observation.organization_id == organization_id, Observation.scan_id == scan_id)
    )
    # In one scan's list the severity asked for is the one that scan saw.
    if filter_.severities:
        statement = statement.where(Observation.severity.in_(filter_.severities))
    others = replace(filter_, severities=())
    return statement.where(*filter_conditions(organization_id, others))


async def list_scan_findings(
    session: AsyncSession,
    organization_id: UUID,
    scan_id: UUID,
    filter_: FindingFilter,
    page: PageRequest,
) -> tuple[Sequence[tuple[Finding, Observation]], int]:
    """What one scan saw, worst first, with the number of all that match."""
    statement = _of_scan(organization_id, scan_id, filter_)
    total = await session.scalar(
        select(func.count()).select_from(statement.with_only_columns(Finding.id).subquery())
    )
    rows = await session.execute(
        statement.order_by(Observation.severity, Observation.finding_id)
        .offset(page.offset)
        .limit(page.page_size)
    )
    return rows.all(), total or 0


async def stream_scan_findings(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, *, block: int
) -> AsyncGenerator[Sequence[tuple[Finding, Observation]]]:
    """Everything one scan saw, worst first, block by block: for its report."""
    statement = _of_scan(organization_id, scan_id, FindingFilter()).order_by(
        Observation.severity, Finding.check_id, Finding.host, Observation.finding_id
    )
    found = await session.stream(statement.execution_options(yield_per=block))
    async for rows in found.partitions():
        yield [(finding, observation) for finding, observation in rows]


async def count_of_scan(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, statuses: Sequence[FindingStatus]
) -> int:
    """Findings that the scan saw and that are in one of these statuses now."""
    filter_ = FindingFilter(statuses=tuple(statuses))
    found = _of_scan(organization_id, scan_id, filter_).with_only_columns(Finding.id).subquery()
    return await session.scalar(select(func.count()).select_from(found)) or 0


async def find_finding(
    session: AsyncSession, organization_id: UUID, finding_id: UUID, *, lock: bool = False
) -> Finding | None:
    """The finding, or None. ``lock`` takes a row lock until the transaction ends."""
    statement = select(Finding).where(
        Finding.organization_id == organization_id, Finding.id == finding_id
    )
    return await session.scalar(statement.with_for_update() if lock else statement)


async def count_by_asset(
    session: AsyncSession,
    organization_id: UUID,
    asset_ids: Sequence[UUID],
    statuses: Sequence[FindingStatus],
) -> dict[UUID, int]:
    statement = (
        select(Finding.asset_id, func.count())
        .where(
            Finding.organization_id == organization_id,
            Finding.asset_id.in_(asset_ids),
            Finding.status.in_(statuses),
        )
        .group_by(Finding.asset_id)
    )
    rows = await session.execute(statement)
    return {asset_id: count for asset_id, count in rows if asset_id is not None}


async def unassign(
    session: AsyncSession,
    organization_id: UUID,
    user_id: UUID,
    *,
    statuses: Sequence[FindingStatus],
    now: datetime,
) -> None:
    await session.execute(
        update(Finding)
        .where(
            Finding.organization_id == organization_id,
            Finding.assigned_to == user_id,
            Finding.status.in_(statuses),
        )
        .values(assigned_to=None, updated_at=now)
    )


async def scan_names(
    session: AsyncSession, organization_id: UUID, scan_ids: Sequence[UUID]
) -> dict[UUID, str]:
    statement = select(_SCANS.c.id, _SCANS.c.name).where(
        _SCANS.c.organization_id == organization_id, _SCANS.c.id.in_(scan_ids)
    )
    rows = await session.execute(statement)
    return dict(rows.all())
