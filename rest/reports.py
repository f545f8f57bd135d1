"""Reports: ask for one, follow it, fetch it."""

from typing import Annotated, Literal, Self
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import Response as FileResponse

from rest.conventions import REPEATABLE, TAGGED, ConventionRoute
from rest.dependencies import CurrentActor, ReadSession, Work
from rest.schemas import AnyCase, Request, Response, UtcTime, errors
from services import reports
from services.errors import InvalidInput, NotFound
from services.reports import REPORT_FORMATS, Report, ReportFormat, ReportStatus, ReportTicket

router = APIRouter(prefix="/reports", tags=["Reports"], route_class=ConventionRoute)

Format = Annotated[ReportFormat, AnyCase]
# Said to be a UUID, and not held to it: whatever else is asked for is unknown, and so 404.
TaskId = Annotated[str, Path(json_schema_extra={"format": "uuid"})]
_FILES: dict[str, dict[str, dict[str, str]]] = {
    kind.content_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
    for kind in REPORT_FORMATS.values()
} | {
    "application/json": {"schema": {"type": "object", "description": "The report of format json."}}
}


class ReportGenerateRequest(Request):
    scan_id: UUID | None = None
    format: Format | None = None


class ReportTicketResponse(Response):
    task_id: UUID
    status: Literal["queued"] = "queued"
    format: ReportFormat
    scan_id: UUID
    deduplicated: bool

    @classmethod
    def of(cls, ticket: ReportTicket) -> Self:
        return cls(
            task_id=ticket.report.id,
            format=ticket.report.format,
            scan_id=ticket.report.scan_id,
            deduplicated=ticket.is_deduplicated,
        )


class ReportStatusResponse(Response):
    task_id: UUID
    status: ReportStatus
    format: ReportFormat
    scan_id: UUID
    progress: int
    filename: str | None
    content_type: str | None
    size: int | None
    sha256: str | None
    expires_at: UtcTime | None
    download_url: str | None
    error: str | None
    error_code: str | None

    @classmethod
    def of(cls, report: Report) -> Self:
        is_done = report.status is ReportStatus.SUCCESS
        progress = {ReportStatus.PENDING: 0, ReportStatus.STARTED: 50}.get(report.status, 100)
        return cls(
            task_id=report.id,
            status=report.status,
            format=report.format,
            scan_id=report.scan_id,
            progress=progress,
            filename=report.filename,
            content_type=report.content_type,
            size=report.size,
            sha256=report.sha256,
            expires_at=report.expires_at,
            download_url=f"/api/v1/reports/download/{report.id}" if is_done else None,
            error=report.error,
            error_code=report.error_code,
        )


@router.post(
    "/generate", status_code=202, dependencies=[REPEATABLE], responses=errors(400, 401, 404)
)
async def generate_report(
    work: Work,
    actor: CurrentActor,
    scan_id: Annotated[UUID | None, Query()] = None,
    format: Annotated[Format | None, Query()] = None,
    body: Annotated[ReportGenerateRequest | None, Body()] = None,
) -> ReportTicketResponse:
    """Queue a report of a completed scan; scan_id and format as query parameters or JSON."""
    wanted = scan_id or (body.scan_id if body else None)
    if wanted is None:
        raise InvalidInput(
            "scan_id is needed, as a query parameter or in the body", field="scan_id"
        )
    chosen = format or (body.format if body else None) or ReportFormat.PDF
    return ReportTicketResponse.of(await reports.generate_report(work, actor, wanted, chosen))


@router.get("/status/{task_id}", dependencies=[TAGGED], responses=errors(401, 404))
async def get_report_status(
    session: ReadSession, actor: CurrentActor, task_id: TaskId
) -> ReportStatusResponse:
    """How far a report is."""
    return ReportStatusResponse.of(await reports.get_report(session, actor, _report_id(task_id)))


@router.get(
    "/download/{task_id}",
    response_class=FileResponse,
    dependencies=[TAGGED],
    responses={**errors(401, 404), 200: {"description": "The file.", "content": _FILES}},
)
async def download_report(
    session: ReadSession, actor: CurrentActor, task_id: TaskId
) -> FileResponse:
    """The file of a finished report."""
    download = await reports.download_report(session, actor, _report_id(task_id))
    name = download.report.filename or "report"
    return FileResponse(
        download.content,
        media_type=download.report.content_type,
        headers={
            "Content-Disposition": (
                f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name)}"
            ),
            "Cache-Control": "private, no-store",
            "ETag": f'"{download.report.sha256}"',
        },
    )


def _report_id(task_id: TaskId) -> UUID:
    """Garbage is as unknown as any other id: 404, not an eternal "pending"."""
    try:
        return UUID(task_id)
    except ValueError:
        raise NotFound("report") from None
