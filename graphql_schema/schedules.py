"""Schedules: scans by the clock."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry

from graphql_schema import inputs
from graphql_schema.assets import AssetType
from graphql_schema.context import Context, Info
from graphql_schema.idempotency import KEY_DESCRIPTION, once
from graphql_schema.ids import Kind, global_id, key_of
from graphql_schema.nodes import Node
from graphql_schema.payloads import Payload, typed_errors
from graphql_schema.scans import ScanFeaturesInput, ScanType
from services import scans, schedules
from services.errors import InvalidInput, NotFound
from services.scanner.profile import Features
from services.scanner.profile import ScanType as ScanDepth
from services.schedules import (
    Overlap,
    PauseReason,
    RunOutcome,
    ScheduleChanges,
    ScheduleRequest,
    ScheduleView,
)

_MAX_NAME = 256
_MAX_ASSETS = 1000
_MAX_ZONE = 64
_MIN_CRON, _MAX_CRON = 5, 100
_CRON = (
    "Minute, hour, day of month, month, weekday; or @hourly, @daily, @weekly, @monthly. At most"
    " once in 15 minutes."
)


@strawberry.type(description="What a custom scan looks at.")
class ScanFeatures:
    port_scan: bool = strawberry.field(description="Open ports.")
    web_checks: bool = strawberry.field(description="Web servers.")
    dns_checks: bool = strawberry.field(description="The DNS.")
    whois_checks: bool = strawberry.field(description="Registration data.")

    @classmethod
    def of(cls, features: Features) -> Self:
        return cls(**asdict(features))


@strawberry.type(name="Schedule", description="When to scan what, by the clock of a time zone.")
class ScheduleType(Node):
    database_id: UUID = strawberry.field(description="What REST calls id.")
    name: str = strawberry.field(description="What people call it.")
    cron_expression: str = strawberry.field(description=_CRON)
    timezone: str = strawberry.field(description="An IANA time zone.")
    scan_type: ScanDepth = strawberry.field(description="How deep its scans look.")
    features: ScanFeatures | None = strawberry.field(description="The switches of a custom scan.")
    overlap: Overlap = strawberry.field(description="What to do while its last scan runs.")
    grace_minutes: int = strawberry.field(description="A run noticed later than this is missed.")
    is_active: bool = strawberry.field(description="Whether it runs by itself.")
    paused_reason: PauseReason | None = strawberry.field(
        description="Why the platform paused it; null when a person did."
    )
    next_run_at: datetime | None = strawberry.field(description="Null while paused.")
    next_runs: list[datetime] = strawberry.field(description="The next five; empty while paused.")
    last_run_at: datetime | None = strawberry.field(description="When it last was due.")
    last_outcome: RunOutcome | None = strawberry.field(description="What became of it then.")
    last_reason: str | None = strawberry.field(description="Why, where no scan was started.")
    created_by: UUID | None = strawberry.field(description="The user who made it.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    asset_keys: strawberry.Private[list[UUID]]
    scan_key: strawberry.Private[UUID | None]

    @strawberry.field(description="What it scans, without the assets that were deleted.")
    async def assets(self, info: Info) -> list[AssetType]:
        views = await info.context.loaders.asset.load_many(self.asset_keys)
        return [AssetType.of(view) for view in views if view is not None]

    @strawberry.field(description="The last scan it started; null when that was deleted.")
    async def last_scan(self, info: Info) -> ScanType | None:
        if self.scan_key is None:
            return None
        row = await info.context.loaders.scan.load(self.scan_key)
        return ScanType.of(row) if row else None

    @classmethod
    def of(cls, view: ScheduleView) -> Self:
        row = view.schedule
        return cls(
            id=global_id(Kind.SCHEDULE, row.id),
            database_id=row.id,
            name=row.name,
            cron_expression=row.cron_expression,
            timezone=row.timezone,
            scan_type=row.scan_type,
            features=ScanFeatures.of(Features(**row.features)) if row.features else None,
            overlap=row.overlap,
            grace_minutes=row.grace_minutes,
            is_active=row.is_active,
            paused_reason=row.paused_reason,
            next_run_at=row.next_run_at,
            next_runs=list(view.next_runs),
            last_run_at=row.last_run_at,
            last_outcome=row.last_outcome,
            last_reason=row.last_reason,
            created_by=row.created_by,
            created_at=row.created_at,
            updated_at=row.updated_at,
            asset_keys=list(view.asset_ids),
            scan_key=row.last_scan_id,
        )


@strawberry.type
class ScheduleQuery:
    @strawberry.field(description="All schedules of the active organization, newest first.")
    async def schedules(self, info: Info) -> list[ScheduleType]:
        return [ScheduleType.of(view) for view in await info.context.loaders.schedules()]

    @strawberry.field(description="One schedule; null for an unknown or foreign one.")
    async def schedule(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> ScheduleType | None:
        try:
            key = key_of(Kind.SCHEDULE, id)
        except NotFound:
            return None
        return await find_schedule(info.context, key)


async def find_schedule(context: Context, key: UUID) -> ScheduleType | None:
    """An organization has at most 200 of them: read all at once, and once."""
    views = await context.loaders.schedules()
    found = next((view for view in views if view.schedule.id == key), None)
    return ScheduleType.of(found) if found else None


@strawberry.input(description="What to scan and when.")
class CreateScheduleInput:
    name: str = strawberry.field(description="1 to 256 characters.")
    cron_expression: str = strawberry.field(description=_CRON)
    asset_ids: list[strawberry.ID] = strawberry.field(description="1 to 1000 usable assets.")
    scan_type: ScanDepth = strawberry.field(description="How deep to look.", default=ScanDepth.FULL)
    features: ScanFeaturesInput | None = strawberry.field(
        description="For a custom scan; all on unless given.", default=None
    )
    is_active: bool = strawberry.field(description="Whether it runs by itself.", default=True)
    timezone: str | None = strawberry.field(
        description="An IANA time zone; the organization's unless given, else UTC.", default=None
    )
    overlap: Overlap = strawberry.field(
        description="What to do while its last scan runs.", default=Overlap.SKIP
    )

    def schedule_request(self) -> ScheduleRequest:
        """Raises InvalidInput, and NotFound for the id of something else."""
        return ScheduleRequest(
            name=inputs.text(self.name, "name", at_least=1, at_most=_MAX_NAME),
            cron_expression=_cron(self.cron_expression),
            asset_ids=_asset_keys(self.asset_ids),
            scan_type=self.scan_type,
            features=self.features.features() if self.features else None,
            is_active=self.is_active,
            timezone=inputs.optional_text(self.timezone, "timezone", at_least=1, at_most=_MAX_ZONE),
            overlap=self.overlap,
        )


@strawberry.input(description="What to change; fields that are left out stay as they are.")
class UpdateScheduleInput:
    id: strawberry.ID = strawberry.field(description="The schedule.")
    name: strawberry.Maybe[str] = strawberry.field(description="Its new name.", default=None)
    cron_expression: strawberry.Maybe[str] = strawberry.field(
        description="Counts from now.", default=None
    )
    asset_ids: strawberry.Maybe[list[strawberry.ID]] = strawberry.field(
        description="All of its assets.", default=None
    )
    scan_type: strawberry.Maybe[ScanDepth] = strawberry.field(
        description="How deep to look.", default=None
    )
    features: strawberry.Maybe[ScanFeaturesInput | None] = strawberry.field(
        description="For a custom scan; null for all on.", default=None
    )
    is_active: strawberry.Maybe[bool] = strawberry.field(
        description="Pause it or go on.", default=None
    )
    timezone: strawberry.Maybe[str] = strawberry.field(
        description="An IANA time zone.", default=None
    )
    overlap: strawberry.Maybe[Overlap] = strawberry.field(
        description="What to do while its last scan runs.", default=None
    )

    def changes(self) -> ScheduleChanges:
        """Only the fields that were given. Raises InvalidInput, NotFound."""
        columns = ("name", "cron_expression", "scan_type", "is_active", "timezone", "overlap")
        given: dict[str, Any] = {  # Any: column values
            column: maybe.value
            for column in columns
            if (maybe := getattr(self, column)) is not None
        }
        if "name" in given:
            given["name"] = inputs.text(given["name"], "name", at_least=1, at_most=_MAX_NAME)
        if "cron_expression" in given:
            given["cron_expression"] = _cron(given["cron_expression"])
        if "timezone" in given:
            inputs.text(given["timezone"], "timezone", at_least=1, at_most=_MAX_ZONE)
        if self.features is not None:
            features = self.features.value
            given["features"] = asdict(features.features()) if features else None
        keys = _asset_keys(self.asset_ids.value) if self.asset_ids else None
        return ScheduleChanges(asset_ids=keys, values=given)


@strawberry.input(description="Which schedule to delete.")
class DeleteScheduleInput:
    id: strawberry.ID = strawberry.field(description="The schedule.")


@strawberry.input(description="Which schedule to run.")
class RunScheduleInput:
    id: strawberry.ID = strawberry.field(description="The schedule.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)


@strawberry.type(description="What createSchedule answers.")
class CreateSchedulePayload(Payload):
    schedule: ScheduleType | None = strawberry.field(description="The new schedule.", default=None)


@strawberry.type(description="What updateSchedule answers.")
class UpdateSchedulePayload(Payload):
    schedule: ScheduleType | None = strawberry.field(
        description="The schedule as it is now.", default=None
    )


@strawberry.type(description="What deleteSchedule answers.")
class DeleteSchedulePayload(Payload):
    deleted_schedule_id: strawberry.ID | None = strawberry.field(
        description="The id that is gone.", default=None
    )


@strawberry.type(description="What runSchedule answers.")
class RunSchedulePayload(Payload):
    scan: ScanType | None = strawberry.field(description="The scan it started.", default=None)


@strawberry.type
class ScheduleMutation:
    @strawberry.mutation(description="Scan assets by a cron expression.")
    @typed_errors
    async def create_schedule(
        self,
        info: Info,
        input: Annotated[CreateScheduleInput, strawberry.argument(description="What and when.")],
    ) -> CreateSchedulePayload:
        async with info.context.write() as work:
            view = await schedules.create_schedule(
                work, info.context.actor, input.schedule_request()
            )
        return CreateSchedulePayload(schedule=ScheduleType.of(view))

    @strawberry.mutation(description="Change, pause or resume a schedule.")
    @typed_errors
    async def update_schedule(
        self,
        info: Info,
        input: Annotated[UpdateScheduleInput, strawberry.argument(description="What to change.")],
    ) -> UpdateSchedulePayload:
        async with info.context.write() as work:
            view = await schedules.update_schedule(
                work, info.context.actor, key_of(Kind.SCHEDULE, input.id), input.changes()
            )
        return UpdateSchedulePayload(schedule=ScheduleType.of(view))

    @strawberry.mutation(description="Delete a schedule; its scans stay.")
    @typed_errors
    async def delete_schedule(
        self,
        info: Info,
        input: Annotated[DeleteScheduleInput, strawberry.argument(description="Which.")],
    ) -> DeleteSchedulePayload:
        key = key_of(Kind.SCHEDULE, input.id)
        async with info.context.write() as work:
            await schedules.delete_schedule(work, info.context.actor, key)
        return DeleteSchedulePayload(deleted_schedule_id=global_id(Kind.SCHEDULE, key))

    @strawberry.mutation(
        description="Start the schedule's scan now, also while it is paused; its next run stays."
    )
    @typed_errors
    async def run_schedule(
        self,
        info: Info,
        input: Annotated[RunScheduleInput, strawberry.argument(description="Which.")],
    ) -> RunSchedulePayload:
        context, actor = info.context, info.context.actor
        async with context.write() as work:
            scan = await once(
                work,
                actor,
                input,
                make=lambda: schedules.run_schedule(
                    work,
                    actor,
                    key_of(Kind.SCHEDULE, input.id),
                    scans.ScanQuota.of(context.resources.settings),
                    is_limited=context.resources.settings.rate_limits == "on",
                ),
                find=lambda key: scans.get_scan(work.session, actor, key),
                key=lambda scan: scan.id,
            )
        return RunSchedulePayload(scan=ScanType.of(scan))


def _cron(text: str) -> str:
    return inputs.text(text, "cron_expression", at_least=_MIN_CRON, at_most=_MAX_CRON)


def _asset_keys(ids: list[strawberry.ID]) -> list[UUID]:
    if not ids:
        raise InvalidInput("asset_ids must hold 1 to 1000 ids", field="asset_ids")
    return [
        key_of(Kind.ASSET, each) for each in inputs.items(ids, "asset_ids", at_most=_MAX_ASSETS)
    ]
