"""Scans: start, follow, stop, delete."""

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from rest.conventions import REPEATABLE, TAGGED, ConventionRoute
from rest.dependencies import CurrentActor, Paging, ReadSession, SharedResources, Work, may
from rest.findings import Filter, FindingResponse
from rest.scan_shapes import (
    AssessmentResponse,
    CheckVerdictResponse,
    ConfigSnapshot,
    Facts,
    MatrixLetter,
    SecretResponse,
    ServiceResponse,
)
from rest.schemas import (
    AnyCase,
    ErrorResponse,
    Name,
    PageResponse,
    Request,
    Response,
    Text,
    UtcTime,
    errors,
)
from services import scans
from services.actor import Permission
from services.scanner.profile import Features, ScanType
from services.scanner.result import TargetStatus
from services.scans import (
    Scan,
    ScanFilter,
    ScanQuota,
    ScanRequest,
    ScanResult,
    ScanStatus,
    ScanWait,
)

router = APIRouter(prefix="/scans", tags=["Scans"], route_class=ConventionRoute)

_RUN = [Depends(may(Permission.SCANS_RUN))]
_TOO_MANY: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type
    429: {"model": ErrorResponse, "description": "Too many scans are waiting already"}
}
_DELETE = [Depends(may(Permission.SCANS_DELETE))]


class ScanFeatures(Request):
    port_scan: bool = True
    web_checks: bool = True
    dns_checks: bool = True
    whois_checks: bool = True


class ScanCreateRequest(Request):
    name: Name | None = Field(default=None, description="The date unless given.")
    asset_ids: list[UUID] = Field(min_length=1, max_length=1000)
    scan_type: Annotated[ScanType, AnyCase] = ScanType.FULL
    features: ScanFeatures | None = None
    concurrency: int | None = Field(default=None, ge=1, le=200)
    scan_timeout: int | None = Field(default=None, ge=1, le=120, description="Seconds, per probe.")
    max_hosts: int | None = Field(default=None, ge=0, le=100_000, description="0: no limit.")

    def scan_request(self) -> ScanRequest:
        return ScanRequest(
            asset_ids=self.asset_ids,
            name=self.name,
            scan_type=self.scan_type,
            features=Features(**self.features.model_dump()) if self.features else None,
            concurrency=self.concurrency,
            scan_timeout_s=self.scan_timeout,
            max_hosts=self.max_hosts,
        )


class ScanResponse(Response):
    id: UUID
    organization_id: UUID
    created_by: UUID | None
    name: str
    status: ScanStatus
    scan_type: ScanType
    config_snapshot: ConfigSnapshot
    total_score: int | None
    hosts_scanned: int
    hosts_alive: int
    findings_critical: int
    findings_high: int
    findings_medium: int
    findings_low: int
    started_at: UtcTime | None
    completed_at: UtcTime | None
    duration_seconds: float | None
    compliance_matrix: dict[str, MatrixLetter] | None = Field(
        description="Keys art21_a to art21_j."
    )
    executive_summary: str | None
    celery_task_id: str | None = Field(description="The queue's job id.")
    error_message: str | None
    created_at: UtcTime
    updated_at: UtcTime
    task_id: str | None
    waits_for: ScanWait | None = Field(
        description=(
            "What keeps it from going on: running_scans, as many scans of the organization run as"
            " may at once; address, another scan is at the address of one of its targets."
        )
    )
    progress: int = Field(description="Percent.")
    targets_total: int
    targets_done: int
    findings_info: int
    schedule_id: UUID | None
    score_exact: float | None
    score_lower: int | None
    grade: str | None
    scoring_version: str | None
    catalog_version: str | None
    assessment: AssessmentResponse | None
    partial: bool
    error_code: str | None

    @classmethod
    def of(cls, scan: Scan) -> Self:
        fields = {
            name: getattr(scan, name) for name in cls.model_fields if name != "celery_task_id"
        }
        return cls(**fields, celery_task_id=scan.task_id)


class ScanResultResponse(Response):
    id: UUID
    scan_id: UUID
    target: str
    ip: str | None
    is_alive: bool
    open_ports: list[int] | None
    http_info: Facts | None
    tls_info: Facts | None
    dns_info: Facts | None
    mail_info: Facts | None
    legal_info: Facts | None = None
    resilience_info: Facts | None = None
    whois_info: Facts | None
    ssh_info: Facts | None
    secrets_found: list[SecretResponse] | None
    services: list[ServiceResponse] | None
    errors: list[str] | None
    status: TargetStatus
    reason: str
    checks: list[CheckVerdictResponse]
    duration_ms: int
    created_at: UtcTime

    @classmethod
    def of(cls, result: ScanResult) -> Self:
        return cls.model_validate(result)


