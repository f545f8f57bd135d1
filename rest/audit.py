"""The audit log: read, and taken away."""

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field

from rest.dependencies import (
    CurrentActor,
    Paging,
    ReadSession,
    SharedResources,
    Work,
    may,
)
from rest.schemas import AnyCase, PageResponse, Response, Text, UtcTime, errors
from services import audit
from services.actor import Permission
from services.audit import AuditEntryView, AuditFilter, ExportFormat
from services.database import utcnow

router = APIRouter(
    prefix="/audit-log", tags=["Audit log"], dependencies=[Depends(may(Permission.AUDIT_READ))]
)
_MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSONL: "application/jsonl",
}


class AuditAuthorResponse(Response):
    id: UUID
    full_name: str | None = Field(description="As of now; null once the person is erased.")
    email: str | None


class AuditEntryResponse(Response):
    id: UUID
    sequence: int = Field(description="Its number in the organization's chain, without a gap.")
    at: UtcTime
    user: AuditAuthorResponse | None = Field(description="Null for nobody we know.")
    api_key_id: UUID | None = Field(description="The API key that did it in their place.")
    action: str = Field(examples=["member.role_changed"])
    subject_type: str = Field(examples=["membership"])
    subject_id: UUID | None
    before: dict[str, Any] | None = Field(description="What changed, as it was.")
    after: dict[str, Any] | None = Field(description="What changed, as it is since.")
    request_id: str | None = Field(description="The X-Request-Id of the request that did it.")
    address: str | None = Field(description="The client's address.")
    hash: str = Field(
        description="SHA-256 over the hash before it and this entry; `nis2 audit verify` checks it."
    )

    @classmethod
    def of(cls, view: AuditEntryView) -> Self:
        entry = view.entry
        return cls(
            id=entry.id,
            sequence=entry.sequence,
            at=entry.at,
            user=AuditAuthorResponse(
                id=entry.user_id, full_name=view.user_name, email=view.user_email
            )
            if entry.user_id
            else None,
            api_key_id=entry.api_key_id,
            action=entry.action,
            subject_type=entry.subject_type,
            subject_id=entry.subject_id,
            before=entry.before,
            after=entry.after,
            request_id=entry.request_id,
            address=entry.address,
            hash=entry.hash.hex(),
        )


def get_filter(
    action: Annotated[list[Text] | None, Query(max_length=50, description="Repeatable.")] = None,
    user_id: Annotated[UUID | None, Query(description="Who did it.")] = None,
    subject_id: Annotated[UUID | None, Query(description="What it was done to.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="From this time on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before this time.")] = None,
) -> AuditFilter:
    return AuditFilter(action or (), user_id, subject_id, since, until)


Filter = Annotated[AuditFilter, Depends(get_filter)]


@router.get("", responses=errors(400, 401, 403))
async def list_audit_log(
    session: ReadSession, actor: CurrentActor, filter_: Filter, page: Paging
) -> PageResponse[AuditEntryResponse]:
    """Who did what in the organization, newest first (auditor, admin)."""
    entries = await audit.list_audit_entries(session, actor, filter_, page)
    return PageResponse[AuditEntryResponse].of(entries, AuditEntryResponse.of)


async def _record_export(
    work: Work,
    actor: CurrentActor,
    format: Annotated[ExportFormat, AnyCase, Query()] = ExportFormat.JSONL,
) -> ExportFormat:
    await audit.record_export(work, actor, format)
    return format


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        **errors(401, 403),
        200: {
            "description": "The file.",
            "content": {
                kind.partition(";")[0]: {"schema": {"type": "string"}}
                for kind in _MEDIA_TYPES.values()
            },
        },
    },
)
async def export_audit_log(
    resources: SharedResources,
    actor: CurrentActor,
    filter_: Filter,
    format: Annotated[ExportFormat, Depends(_record_export, scope="function")],
) -> StreamingResponse:
    """The whole log, oldest first, as JSON lines or CSV (auditor, admin); that is logged too."""
    lines = audit.export_audit_log(resources.database, actor, filter_, format)
    name = f"nis2_audit_log_{utcnow():%Y%m%d_%H%M%S}.{format}"
    return StreamingResponse(
        lines,
        media_type=_MEDIA_TYPES[format],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
