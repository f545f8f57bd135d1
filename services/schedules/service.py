"""Use cases of schedules: make one, change it, pause it, run it now."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import organizations
from services.actor import Actor, Permission
from services.database import Change, UnitOfWork, utcnow
from services.errors import InvalidInput, InvalidRequest, NotFound, ServiceError, TooManyRequests
from services.scanner.profile import Features, ScanType
from services.scans import Scan, ScanQuota
from services.schedules import queries
from services.schedules.cron_expression import parse_cron
from services.schedules.models import Overlap, RunReason, Schedule
from services.schedules.run_times import get_zone, next_runs
from services.schedules.starting import start_scan

MAX_ASSETS = 1000
MAX_SCHEDULES = 200
"""Of one organization: the list of them is not paged."""
UPCOMING = 5
RUN_INTERVAL = timedelta(minutes=1)
"""Least time between two runs by hand of one schedule."""
_DEFAULT_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class ScheduleRequest:
    """What to scan and when."""

    name: str
    cron_expression: str
    asset_ids: Sequence[UUID]
    scan_type: ScanType = ScanType.FULL
    features: Features | None = None
    is_active: bool = True
    timezone: str | None = None
    """IANA name; None means the organization's, else UTC."""
    overlap: Overlap = Overlap.SKIP


@dataclass(frozen=True, slots=True)
class ScheduleChanges:
    """The fields a caller gave, and no others; ``values`` holds them by column name."""

    asset_ids: Sequence[UUID] | None = None
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])  # Any: column values

    def __bool__(self) -> bool:
        return bool(self.values) or self.asset_ids is not None


@dataclass(frozen=True, slots=True)
class ScheduleView:
    schedule: Schedule
    asset_ids: Sequence[UUID]
    next_runs: Sequence[datetime]
    """The next five; none while paused."""


async def list_schedules(session: AsyncSession, actor: Actor) -> list[ScheduleView]:
    """Newest first."""
    actor.require(Permission.SCHEDULES_READ)
    rows = await queries.list_schedules(session, actor.organization_id)
    return await _views(session, actor, rows)


async def create_schedule(work: UnitOfWork, actor: Actor, request: ScheduleRequest) -> ScheduleView:
    """A new schedule.

    Raises InvalidCron, InvalidInput for an unknown zone, and InvalidRequest when an asset cannot
    be scanned or the organization has its fill of schedules.
    """
    actor.require(Permission.SCHEDULES_WRITE)
    expression = parse_cron(request.cron_expression)
    zone = request.timezone or await _default_zone(work.session, actor)
    get_zone(zone)
    asset_ids = await _lock_assets(work.session, actor, request.asset_ids)
    if await queries.count_schedules(work.session, actor.organization_id) >= MAX_SCHEDULES:
        raise InvalidRequest(
            f"An organization has at most {MAX_SCHEDULES} schedules", code="too_many_schedules"
        )
    schedule = Schedule(
        organization_id=actor.organization_id,
        created_by=actor.user_id,
        name=request.name,
        cron_expression=expression.text,
        timezone=zone,
        scan_type=request.scan_type,
        features=asdict(request.features) if request.features else None,
        overlap=request.overlap,
        is_active=request.is_active,
    )
    _plan(schedule)
    work.session.add(schedule)
    work.record(actor, "schedule.created", schedule)
    await work.session.flush()
    await queries.replace_assets(work.session, actor.organization_id, schedule.id, asset_ids)
    return ScheduleView(schedule, asset_ids, _upcoming(schedule))


async def update_schedule(
    work: UnitOfWork, actor: Actor, schedule_id: UUID, changes: ScheduleChanges
) -> ScheduleView:
    """Change it; a new expression or zone counts from now, a pause keeps its history.

    Raises NotFound and what ``create_schedule`` raises.
    """
    actor.require(Permission.SCHEDULES_WRITE)
    await _get(work.session, actor, schedule_id)
    if not changes:
        raise InvalidRequest("No field to change was given", code="nothing_to_update")
    # Assets before the schedule, as a deletion of an asset locks them: no deadlock.
    if changes.asset_ids is not None:
        asset_ids = await _lock_assets(work.session, actor, changes.asset_ids)
    else:
        asset_ids = None
    schedule = await _get(work.session, actor, schedule_id, lock=True)
    if asset_ids is None:
        listed = await queries.assets_of(work.session, actor.organization_id, [schedule.id])
        asset_ids = listed.get(schedule.id, [])
    else:
        await queries.replace_assets(work.session, actor.organization_id, schedule.id, asset_ids)
    _change(schedule, changes.values)
    if schedule.is_active and not asset_ids:
        raise InvalidRequest(
            "The schedule has no asset left: give it some before it can be active",
            code=RunReason.NO_USABLE_ASSET,
        )
    work.record(actor, "schedule.updated", schedule)
    await work.session.flush()
    return ScheduleView(schedule, asset_ids, _upcoming(schedule))


