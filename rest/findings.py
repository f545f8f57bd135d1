"""Findings: list, look at, move through their life, count."""

from dataclasses import replace
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from rest.conventions import TAGGED, ConventionRoute, Guard
from rest.dependencies import CurrentActor, Paging, ReadSession, Work, may
from rest.schemas import (
    AnyCase,
    PageResponse,
    PatchRequest,
    Request,
    Response,
    Text,
    UtcTime,
    errors,
)
from services import findings
from services.actor import Permission
from services.findings import (
    Finding,
    FindingFilter,
    FindingFlag,
    FindingStats,
    FindingStatus,
    FindingView,
    Resolution,
)
from services.scanner.check import Severity

router = APIRouter(prefix="/findings", tags=["Findings"], route_class=ConventionRoute)

_WRITE = [Depends(may(Permission.FINDINGS_WRITE))]
SeverityValue = Annotated[Severity, AnyCase]
StatusValue = Annotated[FindingStatus, AnyCase]
Letter = Annotated[Text, StringConstraints(pattern="^[a-j]$")]


class FindingUpdateRequest(PatchRequest):
    status: StatusValue | None = None
    assigned_to: UUID | None = None
    resolution_note: Annotated[Text, StringConstraints(max_length=10_000)] | None = None
    due_at: AwareDatetime | None = None
    accepted_until: AwareDatetime | None = Field(
        default=None, description="Of an accepted risk; 180 days from now unless given."
    )


class FindingBulkUpdateRequest(Request):
    """The same change for many findings; all of them or none."""

    finding_ids: list[UUID] = Field(
        min_length=1, max_length=findings.MAX_BULK, description="Named twice counts once."
    )
    status: StatusValue
    resolution_note: Annotated[Text, StringConstraints(max_length=10_000)] | None = Field(
        default=None, description="Overwrites the note of each finding only when given."
    )


class FindingBulkUpdateResponse(Response):
    updated: int
    total_requested: int = Field(description="updated + unchanged + the ids not found.")
    unchanged: int = Field(description="Findings that were as asked for already.")
    not_found: list[UUID] = Field(description="Ids of no finding of this organization.")


class FindingResponse(Response):
    id: UUID
    scan_id: UUID | None
    scan_result_id: UUID | None
    organization_id: UUID
    severity: Severity
    category: str
    title: str
    message: str
    rationale: str | None
    target: str
    reference: str | None
    cvss_base_score: float | None
    cvss_vector: str | None
    technical_detail: str | None
    remediation: str | None
    remediation_cost: str | None = None
    remediation_effort: str | None = None
    compliance_article: str | None
    status: FindingStatus
    assigned_to: UUID | None
    resolved_at: UtcTime | None
    resolution: Resolution | None = Field(description="Why it counts as resolved.")
    resolution_note: str | None
    fingerprint: str
    first_seen_at: UtcTime
    last_seen_at: UtcTime
    occurrences: int
    created_at: UtcTime
    updated_at: UtcTime
    scan_name: str | None
    check_id: str
    annex_point: str | None
    asset_id: UUID | None
    port: int | None
    protocol: str | None
    evidence: dict[str, JsonValue] = Field(description="Its keys are the check's.")
    due_at: UtcTime | None
    accepted_until: UtcTime | None
    accepted_by: UUID | None = Field(description="Who accepted the risk.")
    opened_at: UtcTime = Field(description="First seen, or back since: the clock of due_at.")
    reopened_count: int
    flags: list[FindingFlag] = Field(description="What to know before trusting its state.")

    @classmethod
    def of(cls, view: FindingView) -> Self:
        row = view.finding
        return cls(
            id=row.id,
            scan_id=view.scan_id,
            scan_result_id=view.scan_result_id,
            organization_id=row.organization_id,
            severity=view.severity,
            category=row.category,
            title=view.title,
            message=view.message,
            rationale=view.rationale,
            target=view.target,
            reference=view.reference,
            cvss_base_score=view.cvss_base_score,
            cvss_vector=view.cvss_vector,
            technical_detail=view.technical_detail,
            remediation=view.remediation,
            compliance_article=view.compliance_article,
            status=view.status,
            assigned_to=row.assigned_to,
            resolved_at=row.resolved_at,
            resolution=row.resolution,
            resolution_note=row.resolution_note,
            fingerprint=view.fingerprint,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            occurrences=row.occurrences,
            created_at=row.created_at,
            updated_at=row.updated_at,
            scan_name=view.scan_name,
            check_id=row.check_id,
            annex_point=view.annex_point,
            asset_id=row.asset_id,
            port=row.port,
            protocol=row.protocol,
            evidence=dict(view.evidence),
            due_at=row.due_at,
            accepted_until=row.accepted_until,
            accepted_by=row.accepted_by,
            opened_at=row.opened_at,
            reopened_count=row.reopened_count,
            flags=view.flags,
        )


class AssetCountResponse(Response):
    asset_id: UUID
    unresolved: int


