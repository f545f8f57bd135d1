"""The worker's side of reports: make a pending one, keep it, and let go of old files."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations, scans
from services.database import Database, Scope, utcnow
from services.events import Event
from services.queue import Job
from services.rendering.document import ReportDocument, ReportOptions
from services.rendering.formats import REPORT_FORMATS, filename
from services.rendering.render import (
    RenderedFile,
    RenderError,
    RenderLimits,
    render_in_child,
)
from services.rendering.rows import Row
from services.reports import queries
from services.reports.material import count_omitted, report_document, stream_rows
from services.reports.models import PART_BYTES, Report, ReportStatus
from services.reports.service import RUN_REPORT

log = structlog.get_logger()

TIME_LIMIT_S = 240.0
"""One rendering; the lease is a little longer, so that a living worker keeps its report."""
_LEASE_S = TIME_LIMIT_S + 30
MAX_ATTEMPTS = 3
_QUIET = timedelta(seconds=10)
_AT_MOST = 200
_IN_MEMORY_BYTES = 4 * 1024 * 1024
_ROWS_READ = 50
"""Percent of the work that is done when all rows have been handed to the renderer."""
_STEP = 5
"""Progress is written down whenever it has grown by so many percent."""


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
    try:
        with SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
            # The stubs know it as no BinaryIO, which it is in all that counts.
            out = cast("BinaryIO", file)
            rendered = await _render(database, report, out)
            if rendered is None:
                await _fail(database, report, "scan_deleted", "The scan was deleted")
                return
            await _store(database, report, out, *rendered, lifetime=lifetime)
    except RenderError as error:
        log.warning("report_failed", report_id=str(report_id), error=str(error))
        await _fail(database, report, "render_failed", "The report could not be rendered")


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


async def _render(
    database: Database, report: Report, out: BinaryIO
) -> tuple[RenderedFile, str] | None:
    """The file and its scan's name; None when the scan is gone."""
    options = msgspec.convert(report.options, ReportOptions)
    async with database.read(Scope(organization_id=report.organization_id)) as session:
        material = await scans.report_material(session, report.organization_id, report.scan_id)
        if material is None:
            return None
        document = await _document(session, report, material, options)
        steps = _Steps(database, report, total=document.findings_total)
        rendered = await render_in_child(
            document,
            report.format,
            steps.counted(stream_rows(session, material.scan, options)),
            out,
            limits=RenderLimits(TIME_LIMIT_S),
            progress=steps.rendering,
        )
    return rendered, material.scan.name


async def _document(
    session: AsyncSession, report: Report, material: scans.ScanMaterial, options: ReportOptions
) -> ReportDocument:
    key = (session, report.organization_id)
    omitted = 0
    if not options.include_accepted:
        omitted = await count_omitted(session, report.scan_id, report.organization_id)
    return report_document(
        material,
        options,
        organization_name=await organizations.organization_name(*key),
        branding=await organizations.report_branding(*key),
        worst=await scans.worst_problems(*key, report.scan_id),
        omitted=omitted,
        generated_at=utcnow(),
    )


class _Steps:
    """How far a report is: half of it is reading, half of it rendering."""

    def __init__(self, database: Database, report: Report, *, total: int) -> None:
        self._database = database
        self._report = report
        self._total = max(1, total)
        self._noted = 0

    async def counted(self, blocks: AsyncGenerator[Sequence[Row]]) -> AsyncGenerator[Sequence[Row]]:
        done = 0
        async for block in blocks:
            yield block
            done += len(block)
            await self._note(min(_ROWS_READ, _ROWS_READ * done // self._total))

    async def rendering(self, percent: int) -> None:
        await self._note(_ROWS_READ + percent * (99 - _ROWS_READ) // 100)

    async def _note(self, percent: int) -> None:
        if percent < self._noted + _STEP:
            return
        self._noted = percent
        report = self._report
        async with self._database.transaction(
            Scope(organization_id=report.organization_id)
        ) as work:
            await queries.note_progress(work.session, report, percent)
            work.announce(_event(report, ReportStatus.STARTED, percent))


async def _store(
    database: Database,
    report: Report,
    out: BinaryIO,
    rendered: RenderedFile,
    scan_name: str,
    *,
    lifetime: timedelta,
) -> None:
    now = utcnow()
    values: dict[str, object] = {
        "status": ReportStatus.SUCCESS,
        "progress": 100,
        "lease_until": None,
        "filename": filename(scan_name, now, report.format),
        "content_type": REPORT_FORMATS[report.format].content_type,
        "size": rendered.size,
        "sha256": rendered.sha256,
        "expires_at": now + lifetime,
        "updated_at": now,
    }
    async with database.transaction(Scope(organization_id=report.organization_id)) as work:
        if not await queries.finish_report(work.session, report, report.attempt, values):
            return
        out.seek(0)
        number = 0
        while part := out.read(PART_BYTES):
            await queries.add_part(work.session, report, number, part)
            number += 1
        work.announce(_event(report, ReportStatus.SUCCESS, 100))


async def _fail(database: Database, report: Report, code: str, error: str) -> None:
    values: dict[str, object] = {
        "status": ReportStatus.FAILURE,
        "progress": 100,
        "lease_until": None,
        "error_code": code,
        "error": error,
        "updated_at": utcnow(),
    }
    async with database.transaction(Scope(organization_id=report.organization_id)) as work:
        if await queries.finish_report(work.session, report, report.attempt, values):
            work.announce(_event(report, ReportStatus.FAILURE, 100))


def _event(report: Report, status: ReportStatus, progress: int) -> Event:
    return Event(
        report.organization_id,
        "report.progress",
        report.id,
        {"status": status.value, "progress": progress},
    )


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