async def delete_schedule(work: UnitOfWork, actor: Actor, schedule_id: UUID) -> None:
    """Delete it with the record of its runs; its scans stay, a running one goes on."""
    actor.require(Permission.SCHEDULES_WRITE)
    schedule = await _get(work.session, actor, schedule_id, lock=True)
    work.record(actor, "schedule.deleted", Change.removed(schedule))
    await work.session.delete(schedule)


async def run_schedule(
    work: UnitOfWork, actor: Actor, schedule_id: UUID, quota: ScanQuota, *, is_limited: bool = True
) -> Scan:
    """Its scan, now: also of a paused schedule, and without moving its next run.

    Raises NotFound, InvalidRequest when no asset can be scanned, and TooManyRequests when the
    organization has its fill of scans that wait, or within a minute of the last run by hand unless
    ``is_limited`` is off.
    """
    actor.require(Permission.SCHEDULES_WRITE)
    schedule = await _get(work.session, actor, schedule_id, lock=True)
    now = utcnow()
    if is_limited and schedule.last_manual_run_at is not None:
        wait = schedule.last_manual_run_at + RUN_INTERVAL - now
        if wait > timedelta():
            raise TooManyRequests(
                "This schedule was started less than a minute ago",
                retry_after_s=-(-wait // timedelta(seconds=1)),
            )
    scan = await start_scan(work, actor, schedule, now, quota=quota, is_scheduled=False)
    schedule.last_manual_run_at = now
    return scan


async def _get(
    session: AsyncSession, actor: Actor, schedule_id: UUID, *, lock: bool = False
) -> Schedule:
    schedule = await queries.find_schedule(session, actor.organization_id, schedule_id, lock=lock)
    if schedule is None:
        raise NotFound("schedule")
    return schedule


async def _views(
    session: AsyncSession, actor: Actor, rows: Sequence[Schedule]
) -> list[ScheduleView]:
    """One statement fetches the assets of all of them."""
    listed = await queries.assets_of(session, actor.organization_id, [row.id for row in rows])
    return [ScheduleView(row, listed.get(row.id, []), _upcoming(row)) for row in rows]


async def _default_zone(session: AsyncSession, actor: Actor) -> str:
    """The organization's own zone, if it has set one that is known."""
    view = await organizations.get_organization(session, actor.user_id, actor.organization_id)
    zone = view.organization.settings.get("timezone")
    if not isinstance(zone, str):
        return _DEFAULT_ZONE
    try:
        get_zone(zone)
    except InvalidInput:
        return _DEFAULT_ZONE
    return zone


async def _lock_assets(
    session: AsyncSession, actor: Actor, asset_ids: Sequence[UUID]
) -> list[UUID]:
    """The ids without repetition. Raises InvalidRequest naming those that cannot be scanned."""
    wanted = list(dict.fromkeys(asset_ids))
    if not 1 <= len(wanted) <= MAX_ASSETS:
        raise InvalidInput(f"asset_ids must hold 1 to {MAX_ASSETS} ids", field="asset_ids")
    missing = set(wanted) - await queries.lock_active_assets(session, actor.organization_id, wanted)
    if missing:
        raise InvalidRequest(
            "These assets do not exist or are switched off: "
            + ", ".join(sorted(str(asset_id) for asset_id in missing)),
            code="asset_not_usable",
        )
    return wanted


def _change(schedule: Schedule, values: Mapping[str, Any]) -> None:  # Any: column values
    before = (schedule.cron_expression, schedule.timezone, schedule.is_active)
    for column, value in values.items():
        setattr(schedule, column, value)
    schedule.cron_expression = parse_cron(schedule.cron_expression).text
    get_zone(schedule.timezone)
    # Only then: a slot that is due and not yet decided about would be lost without a word.
    if before != (schedule.cron_expression, schedule.timezone, schedule.is_active):
        _plan(schedule)


def _plan(schedule: Schedule) -> None:
    """Set the next run from now, or none while paused."""
    schedule.paused_reason = None
    schedule.next_run_at = None
    if schedule.is_active:
        runs = next_runs(schedule.cron_expression, schedule.timezone, utcnow(), 1)
        schedule.next_run_at = runs[0]


def _upcoming(schedule: Schedule) -> Sequence[datetime]:
    first = schedule.next_run_at
    if first is None:
        return ()
    try:
        later = next_runs(schedule.cron_expression, schedule.timezone, first, UPCOMING - 1)
    except ServiceError:  # an expression or a zone from before an upgrade; the tick will pause it
        later = ()
    return (first, *later)
