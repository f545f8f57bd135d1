"""Use cases of reports: ask for one, follow it, fetch it, ask whether a file is genuine."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from services import scans
from services.actor import Actor, Permission
from services.database import Change, Database, Scope, UnitOfWork, lock_row, utcnow
from services.errors import InvalidInput, InvalidRequest, NotFound, TooManyRequests
from services.queue import Job
from services.rendering.document import ReportOptions
from services.rendering.formats import ReportFormat
from services.reports import queries
from services.reports.models import PART_BYTES, Report, ReportStatus
from services.scans import Scan, ScanStatus
from services.users import User
from services.users.preferences import LOCALES, is_locale

RUN_REPORT = "run_report"
MAX_ACTIVE = 3
"""Reports of one organization in the making at once."""
MAX_PER_MINUTE = 10
"""Reports that one user may ask for."""
MAX_TITLE = 160
_MINUTE = timedelta(minutes=1)
_RETRY_AFTER_S = 10
_ENDED_EARLY = (ScanStatus.CANCELLED, ScanStatus.FAILED)


@dataclass(frozen=True, slots=True)
class ReportRequest:
    scan_id: UUID
    format: ReportFormat = ReportFormat.PDF
    options: ReportOptions = field(default_factory=ReportOptions)
    has_locale: bool = False
    """Whether the locale of ``options`` was asked for; else it is the user's."""
    allow_partial: bool = False
    """Also of a scan that was cancelled or failed, of what it saw."""


@dataclass(frozen=True, slots=True)
class ReportTicket:
    report: Report
    is_deduplicated: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a file with this hash was made here, and what it was."""

    sha256: str
    report: Report | None

    @property
    def made_at(self) -> datetime | None:
        return self.report.updated_at if self.report else None


async def generate_report(
    work: UnitOfWork, actor: Actor, request: ReportRequest, *, is_limited: bool = True
) -> ReportTicket:
    """A pending report, queued after the commit; the same one while a twin is being made.

    Raises NotFound for the scan, InvalidRequest while it has not completed, and TooManyRequests
    unless ``is_limited`` is off.
    """
    actor.require(Permission.REPORTS_READ)
    scan = await scans.get_scan(work.session, actor, request.scan_id)
    _refuse_unfinished(scan, allow_partial=request.allow_partial)
    options = await _options(work.session, actor, request)
    # Two requests at once come one after the other: neither can miss the other's report.
    await lock_row(work.session, Scan, actor.organization_id, scan.id)
    twin = await queries.find_active_twin(
        work.session, actor.organization_id, scan.id, request.format, options
    )
    if twin is not None:
        return ReportTicket(twin, is_deduplicated=True)
    if is_limited:
        await _refuse_too_many(work.session, actor)
    report = await add_report(
        work, actor.organization_id, scan.id, request.format, options, created_by=actor.user_id
    )
    wanted = {"scan_id": str(scan.id), "format": request.format.value}
    work.record(actor, "report.requested", Change("report", report.id, after=wanted))
    return ReportTicket(report, is_deduplicated=False)


async def add_report(
    work: UnitOfWork,
    organization_id: UUID,
    scan_id: UUID,
    format: ReportFormat,
    options: dict[str, Any],  # Any: a JSON object
    *,
    created_by: UUID | None,
) -> Report:
    """A pending report of a scan that has ended, queued after the commit."""
    report = Report(
        organization_id=organization_id,
        scan_id=scan_id,
        created_by=created_by,
        format=format,
        options=options,
    )
    work.session.add(report)
    await work.session.flush()
    work.enqueue(Job(RUN_REPORT, organization_id, report.id))
    return report


async def get_report(session: AsyncSession, actor: Actor, report_id: UUID) -> Report:
    """Raises NotFound."""
    actor.require(Permission.REPORTS_READ)
    report = await queries.find_report(session, actor.organization_id, report_id)
    if report is None:
        raise NotFound("report")
    return report


async def begin_download(work: UnitOfWork, actor: Actor, report_id: UUID) -> Report:
    """One that can be downloaded.

    Raises NotFound: unknown, not ready, failed or expired, told apart by its code.
    """
    report = await get_report(work.session, actor, report_id)
    if report.status is not ReportStatus.SUCCESS:
        code = {
            ReportStatus.EXPIRED: "report_expired",
            ReportStatus.FAILURE: "report_failed",
        }.get(report.status, "report_not_ready")
        raise NotFound("report file", code=code)
    taken = Change("report", report.id, after={"format": report.format.value})
    work.record(actor, "report.downloaded", taken)
    return report


async def stream_report(
    database: Database, report: Report, first: int, last: int
) -> AsyncGenerator[bytes]:
    """The bytes from ``first`` to ``last``, both included and within the file.

    Each part is read in a transaction of its own: none is open while a slow client takes it.
    """
    scope = Scope(organization_id=report.organization_id)
    for number in range(first // PART_BYTES, last // PART_BYTES + 1):
        async with database.read(scope) as session:
            part = await queries.find_part(session, report.organization_id, report.id, number)
        if part is None:  # it expired meanwhile: the client sees a body that ends too early
            return
        offset = number * PART_BYTES
        yield part[max(0, first - offset) : last - offset + 1]


async def verify_report(session: AsyncSession, actor: Actor, sha256: str) -> Verification:
    """Whether this organization's reports have had this hash; expired ones count."""
    actor.require(Permission.REPORTS_READ)
    found = await queries.find_by_hash(session, actor.organization_id, sha256.lower())
    return Verification(sha256.lower(), found)


def _refuse_unfinished(scan: Scan, *, allow_partial: bool) -> None:
    if scan.status is ScanStatus.COMPLETED or (allow_partial and scan.status in _ENDED_EARLY):
        return
    hint = ""
    if scan.status in _ENDED_EARLY:
        hint = "; allow_partial=true reports what it saw"
    raise InvalidRequest(
        f"The scan is {scan.status}: a report needs a completed one{hint}",
        code="scan_not_completed",
    )


async def _options(
    session: AsyncSession, actor: Actor, request: ReportRequest
) -> dict[str, Any]:  # Any: a JSON object
    """In the user's language unless another was asked for. Raises InvalidInput."""
    options = request.options
    if not is_locale(options.locale):
        raise InvalidInput(f"locale must be one of {', '.join(LOCALES)}", field="locale")
    if options.title is not None and not 1 <= len(options.title) <= MAX_TITLE:
        raise InvalidInput(f"title must have 1 to {MAX_TITLE} characters", field="title")
    if not request.has_locale:
        user = await session.get_one(User, actor.user_id)
        options = replace(options, locale=user.locale)
    return msgspec.to_builtins(options)


async def _refuse_too_many(session: AsyncSession, actor: Actor) -> None:
    active, recent = await queries.count_active_and_recent(
        session, actor.organization_id, actor.user_id, utcnow() - _MINUTE
    )
    if active >= MAX_ACTIVE:
        raise TooManyRequests(
            f"{MAX_ACTIVE} reports of this organization are being made: wait for one of them",
            retry_after_s=_RETRY_AFTER_S,
            code="too_many_reports",
        )
    if recent >= MAX_PER_MINUTE:
        raise TooManyRequests(
            f"You asked for {MAX_PER_MINUTE} reports within a minute: wait a little",
            retry_after_s=_RETRY_AFTER_S,
            code="too_many_reports",
        )
