"""The scans of one scope over time: what a trend is made of."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.scans.models import Scan, ScanStatus

SERIES_LENGTH = 12


async def scan_series(
    session: AsyncSession, organization_id: UUID, scan: Scan, *, at_most: int = SERIES_LENGTH
) -> Sequence[Scan]:
    """Completed scans up to this one, oldest first, this one last.

    Of the same schedule; a scan that was started by hand goes with those of the same targets.
    """
    if scan.completed_at is None:
        return [scan]
    statement = (
        select(Scan)
        .where(
            Scan.organization_id == organization_id,
            Scan.status == ScanStatus.COMPLETED,
            Scan.id != scan.id,
            Scan.completed_at <= scan.completed_at,
            _same_scope(scan),
        )
        .order_by(Scan.completed_at.desc(), Scan.id.desc())
        .limit(at_most - 1)
    )
    earlier = (await session.scalars(statement)).all()
    return [*reversed(earlier), scan]


def _same_scope(scan: Scan) -> ColumnElement[bool]:
    if scan.schedule_id is not None:
        return Scan.schedule_id == scan.schedule_id
    snapshot = Scan.config_snapshot
    return (
        (Scan.scan_type == scan.scan_type)
        & (snapshot["domains"] == scan.config_snapshot.get("domains", []))
        & (snapshot["ip_ranges"] == scan.config_snapshot.get("ip_ranges", []))
    )
