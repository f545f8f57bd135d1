"""Use cases of reports: ask for one, follow it, fetch it; and the worker's side of making it."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations, scans
from services.actor import Actor, Permission
from services.database import Database, Scope, UnitOfWork, utcnow
from services.errors import InvalidRequest, NotFound
from services.queue import Job
from services.rendering.formats import REPORT_FORMATS, ReportFormat, filename
from services.rendering.render import RenderError, render_in_child
from services.reports import queries
from services.reports.material import report_document
from services.reports.models import Report, ReportFile, ReportStatus
from services.scans import ScanStatus

log = structlog.get_logger()

RUN_REPORT = "run_report"
TIME_LIMIT_S = 120.0
"""One rendering; the lease is a little longer, so that a living worker keeps its report."""
_LEASE_S = TIME_LIMIT_S + 30
MAX_ATTEMPTS = 3
_QUIET = timedelta(seconds=10)
_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class ReportTicket:
    report: Report
    is_deduplicated: bool


@dataclass(frozen=True, slots=True)
class ReportDownload:
    report: Report
    content: bytes


async def generate_report(
    work: UnitOfWork, actor: Actor, scan_id: UUID, format: ReportFormat
) -> ReportTicket:
    """A pending report, queued after the commit; the same one while a twin is being made.

    Raises NotFound for the scan, InvalidRequest while it has not completed.
    """
    actor.require(Permission.REPORTS_READ)
    scan = await scans.get_scan(work.session, actor, scan_id)
    if scan.status is not ScanStatus.COMPLETED:
        raise InvalidRequest(
            f"The scan is {scan.status}: a report needs a completed one", code="scan_not_completed"
        )
    twin = await queries.find_active_twin(work.session, actor.organization_id, scan_id, format)
    if twin is not None:
        return ReportTicket(twin, is_deduplicated=True)
    report = Report(
        organization_id=actor.organization_id,
        scan_id=scan_id,
        created_by=actor.user_id,
        format=format,
    )
    work.session.add(report)
    await work.session.flush()
    work.enqueue(Job(RUN_REPORT, actor.organization_id, report.id))
    return ReportTicket(report, is_deduplicated=False)


async def get_report(session: AsyncSession, actor: Actor, report_id: UUID) -> Report:
    """Raises NotFound."""
    actor.require(Permission.REPORTS_READ)
    report = await queries.find_report(session, actor.organization_id, report_id)
    if report is None:
        raise NotFound("report")
    return report


async def download_report(session: AsyncSession, actor: Actor, report_id: UUID) -> ReportDownload:
    """The file. Raises NotFound: unknown, not ready, failed or expired, told apart by its code."""
    report = await get_report(session, actor, report_id)
    if report.status is not ReportStatus.SUCCESS:
        code = {
            ReportStatus.EXPIRED: "report_expired",
            ReportStatus.FAILURE: "report_failed",
        }.get(report.status, "report_not_ready")
        raise NotFound("report file", code=code)
    content = await queries.find_content(session, actor.organization_id, report_id)
    if content is None:
        raise NotFound("report file", code="report_expired")
    return ReportDownload(report, content)


async def run_report(
    database: Database, organization_id: UUID, report_id: UUID, *, lifetime: timedelta
) -> None:
    """Make a pending report; do nothing when another worker has it. Safe to call twice."""
    scope = Scope(organization_id=organization_id)
    async with database.transaction(scope) as work:
        report = await queries.claim_report(
            work.session, organization_id, report_id, lease_s=_LEASE_S
        )
    if report is None:
        return
    if report.attempt > MAX_ATTEMPTS:
        await _fail(database, report, "worker_lost", "The report could not be made in three tries")
        return
    async with database.read(scope) as session:
        material = await scans.report_material(session, organization_id, report.scan_id)
        name = await organizations.organization_name(session, organization_id)
    if material is None:
        await _fail(database, report, "scan_deleted", "The scan was deleted")
        return
    document = report_document(material, name, utcnow())
    try:
        content = await render_in_child(document, report.format, time_limit_s=TIME_LIMIT_S)
    except RenderError as error:
        log.warning("report_failed", report_id=str(report_id), error=str(error))
        await _fail(database, report, "render_failed", "The report could not be rendered")
        return
    await _store(database, report, content, scan_name=material.scan.name, lifetime=lifetime)


async def sweep_reports(database: Database) -> list[Job]:
    """The reports to queue again; files past their life are deleted. Safe to run anywhere."""
    async with database.read(Scope(is_sweep=True)) as session:
        parameters = {"quiet": _QUIET, "most": _AT_MOST}
        due = (await session.execute(_DUE, parameters)).all()
        expired = (await session.execute(_EXPIRED, parameters)).all()
    for organization_id, report_id in expired:
        async with database.transaction(Scope(organization_id=organization_id)) as work:
            await queries.expire_report(work.session, organization_id, report_id, utcnow())
    return [Job(RUN_REPORT, row[0], row[1], row[2]) for row in due]


async def _store(
    database: Database, report: Report, content: bytes, *, scan_name: str, lifetime: timedelta
) -> None:
    now = utcnow()
    values: dict[str, object] = {
        "status": ReportStatus.SUCCESS,
        "lease_until": None,
        "filename": filename(scan_name, now, report.format),
        "content_type": REPORT_FORMATS[report.format].content_type,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "expires_at": now + lifetime,
        "updated_at": now,
    }
    async with database.transaction(Scope(organization_id=report.organization_id)) as work:
        if await queries.finish_report(work.session, report, report.attempt, values):
            work.session.add(
                ReportFile(
                    report_id=report.id, organization_id=report.organization_id, content=content
                )
            )


async def _fail(database: Database, report: Report, code: str, error: str) -> None:
    values: dict[str, object] = {
        "status": ReportStatus.FAILURE,
        "lease_until": None,
        "error_code": code,
        "error": error,
        "updated_at": utcnow(),
    }
    async with database.transaction(Scope(organization_id=report.organization_id)) as work:
        await queries.finish_report(work.session, report, report.attempt, values)


_DUE = text(
    """
select organization_id, id, attempt from reports
 where (status = 'pending' and created_at < clock_timestamp() - cast(:quiet as interval))
    or (status = 'started' and lease_until < clock_timestamp())
 order by created_at limit :most
    """
)
_EXPIRED = text(
    "select organization_id, id from reports where status = 'success'"
    " and expires_at < clock_timestamp() order by expires_at limit :most"
)
