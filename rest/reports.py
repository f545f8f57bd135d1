"""Reports: ask for one, follow it, fetch it, ask whether a file is genuine."""

import json
from functools import cache
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Query
from fastapi.responses import Response as FileResponse
from fastapi.responses import StreamingResponse
from pydantic import Field, StringConstraints

from rest.conventions import REPEATABLE, TAGGED, ConventionRoute
from rest.dependencies import CurrentActor, ReadSession, SharedResources, Work
from rest.ranges import asked_span
from rest.schemas import AnyCase, ErrorResponse, Request, Response, Text, UtcTime, errors
from services import reports
from services.errors import InvalidInput, NotFound
from services.reports import (
    REPORT_FORMATS,
    REPORT_SCHEMA_FILE,
    Paper,
    Report,
    ReportFormat,
    ReportOptions,
    ReportRequest,
    ReportStatus,
    ReportTicket,
    Template,
    Verification,
)
from services.translations import DEFAULT_LOCALE

router = APIRouter(prefix="/reports", tags=["Reports"], route_class=ConventionRoute)

Format = Annotated[ReportFormat, AnyCase]
Locale = Annotated[Literal["en", "it", "de", "fr", "es"], AnyCase]
Title = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=160)]
# Said to be a UUID, and not held to it: whatever else is asked for is unknown, and so 404.
TaskId = Annotated[str, Path(json_schema_extra={"format": "uuid"})]
Sha256 = Annotated[
    str, Path(pattern="^[0-9a-fA-F]{64}$", description="Of the file, in hexadecimal.")
]
_FILES: dict[str, dict[str, dict[str, str]]] = {
    kind.content_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
    for kind in REPORT_FORMATS.values()
} | {
    "application/json": {"schema": {"type": "object", "description": "The report of format json."}}
}
_TOO_MANY: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type
    429: {
        "model": ErrorResponse,
        "description": "Three reports of the organization are being made, or you asked for ten"
        " within a minute.",
    }
}


class ReportGenerateRequest(Request):
    """The same as the query parameters; those win where both are given."""

    scan_id: UUID | None = None
    format: Format | None = None
    locale: Locale | None = None
    title: Title | None = None
    template: Annotated[Template, AnyCase] | None = None
    paper: Annotated[Paper, AnyCase] | None = None
    include_accepted: bool | None = None
    allow_partial: bool | None = None


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
    progress: int = Field(description="Percent; 100 when it has ended, however.")
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
        return cls(
            task_id=report.id,
            status=report.status,
            format=report.format,
            scan_id=report.scan_id,
            progress=report.progress,
            filename=report.filename,
            content_type=report.content_type,
            size=report.size,
            sha256=report.sha256,
            expires_at=report.expires_at,
            download_url=f"/api/v1/reports/download/{report.id}" if is_done else None,
            error=report.error,
            error_code=report.error_code,
        )


class VerificationResponse(Response):
    sha256: str
    is_genuine: bool = Field(description="Whether this organization's reports have had this hash.")
    made_at: UtcTime | None
    format: ReportFormat | None
    scan_id: UUID | None
    task_id: UUID | None

    @classmethod
    def of(cls, found: Verification) -> Self:
        report = found.report
        return cls(
            sha256=found.sha256,
            is_genuine=report is not None,
            made_at=found.made_at,
            format=report.format if report else None,
            scan_id=report.scan_id if report else None,
            task_id=report.id if report else None,
        )


@router.post(
    "/generate",
    status_code=202,
    dependencies=[REPEATABLE],
    responses={**errors(400, 401, 404), **_TOO_MANY},
)
async def generate_report(
    work: Work,
    actor: CurrentActor,
    resources: SharedResources,
    asked: Annotated[ReportGenerateRequest, Query()],
    body: Annotated[ReportGenerateRequest | None, Body()] = None,
) -> ReportTicketResponse:
    """Queue a report of a completed scan, by query parameters or the same as JSON.

    In your language unless `locale` says otherwise. `template=management` leaves out the list of
    findings; `include_accepted=false` leaves accepted risks and false positives out of it;
    `allow_partial=true` also reports a scan that was cancelled or failed.
    """
    given = (body.model_dump(exclude_none=True) if body else {}) | asked.model_dump(
        exclude_none=True
    )
    if "scan_id" not in given:
        raise InvalidInput(
            "scan_id is needed, as a query parameter or in the body", field="scan_id"
        )
    request = ReportRequest(
        scan_id=given["scan_id"],
        format=given.get("format", ReportFormat.PDF),
        options=ReportOptions(
            locale=given.get("locale", DEFAULT_LOCALE),
            title=given.get("title"),
            template=given.get("template", Template.FULL),
            paper=given.get("paper", Paper.A4),
            include_accepted=given.get("include_accepted", True),
        ),
        has_locale="locale" in given,
        allow_partial=given.get("allow_partial", False),
    )
    is_limited = resources.settings.rate_limits == "on"
    ticket = await reports.generate_report(work, actor, request, is_limited=is_limited)
    return ReportTicketResponse.of(ticket)


@router.get("/schema", responses=errors(401))
async def get_report_schema(_actor: CurrentActor) -> dict[str, Any]:  # Any: a JSON Schema
    """The JSON Schema of reports of format json."""
    return _schema()


@router.get("/verify/{sha256}", responses=errors(401))
async def verify_report(
    session: ReadSession, actor: CurrentActor, sha256: Sha256
) -> VerificationResponse:
    """Whether a file with this SHA-256 was made here, and when; also after it has expired."""
    return VerificationResponse.of(await reports.verify_report(session, actor, sha256))


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
    responses={
        **errors(401, 404),
        200: {"description": "The file.", "content": _FILES},
        206: {"description": "The bytes asked for by `Range`.", "content": _FILES},
        416: {"model": ErrorResponse, "description": "The range lies beyond the end of the file."},
    },
)
async def download_report(
    work: Work,
    actor: CurrentActor,
    resources: SharedResources,
    task_id: TaskId,
    range: Annotated[str | None, Header(description="One range of bytes: `bytes=0-1023`.")] = None,
    if_range: Annotated[
        str | None, Header(description="The ETag that the range belongs to.")
    ] = None,
) -> FileResponse:
    """The file of a finished report, as a stream; with `Range`, a part of it."""
    report = await reports.begin_download(work, actor, _report_id(task_id))
    tag = f'"{report.sha256}"'
    span = asked_span(range, if_range, size=report.size or 0, tag=tag)
    name = report.filename or "report"
    return StreamingResponse(
        reports.stream_report(resources.database, report, span.first, span.last),
        206 if span.is_partial else 200,
        media_type=report.content_type,
        headers={
            **span.headers,
            "Content-Disposition": (
                f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name)}"
            ),
            "Cache-Control": "private, no-store",
            "ETag": tag,
        },
    )


@cache
def _schema() -> dict[str, Any]:  # Any: a JSON Schema
    return json.loads(REPORT_SCHEMA_FILE.read_text(encoding="utf-8"))


def _report_id(task_id: TaskId) -> UUID:
    """Garbage is as unknown as any other id: 404, not an eternal "pending"."""
    try:
        return UUID(task_id)
    except ValueError:
        raise NotFound("report") from None
