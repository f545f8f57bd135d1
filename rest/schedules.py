"""Schedules: scans by the clock."""

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints

from rest.conventions import REPEATABLE, ConventionRoute
from rest.dependencies import CurrentActor, ReadSession, SharedResources, Work, may
from rest.scans import ScanFeatures
from rest.schemas import (
    AnyCase,
    ErrorResponse,
    Name,
    PatchRequest,
    Request,
    Response,
    Text,
    UtcTime,
    errors,
)
from services import schedules
from services.actor import Permission
from services.errors import InvalidInput
from services.scanner.profile import Features, ScanType
from services.scans import Scan, ScanQuota
from services.schedules import (
    Overlap,
    PauseReason,
    RunOutcome,
    ScheduleChanges,
    ScheduleRequest,
    ScheduleView,
)

router = APIRouter(prefix="/schedules", tags=["Schedules"], route_class=ConventionRoute)

_WRITE = [Depends(may(Permission.SCHEDULES_WRITE))]
_TOO_SOON: dict[int | str, dict[str, Any]] = {  # Any: FastAPI's own type
    429: {
        "model": ErrorResponse,
        "description": "Started less than a minute ago, or too many scans are waiting already",
    }
}
_NULLABLE = ("features",)
CronText = Annotated[
    Text,
    StringConstraints(min_length=5, max_length=100),
    Field(
        description=(
            "Minute, hour, day of month, month, weekday; or @hourly, @daily, @weekly, @monthly."
            " Lists, ranges, steps and English names of three letters; at most once in 15 minutes."
        ),
        examples=["30 2 * * MON-FRI"],
    ),
]
Zone = Annotated[
    Text,
    StringConstraints(min_length=1, max_length=64),
    Field(description="IANA time zone.", examples=["Europe/Rome"]),
]
AssetIds = Annotated[list[UUID], Field(min_length=1, max_length=1000)]
Type = Annotated[ScanType, AnyCase]
Policy = Annotated[
    Overlap,
    AnyCase,
    Field(description="What to do while the schedule's last scan has not ended."),
]


class ScheduleCreateRequest(Request):
    name: Name
    cron_expression: CronText
    asset_ids: AssetIds
    scan_type: Type = ScanType.FULL
    features: ScanFeatures | None = None
    is_active: bool = True
    timezone: Zone | None = Field(
        default=None, description="IANA time zone; the organization's unless given, else UTC."
    )
    overlap: Policy = Overlap.SKIP

    def schedule_request(self) -> ScheduleRequest:
        return ScheduleRequest(
            name=self.name,
            cron_expression=self.cron_expression,
            asset_ids=self.asset_ids,
            scan_type=self.scan_type,
            features=Features(**self.features.model_dump()) if self.features else None,
            is_active=self.is_active,
            timezone=self.timezone,
            overlap=self.overlap,
        )


class ScheduleUpdateRequest(PatchRequest):
    name: Name | None = None
    cron_expression: CronText | None = None
    asset_ids: AssetIds | None = None
    scan_type: Type | None = None
    features: ScanFeatures | None = None
    is_active: bool | None = None
    timezone: Zone | None = None
    overlap: Policy | None = None

    def schedule_changes(self) -> ScheduleChanges:
        """Raises InvalidInput for a null where there must be a value."""
        given = self.changes()
        for field, value in given.items():
            if value is None and field not in _NULLABLE:
                raise InvalidInput(f"{field} may not be null", field=field)
        if self.features is not None:
            given["features"] = self.features.model_dump()
        return ScheduleChanges(asset_ids=given.pop("asset_ids", None), values=given)


class ScheduleConfig(Response):
    """What a run of the schedule scans."""

    asset_ids: list[UUID]
    scan_type: ScanType
    features: ScanFeatures | None


class ScheduleResponse(Response):
    id: UUID
    name: str
    cron_expression: str
    config: ScheduleConfig
    is_active: bool
    last_run_at: UtcTime | None
    next_run_at: UtcTime | None = Field(description="Null while paused.")
    created_at: UtcTime
    updated_at: UtcTime
    created_by: UUID | None
    timezone: str
    overlap: Overlap
    grace_minutes: int = Field(description="A run noticed later than this is missed.")
    next_runs: list[UtcTime] = Field(description="The next five; empty while paused.")
    last_scan_id: UUID | None
    last_outcome: RunOutcome | None
    last_reason: str | None
    paused_reason: PauseReason | None = Field(description="Why the platform paused it.")

    @classmethod
    def of(cls, view: ScheduleView) -> Self:
        schedule = view.schedule
        fields = {
            name: getattr(schedule, name)
            for name in cls.model_fields
            if name not in ("config", "next_runs")
        }
        features = schedule.features
        config = ScheduleConfig(
            asset_ids=list(view.asset_ids),
            scan_type=schedule.scan_type,
            features=None if features is None else ScanFeatures(**features),
        )
        return cls(**fields, config=config, next_runs=list(view.next_runs))


class ScheduleRunResponse(Response):
    task_id: str | None
    status: str = "queued"
    schedule_id: UUID
    scan_id: UUID

    @classmethod
    def of(cls, scan: Scan, schedule_id: UUID) -> Self:
        return cls(task_id=scan.task_id, schedule_id=schedule_id, scan_id=scan.id)


@router.get("", responses=errors(401))
async def list_schedules(session: ReadSession, actor: CurrentActor) -> list[ScheduleResponse]:
    """All schedules, newest first."""
    return [ScheduleResponse.of(view) for view in await schedules.list_schedules(session, actor)]


@router.post("", status_code=201, dependencies=_WRITE, responses=errors(400, 401, 403))
async def create_schedule(
    work: Work, actor: CurrentActor, body: ScheduleCreateRequest
) -> ScheduleResponse:
    """Scan assets by a cron expression, read by the clock of a time zone."""
    view = await schedules.create_schedule(work, actor, body.schedule_request())
    return ScheduleResponse.of(view)


@router.patch("/{schedule_id}", dependencies=_WRITE, responses=errors(400, 401, 403, 404))
async def update_schedule(
    work: Work, actor: CurrentActor, schedule_id: UUID, body: ScheduleUpdateRequest
) -> ScheduleResponse:
    """Change, pause or resume a schedule; a new expression counts from now."""
    view = await schedules.update_schedule(work, actor, schedule_id, body.schedule_changes())
    return ScheduleResponse.of(view)


@router.delete(
    "/{schedule_id}", status_code=204, dependencies=_WRITE, responses=errors(401, 403, 404)
)
async def delete_schedule(work: Work, actor: CurrentActor, schedule_id: UUID) -> None:
    """Delete a schedule; its scans stay."""
    await schedules.delete_schedule(work, actor, schedule_id)


@router.post(
    "/{schedule_id}/run",
    status_code=202,
    dependencies=[*_WRITE, REPEATABLE],
    responses={**errors(400, 401, 403, 404), **_TOO_SOON},
)
async def run_schedule(
    work: Work, actor: CurrentActor, resources: SharedResources, schedule_id: UUID
) -> ScheduleRunResponse:
    """Start the schedule's scan now, also while it is paused; its next run stays."""
    is_limited = resources.settings.rate_limits == "on"
    quota = ScanQuota.of(resources.settings)
    scan = await schedules.run_schedule(work, actor, schedule_id, quota, is_limited=is_limited)
    return ScheduleRunResponse.of(scan, schedule_id)
