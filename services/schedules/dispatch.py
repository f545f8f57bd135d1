"""The minute tick: finds the schedules that are due and decides about each slot once.

Any number of workers may tick at once, late, or with clocks that differ: a schedule is decided
about under its row lock, and a slot is claimed by a unique key in the same transaction that starts
its scan and moves the schedule on. So a slot is started, skipped by policy, missed or failed; never
twice, and never without an entry.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services import scans
from services.actor import Actor, Role
from services.database import Database, Scope, UnitOfWork
from services.errors import InvalidRequest, NotFound, ServiceError
from services.scans import ScanQuota
from services.schedules import queries
from services.schedules.models import (
    Overlap,
    PauseReason,
    RunOutcome,
    RunReason,
    Schedule,
    ScheduleRun,
)
from services.schedules.slots import plan_slots
from services.schedules.starting import start_scan

_AT_MOST = 2000
"""Schedules one tick looks at; the next tick takes the rest, longest due first."""


@dataclass(frozen=True, slots=True)
class _Tick:
    now: datetime
    quota: ScanQuota


async def start_due_schedules(
    database: Database, now: datetime, quota: ScanQuota
) -> list[RunOutcome]:
    """What became of every slot up to ``now`` that nobody has decided about, in no order.

    Safe to run anywhere and at any time. Raises ExceptionGroup at the end when some could not be
    decided about; they stay due, and the others were not held up.
    """
    async with database.read(Scope(is_sweep=True)) as session:
        due = await queries.due_schedules(session, now, at_most=_AT_MOST)
    tick = _Tick(now, quota)
    outcomes: list[RunOutcome] = []
    failures: list[Exception] = []
    for organization_id, schedule_id in due:
        try:
            outcomes += await _decide(database, organization_id, schedule_id, tick)
        except Exception as error:  # noqa: BLE001 - one organization's trouble is not the others'
            failures.append(error)
    if failures:
        raise ExceptionGroup("schedules nobody could decide about", failures)
    return outcomes


async def _decide(
    database: Database, organization_id: UUID, schedule_id: UUID, tick: _Tick
) -> list[RunOutcome]:
    async with database.transaction(Scope(organization_id=organization_id)) as work:
        schedule = await queries.claim_schedule(work.session, organization_id, schedule_id)
        if schedule is None:
            return []
        runs = [await _take_from_queue(work, schedule, tick)]
        if schedule.next_run_at is not None and schedule.next_run_at <= tick.now:
            runs += await _decide_slots(work, schedule, schedule.next_run_at, tick)
        await work.session.flush()
        return [run.outcome for run in runs if run is not None]


async def _take_from_queue(work: UnitOfWork, schedule: Schedule, tick: _Tick) -> ScheduleRun | None:
    """The run that waited for the scan before it, if that has ended."""
    run = await queries.find_queued_run(work.session, schedule.organization_id, schedule.id)
    if run is None or await _active_scans(work, schedule):
        return None
    if schedule.is_active:
        await _start(work, schedule, run, tick)
    else:
        _settle(schedule, run, RunOutcome.SKIPPED, RunReason.PAUSED)
    return run


async def _decide_slots(
    work: UnitOfWork, schedule: Schedule, first: datetime, tick: _Tick
) -> list[ScheduleRun | None]:
    try:
        plan = plan_slots(
            schedule.cron_expression,
            schedule.timezone,
            first=first,
            now=tick.now,
            grace=timedelta(minutes=schedule.grace_minutes),
        )
    except ServiceError as error:
        run = await _claim(work, schedule, first, first)
        if run is not None:
            _settle(schedule, run, RunOutcome.FAILED, error.code)
        _pause(schedule, PauseReason.INVALID)
        return [run]
    schedule.next_run_at = plan.next_run_at
    runs: list[ScheduleRun | None] = []
    if plan.missed is not None:
        missed = await _claim(work, schedule, *plan.missed)
        if missed is not None:
            _settle(schedule, missed, RunOutcome.MISSED, RunReason.NOT_RUNNING)
        runs.append(missed)
    if plan.due is not None:
        run = await _claim(work, schedule, plan.due, plan.due)
        if run is not None:
            await _run(work, schedule, run, tick)
        runs.append(run)
    return runs


async def _run(work: UnitOfWork, schedule: Schedule, run: ScheduleRun, tick: _Tick) -> None:
    """Start the slot's scan, unless one of the schedule still runs and the policy says no."""
    running = await _active_scans(work, schedule)
    if not running:
        await _start(work, schedule, run, tick)
        return
    match schedule.overlap:
        case Overlap.SKIP:
            _settle(schedule, run, RunOutcome.SKIPPED, RunReason.STILL_RUNNING)
        case Overlap.QUEUE:
            waiting = await queries.find_queued_run(
                work.session, schedule.organization_id, schedule.id
            )
            if waiting is None:
                _settle(schedule, run, RunOutcome.QUEUED, RunReason.STILL_RUNNING)
            else:
                _settle(schedule, run, RunOutcome.SKIPPED, RunReason.ALREADY_QUEUED)
        case Overlap.CANCEL_RUNNING:
            # The new one first: if it cannot start, the old one goes on.
            if await _start(work, schedule, run, tick):
                await _cancel(work, schedule, running)