class FindingStatsResponse(Response):
    """Each problem once, those of deleted assets left out; flat counts are over all statuses."""

    total: int
    critical: int
    high: int
    medium: int
    low: int
    info: int
    open: int
    acknowledged: int
    in_progress: int
    resolved: int
    accepted_risk: int
    false_positive: int
    by_severity: dict[Severity, int]
    by_status: dict[FindingStatus, int]
    matrix: dict[Severity, dict[FindingStatus, int]]
    by_category: dict[str, int]
    by_letter: dict[str, int] = Field(description="Of Article 21(2), a to j.")
    by_asset: list[AssetCountResponse] = Field(
        description="The 20 assets with most unresolved findings, most first."
    )
    overdue: int = Field(description="Unresolved past the due date, as of now.")
    overdue_by_severity: dict[Severity, int]

    @classmethod
    def of(cls, stats: FindingStats) -> Self:
        flat = {severity.value: count for severity, count in stats.by_severity.items()}
        flat |= {status.value: count for status, count in stats.by_status.items()}
        return cls(
            **flat,
            total=stats.total,
            by_severity=stats.by_severity,
            by_status=stats.by_status,
            matrix={severity: dict(row) for severity, row in stats.matrix.items()},
            by_category=dict(stats.by_category),
            by_letter=dict(stats.by_letter),
            by_asset=[
                AssetCountResponse(asset_id=asset_id, unresolved=count)
                for asset_id, count in stats.by_asset.items()
            ],
            overdue=sum(stats.overdue.values()),
            overdue_by_severity=dict(stats.overdue),
        )


def _about(
    severity: Annotated[list[SeverityValue] | None, Query(description="Repeatable.")] = None,
    status: Annotated[list[StatusValue] | None, Query(description="Repeatable.")] = None,
    category: Annotated[list[Text] | None, Query(description="Repeatable.")] = None,
    check_id: Annotated[list[Text] | None, Query(description="Repeatable.")] = None,
    letter: Annotated[
        list[Letter] | None, Query(description="Of Article 21(2); repeatable.")
    ] = None,
    point: Annotated[
        list[Text] | None,
        Query(description="Of the annex of Regulation (EU) 2024/2690, as 9.2; repeatable."),
    ] = None,
    q: Annotated[Text | None, Query(max_length=200, description="Part of message or host.")] = None,
) -> FindingFilter:
    return FindingFilter(
        severities=tuple(severity or ()),
        statuses=tuple(status or ()),
        categories=tuple(value.lower() for value in category or ()),
        check_ids=tuple(check_id or ()),
        letters=tuple(letter or ()),
        points=tuple(point or ()),
        search=q,
    )


def _in_state(
    about: Annotated[FindingFilter, Depends(_about)],
    assigned_to: Annotated[UUID | None, Query()] = None,
    overdue: Annotated[bool | None, Query(description="Unresolved past the due date.")] = None,
    needs_review: Annotated[
        bool | None, Query(description="False positives that look different since.")
    ] = None,
    first_seen_from: Annotated[AwareDatetime | None, Query(description="Inclusive.")] = None,
    first_seen_to: Annotated[AwareDatetime | None, Query(description="Inclusive.")] = None,
) -> FindingFilter:
    return replace(
        about,
        assigned_to=assigned_to,
        is_overdue=overdue,
        needs_review=needs_review,
        first_seen_from=first_seen_from,
        first_seen_to=first_seen_to,
    )


FilterOfAsset = Annotated[FindingFilter, Depends(_in_state)]
"""Where the path names the asset."""


def _filter(
    others: FilterOfAsset, asset_id: Annotated[UUID | None, Query()] = None
) -> FindingFilter:
    return replace(others, asset_id=asset_id)


Filter = Annotated[FindingFilter, Depends(_filter)]
Sorting = Annotated[
    Text | None,
    Query(
        max_length=200,
        description="severity, first_seen_at, last_seen_at, created_at, due_at; comma-separated,"
        " `-` for descending: `-severity` begins with critical.",
    ),
]


@router.get("", responses=errors(400, 401))
async def list_findings(
    session: ReadSession,
    actor: CurrentActor,
    paging: Paging,
    filter_: Filter,
    sort: Sorting = None,
    scan_id: Annotated[UUID | None, Query(description="Seen by this scan.")] = None,
) -> PageResponse[FindingResponse]:
    """All findings, newest first unless sorted."""
    filter_ = replace(filter_, scan_id=scan_id)
    page = await findings.list_findings(session, actor, filter_, paging, sort)
    return PageResponse[FindingResponse].of(page, FindingResponse.of)


@router.get("/stats", responses=errors(401))
async def finding_stats(
    session: ReadSession, actor: CurrentActor, filter_: Filter
) -> FindingStatsResponse:
    """Counts by severity and status."""
    return FindingStatsResponse.of(await findings.finding_stats(session, actor, filter_))


@router.post("/bulk-update", dependencies=_WRITE, responses=errors(400, 401, 403))
async def bulk_update_findings(
    work: Work, actor: CurrentActor, body: FindingBulkUpdateRequest
) -> FindingBulkUpdateResponse:
    """Change status and note of up to 1,000 findings at once; unknown ids are given back."""
    outcome = await findings.bulk_update_findings(
        work,
        actor,
        body.finding_ids,
        status=body.status,
        resolution_note=body.resolution_note,
    )
    return FindingBulkUpdateResponse.model_validate(outcome)


@router.get("/{finding_id}", dependencies=[TAGGED], responses=errors(401, 404))
async def get_finding(
    session: ReadSession, actor: CurrentActor, finding_id: UUID
) -> FindingResponse:
    """One finding."""
    return FindingResponse.of(await findings.get_finding(session, actor, finding_id))


@router.patch("/{finding_id}", dependencies=_WRITE, responses=errors(400, 401, 403, 404))
async def update_finding(
    work: Work, actor: CurrentActor, finding_id: UUID, body: FindingUpdateRequest, guard: Guard
) -> FindingResponse:
    """Change status, assignee, note or dates."""

    async def read() -> FindingResponse:
        return FindingResponse.of(await findings.get_finding(work.session, actor, finding_id))

    await guard.require(work, actor, Finding, finding_id, read)
    view = await findings.update_finding(work, actor, finding_id, body.changes())
    return FindingResponse.of(view)