def _filter(
    status: Annotated[
        list[Annotated[ScanStatus, AnyCase]] | None, Query(description="Repeatable.")
    ] = None,
    created_from: Annotated[AwareDatetime | None, Query(description="Inclusive.")] = None,
    created_to: Annotated[AwareDatetime | None, Query(description="Inclusive.")] = None,
    asset_id: Annotated[UUID | None, Query(description="Scans that asked for this asset.")] = None,
    schedule_id: Annotated[UUID | None, Query()] = None,
    q: Annotated[Text | None, Query(max_length=200, description="Part of the name.")] = None,
) -> ScanFilter:
    return ScanFilter(
        statuses=tuple(status or ()),
        created_from=created_from,
        created_to=created_to,
        asset_id=asset_id,
        schedule_id=schedule_id,
        search=q,
    )


@router.get("", responses=errors(400, 401))
async def list_scans(
    session: ReadSession,
    actor: CurrentActor,
    paging: Paging,
    filter_: Annotated[ScanFilter, Depends(_filter)],
    sort: Annotated[
        Text | None,
        Query(
            max_length=200,
            description="created_at, total_score, name; comma-separated, `-` for descending.",
        ),
    ] = None,
) -> PageResponse[ScanResponse]:
    """Scans, newest first unless sorted."""
    page = await scans.list_scans(session, actor, filter_, paging, sort)
    return PageResponse[ScanResponse].of(page, ScanResponse.of)


@router.post(
    "",
    status_code=201,
    dependencies=[*_RUN, REPEATABLE],
    responses={**errors(400, 401, 403), **_TOO_MANY},
)
async def create_scan(
    work: Work, actor: CurrentActor, resources: SharedResources, body: ScanCreateRequest
) -> ScanResponse:
    """Create and queue a scan.

    An organization has so many scans running at once, and so many waiting, as the operator allows;
    those that wait begin by themselves, the ones a person asked for before those of a schedule.
    """
    quota = ScanQuota.of(resources.settings)
    return ScanResponse.of(await scans.create_scan(work, actor, body.scan_request(), quota))


@router.get("/{scan_id}", dependencies=[TAGGED], responses=errors(401, 404))
async def get_scan(session: ReadSession, actor: CurrentActor, scan_id: UUID) -> ScanResponse:
    """One scan with its progress, score and matrix."""
    return ScanResponse.of(await scans.get_scan(session, actor, scan_id))


@router.delete("/{scan_id}", status_code=204, dependencies=_DELETE, responses=errors(401, 403, 404))
async def delete_scan(work: Work, actor: CurrentActor, scan_id: UUID) -> None:
    """Delete a scan, its results, reports, and the findings only it saw (admin)."""
    await scans.delete_scan(work, actor, scan_id)


@router.get("/{scan_id}/results", responses=errors(400, 401, 404))
async def list_scan_results(
    session: ReadSession, actor: CurrentActor, scan_id: UUID, paging: Paging
) -> PageResponse[ScanResultResponse]:
    """What each target answered."""
    page = await scans.list_results(session, actor, scan_id, paging)
    return PageResponse[ScanResultResponse].of(page, ScanResultResponse.of)


@router.get("/{scan_id}/findings", responses=errors(400, 401, 404))
async def list_scan_findings(
    session: ReadSession, actor: CurrentActor, scan_id: UUID, paging: Paging, filter_: Filter
) -> PageResponse[FindingResponse]:
    """What this scan saw, worst severity first."""
    page = await scans.list_scan_findings(session, actor, scan_id, filter_, paging)
    return PageResponse[FindingResponse].of(page, FindingResponse.of)


@router.post("/{scan_id}/cancel", dependencies=_RUN, responses=errors(400, 401, 403, 404))
async def cancel_scan(work: Work, actor: CurrentActor, scan_id: UUID) -> ScanResponse:
    """Cancel a pending or running scan; finished targets keep their results."""
    return ScanResponse.of(await scans.cancel_scan(work, actor, scan_id))
