"""Reports: ask for one and follow it; the file itself is fetched by REST."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

import strawberry

from graphql_schema.context import Info
from graphql_schema.idempotency import KEY_DESCRIPTION, once
from graphql_schema.ids import Kind, global_id, key_of
from graphql_schema.nodes import Node
from graphql_schema.payloads import Payload, typed_errors
from graphql_schema.scans import ScanType
from services import reports
from services.errors import NotFound
from services.reports import (
    Paper,
    Report,
    ReportFormat,
    ReportOptions,
    ReportRequest,
    ReportStatus,
    ReportTicket,
    Template,
)
from services.translations import DEFAULT_LOCALE


@strawberry.type(name="Report", description="A report of one scan.")
class ReportType(Node):
    database_id: UUID = strawberry.field(description="What REST calls task_id.")
    format: ReportFormat = strawberry.field(description="The file it comes as.")
    status: ReportStatus = strawberry.field(description="How far it is.")
    progress: int = strawberry.field(description="Percent; 100 when it has ended, however.")
    filename: str | None = strawberry.field(description="The file's name, when it is made.")
    content_type: str | None = strawberry.field(description="The file's media type.")
    size_bytes: int | None = strawberry.field(description="The file's size.")
    sha256: str | None = strawberry.field(description="The file's SHA-256, in hex.")
    download_url: str | None = strawberry.field(
        description="Where to fetch the file with the same bearer token; null until it is made."
    )
    expires_at: datetime | None = strawberry.field(description="When the file is deleted.")
    error_code: str | None = strawberry.field(description="Why it failed, for programs.")
    error_message: str | None = strawberry.field(description="Why it failed.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    scan_key: strawberry.Private[UUID]

    @strawberry.field(description="The scan it is about; null when that was deleted.")
    async def scan(self, info: Info) -> ScanType | None:
        row = await info.context.loaders.scan.load(self.scan_key)
        return ScanType.of(row) if row else None

    @classmethod
    def of(cls, row: Report) -> Self:
        is_made = row.status is ReportStatus.SUCCESS
        return cls(
            id=global_id(Kind.REPORT, row.id),
            database_id=row.id,
            format=row.format,
            status=row.status,
            progress=row.progress,
            filename=row.filename,
            content_type=row.content_type,
            size_bytes=row.size,
            sha256=row.sha256,
            download_url=f"/api/v1/reports/download/{row.id}" if is_made else None,
            expires_at=row.expires_at,
            error_code=row.error_code,
            error_message=row.error,
            created_at=row.created_at,
            scan_key=row.scan_id,
        )


@strawberry.type
class ReportQuery:
    @strawberry.field(description="One report; null for an unknown or foreign one.")
    async def report(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> ReportType | None:
        try:
            row = await info.context.loaders.report.load(key_of(Kind.REPORT, id))
        except NotFound:
            return None
        return ReportType.of(row) if row else None

    @strawberry.field(
        description="The report whose file had this SHA-256: null for a file not made here."
    )
    async def verify_report(
        self,
        info: Info,
        sha256: Annotated[str, strawberry.argument(description="Of the file, in hexadecimal.")],
    ) -> ReportType | None:
        async with info.context.read() as session:
            found = await reports.verify_report(session, info.context.actor, sha256)
        return ReportType.of(found.report) if found.report else None


@strawberry.input(description="Which report to make.")
class GenerateReportInput:
    scan_id: strawberry.ID = strawberry.field(description="A completed scan.")
    format: ReportFormat = strawberry.field(
        description="The file it comes as.", default=ReportFormat.PDF
    )
    locale: str | None = strawberry.field(
        description="en, it, de, fr or es; your own language when left out.", default=None
    )
    title: str | None = strawberry.field(
        description="Instead of the scan's name; up to 160 characters.", default=None
    )
    template: Template = strawberry.field(
        description="How much of it people get.", default=Template.FULL
    )
    paper: Paper = strawberry.field(description="Of a PDF.", default=Paper.A4)
    include_accepted: bool = strawberry.field(
        description="Whether accepted risks and false positives stand among the findings.",
        default=True,
    )
    allow_partial: bool = strawberry.field(
        description="Also of a scan that was cancelled or failed.", default=False
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def as_request(self) -> ReportRequest:
        """Raises InvalidInput."""
        return ReportRequest(
            scan_id=key_of(Kind.SCAN, self.scan_id),
            format=self.format,
            options=ReportOptions(
                locale=self.locale or DEFAULT_LOCALE,
                title=self.title,
                template=self.template,
                paper=self.paper,
                include_accepted=self.include_accepted,
            ),
            has_locale=self.locale is not None,
            allow_partial=self.allow_partial,
        )


@strawberry.type(description="What generateReport answers.")
class GenerateReportPayload(Payload):
    report: ReportType | None = strawberry.field(
        description="The report; ask for it again until it is made.", default=None
    )
    is_deduplicated: bool = strawberry.field(
        description="Whether the same report was being made already.", default=False
    )


@strawberry.type
class ReportMutation:
    @strawberry.mutation(description="Queue a report of a completed scan.")
    @typed_errors
    async def generate_report(
        self,
        info: Info,
        input: Annotated[GenerateReportInput, strawberry.argument(description="Which report.")],
    ) -> GenerateReportPayload:
        actor = info.context.actor
        is_limited = info.context.resources.settings.rate_limits == "on"

        async def find(key: UUID) -> ReportTicket:
            report = await reports.get_report(work.session, actor, key)
            return ReportTicket(report, is_deduplicated=True)

        async with info.context.write() as work:
            ticket = await once(
                work,
                actor,
                input,
                make=lambda: reports.generate_report(
                    work, actor, input.as_request(), is_limited=is_limited
                ),
                find=find,
                key=lambda ticket: ticket.report.id,
            )
        return GenerateReportPayload(
            report=ReportType.of(ticket.report), is_deduplicated=ticket.is_deduplicated
        )
