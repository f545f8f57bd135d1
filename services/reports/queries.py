"""SQL of reports."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.rendering.formats import ReportFormat
from services.reports.models import Report, ReportFile, ReportStatus

ACTIVE = (ReportStatus.PENDING, ReportStatus.STARTED)


async def find_report(
    session: AsyncSession, organization_id: UUID, report_id: UUID
) -> Report | None:
    return await session.scalar(
        select(Report).where(Report.organization_id == organization_id, Report.id == report_id)
    )


async def find_active_twin(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, format: ReportFormat
) -> Report | None:
    """A report of the same scan and format that is still being made."""
    return await session.scalar(
        select(Report)
        .where(
            Report.organization_id == organization_id,
            Report.scan_id == scan_id,
            Report.format == format,
            Report.status.in_(ACTIVE),
        )
        .order_by(Report.id)
        .limit(1)
    )


async def find_content(
    session: AsyncSession, organization_id: UUID, report_id: UUID
) -> bytes | None:
    return await session.scalar(
        select(ReportFile.content).where(
            ReportFile.organization_id == organization_id, ReportFile.report_id == report_id
        )
    )


async def claim_report(
    session: AsyncSession, organization_id: UUID, report_id: UUID, *, lease_s: float
) -> Report | None:
    """The report, ours for ``lease_s`` seconds; None when somebody has it or it has ended."""
    claimed = await session.scalar(
        _CLAIM, {"organization_id": organization_id, "report_id": report_id, "lease_s": lease_s}
    )
    return None if claimed is None else await find_report(session, organization_id, report_id)


async def finish_report(
    session: AsyncSession, report: Report, attempt: int, values: dict[str, object]
) -> bool:
    """Whether the report was still ours to finish."""
    statement = (
        update(Report)
        .where(
            Report.organization_id == report.organization_id,
            Report.id == report.id,
            Report.attempt == attempt,
            Report.status == ReportStatus.STARTED,
        )
        .values(values)
        .returning(Report.id)
    )
    return await session.scalar(statement) is not None


async def expire_report(
    session: AsyncSession, organization_id: UUID, report_id: UUID, now: datetime
) -> None:
    """Delete the file and keep the row with its hash."""
    await session.execute(
        delete(ReportFile).where(
            ReportFile.organization_id == organization_id, ReportFile.report_id == report_id
        )
    )
    await session.execute(
        update(Report)
        .where(
            Report.organization_id == organization_id,
            Report.id == report_id,
            Report.status == ReportStatus.SUCCESS,
        )
        .values(status=ReportStatus.EXPIRED, updated_at=now)
    )


_CLAIM = text(
    """
update reports
   set status = 'started', attempt = attempt + 1, updated_at = now(),
       lease_until = clock_timestamp() + make_interval(secs => :lease_s)
 where organization_id = :organization_id and id = :report_id
   and (status = 'pending' or (status = 'started' and lease_until < clock_timestamp()))
returning id
    """
)
