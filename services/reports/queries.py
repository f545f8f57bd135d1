"""SQL of reports."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.database.base import Json
from services.rendering.formats import ReportFormat
from services.reports.models import Report, ReportPart, ReportStatus

ACTIVE = (ReportStatus.PENDING, ReportStatus.STARTED)


async def find_report(
    session: AsyncSession, organization_id: UUID, report_id: UUID
) -> Report | None:
    return await session.scalar(
        select(Report).where(Report.organization_id == organization_id, Report.id == report_id)
    )


async def find_active_twin(
    session: AsyncSession,
    organization_id: UUID,
    scan_id: UUID,
    format: ReportFormat,
    options: Json,
) -> Report | None:
    """A report of the same scan, format and options that is still being made."""
    return await session.scalar(
        select(Report)
        .where(
            Report.organization_id == organization_id,
            Report.scan_id == scan_id,
            Report.format == format,
            Report.options == options,
            Report.status.in_(ACTIVE),
        )
        .order_by(Report.id)
        .limit(1)
    )


async def count_active_and_recent(
    session: AsyncSession, organization_id: UUID, user_id: UUID, since: datetime
) -> tuple[int, int]:
    """How many the organization has in the making, and how many the user asked for since then."""
    is_active = Report.status.in_(ACTIVE)
    is_recent = (Report.created_by == user_id) & (Report.created_at > since)
    statement = select(func.count().filter(is_active), func.count().filter(is_recent)).where(
        Report.organization_id == organization_id, is_active | is_recent
    )
    active, recent = (await session.execute(statement)).one()
    return active, recent


async def find_by_hash(session: AsyncSession, organization_id: UUID, sha256: str) -> Report | None:
    """The newest report whose file had this hash; expired ones keep theirs."""
    return await session.scalar(
        select(Report)
        .where(Report.organization_id == organization_id, Report.sha256 == sha256)
        .order_by(Report.id.desc())
        .limit(1)
    )


async def find_part(
    session: AsyncSession, organization_id: UUID, report_id: UUID, number: int
) -> bytes | None:
    return await session.scalar(
        select(ReportPart.content).where(
            ReportPart.organization_id == organization_id,
            ReportPart.report_id == report_id,
            ReportPart.number == number,
        )
    )


async def add_part(session: AsyncSession, report: Report, number: int, content: bytes) -> None:
    await session.execute(
        insert(ReportPart).values(
            report_id=report.id,
            organization_id=report.organization_id,
            number=number,
            content=content,
        )
    )


async def note_progress(session: AsyncSession, report: Report, percent: int) -> None:
    """While the report is ours; nobody minds when it is no longer."""
    await session.execute(
        update(Report)
        .where(
            Report.organization_id == report.organization_id,
            Report.id == report.id,
            Report.attempt == report.attempt,
            Report.status == ReportStatus.STARTED,
        )
        .values(progress=percent)
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
        delete(ReportPart).where(
            ReportPart.organization_id == organization_id, ReportPart.report_id == report_id
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