async def _start(work: UnitOfWork, schedule: Schedule, run: ScheduleRun, tick: _Tick) -> bool:
    """Start the scan, or write down why it could not be."""
    actor = await _actor(work, schedule)
    try:
        async with work.session.begin_nested():
            scan = await start_scan(
                work, actor, schedule, tick.now, quota=tick.quota, is_scheduled=True
            )
    except ServiceError as error:
        _settle(schedule, run, RunOutcome.FAILED, error.code)
        if error.code == RunReason.NO_USABLE_ASSET and not await _has_assets(work, schedule):
            _pause(schedule, PauseReason.NO_ASSET_LEFT)
        return False
    scan.created_by = schedule.created_by
    run.scan_id = scan.id
    run.outcome, run.reason = RunOutcome.STARTED, schedule.last_reason
    return True


async def _cancel(work: UnitOfWork, schedule: Schedule, scan_ids: list[UUID]) -> None:
    actor = await _actor(work, schedule)
    for scan_id in scan_ids:
        try:
            await scans.cancel_scan(work, actor, scan_id)
        except (InvalidRequest, NotFound):  # it ended, or was deleted, this very moment
            continue


async def _actor(work: UnitOfWork, schedule: Schedule) -> Actor:
    """Who acts: the schedule itself, with an auditor's rights, in its creator's name.

    The schedule belongs to the organization: it goes on when its creator has left. Where not
    even the account is left, an admin stands in, and the scan names nobody.
    """
    user_id = schedule.created_by or await queries.first_admin(
        work.session, schedule.organization_id
    )
    if user_id is None:
        raise LookupError("an organization without an admin")
    return Actor(user_id, schedule.organization_id, Role.AUDITOR)


async def _active_scans(work: UnitOfWork, schedule: Schedule) -> list[UUID]:
    found = await queries.active_scans(work.session, schedule.organization_id, schedule.id)
    return list(found)


async def _has_assets(work: UnitOfWork, schedule: Schedule) -> bool:
    listed = await queries.assets_of(work.session, schedule.organization_id, [schedule.id])
    return bool(listed.get(schedule.id))


async def _claim(
    work: UnitOfWork, schedule: Schedule, slot_at: datetime, last_slot_at: datetime
) -> ScheduleRun | None:
    """The entry of a slot, or of several missed in a row; None when it was claimed before."""
    return await queries.claim_slot(
        work.session,
        ScheduleRun(
            organization_id=schedule.organization_id,
            schedule_id=schedule.id,
            slot_at=slot_at,
            last_slot_at=last_slot_at,
            outcome=RunOutcome.STARTED,
            reason=None,
            scan_id=None,
        ),
    )


def _settle(schedule: Schedule, run: ScheduleRun, outcome: RunOutcome, reason: str) -> None:
    run.outcome, run.reason = outcome, reason
    schedule.last_outcome, schedule.last_reason = outcome, reason


def _pause(schedule: Schedule, reason: PauseReason) -> None:
    schedule.is_active = False
    schedule.next_run_at = None
    schedule.paused_reason = reason
