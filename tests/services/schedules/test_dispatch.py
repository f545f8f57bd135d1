"""The tick: each slot is started once, skipped by policy, failed or missed; never silently."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update

from services.assets import Asset, delete_asset
from services.database import Scope
from services.resources import Resources
from services.scans import UNLIMITED, Scan, ScanStatus
from services.schedules import Overlap, RunOutcome, Schedule, ScheduleRun, start_due_schedules
from services.schedules.models import PauseReason
from tests.members import Member
from tests.services.schedules.conftest import MakeSchedule

NIGHT = datetime(2027, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


async def _runs(resources: Resources, member: Member) -> list[tuple[datetime, datetime, str, str]]:
    """``(slot, last slot, outcome, reason)``, oldest first."""
    async with resources.database.read(member.scope) as session:
        rows = await session.scalars(select(ScheduleRun).order_by(ScheduleRun.slot_at))
        return [(r.slot_at, r.last_slot_at, r.outcome.value, r.reason or "") for r in rows]


async def _schedule(resources: Resources, member: Member, schedule_id: UUID) -> Schedule:
    async with resources.database.read(member.scope) as session:
        return (await session.scalars(select(Schedule).where(Schedule.id == schedule_id))).one()


async def _scans(resources: Resources, member: Member) -> list[Scan]:
    async with resources.database.read(member.scope) as session:
        return list((await session.scalars(select(Scan).order_by(Scan.id))).all())


async def _end_scans(resources: Resources, member: Member) -> None:
    async with resources.database.transaction(member.scope) as work:
        await work.session.execute(update(Scan).values(status=ScanStatus.COMPLETED))


async def test_a_due_schedule_starts_its_scan_and_moves_on(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    schedule_id = await make_schedule(NIGHT)

    early = await start_due_schedules(resources.database, NIGHT - MINUTE, UNLIMITED)
    outcomes = await start_due_schedules(resources.database, NIGHT + MINUTE, UNLIMITED)
    again = await start_due_schedules(resources.database, NIGHT + 2 * MINUTE, UNLIMITED)

    assert (early, outcomes, again) == ([], [RunOutcome.STARTED], [])
    (scan,) = await _scans(resources, admin)
    assert (scan.schedule_id, scan.created_by) == (schedule_id, admin.user_id)
    assert scan.name == "Nightly 2027-05-01 00:01"
    schedule = await _schedule(resources, admin, schedule_id)
    assert schedule.next_run_at == NIGHT + DAY
    assert (schedule.last_run_at, schedule.last_scan_id) == (NIGHT + MINUTE, scan.id)
    assert schedule.last_outcome is RunOutcome.STARTED
    assert await _runs(resources, admin) == [(NIGHT, NIGHT, "started", "")]


async def test_many_workers_at_once_start_one_scan_for_each_slot(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    """JOB-9."""
    for _ in range(3):
        await make_schedule(NIGHT, overlap=Overlap.CANCEL_RUNNING)

    async with asyncio.TaskGroup() as group:
        ticks = [
            group.create_task(
                start_due_schedules(resources.database, NIGHT + timedelta(seconds=skew), UNLIMITED)
            )
            for skew in (0, 5, 30, 45, 59)
        ]

    outcomes = [outcome for tick in ticks for outcome in tick.result()]
    assert outcomes == [RunOutcome.STARTED] * 3
    assert len(await _scans(resources, admin)) == 3


async def test_a_slot_that_was_claimed_is_not_started_again_when_a_clock_goes_back(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    schedule_id = await make_schedule(NIGHT)
    await start_due_schedules(resources.database, NIGHT, UNLIMITED)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(update(Schedule).values(next_run_at=NIGHT))

    outcomes = await start_due_schedules(resources.database, NIGHT + MINUTE, UNLIMITED)

    assert outcomes == []
    assert len(await _scans(resources, admin)) == 1
    assert (await _schedule(resources, admin, schedule_id)).next_run_at == NIGHT + DAY


@pytest.mark.parametrize(("late", "outcome"), [(59, "started"), (60, "missed")])
async def test_a_slot_is_made_up_for_within_the_grace_and_missed_after_it(
    resources: Resources, admin: Member, make_schedule: MakeSchedule, late: int, outcome: str
) -> None:
    schedule_id = await make_schedule(NIGHT)

    await start_due_schedules(resources.database, NIGHT + late * MINUTE, UNLIMITED)

    (run,) = await _runs(resources, admin)
    assert run == (NIGHT, NIGHT, outcome, "" if outcome == "started" else "not_running")
    schedule = await _schedule(resources, admin, schedule_id)
    assert schedule.next_run_at == NIGHT + DAY
    assert schedule.last_outcome == outcome


async def test_after_an_outage_the_last_slot_runs_once_and_the_others_are_missed_together(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    await make_schedule(NIGHT, "*/15 * * * *")

    await start_due_schedules(resources.database, NIGHT + 30 * DAY + 50 * MINUTE, UNLIMITED)

    last = NIGHT + 30 * DAY + 45 * MINUTE
    assert await _runs(resources, admin) == [
        (NIGHT, last - 15 * MINUTE, "missed", "not_running"),
        (last, last, "started", ""),
    ]
    assert len(await _scans(resources, admin)) == 1


async def test_skip_leaves_a_running_scan_alone(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    await make_schedule(NIGHT)

    for day in range(2):
        await start_due_schedules(resources.database, NIGHT + day * DAY, UNLIMITED)
    await _end_scans(resources, admin)
    await start_due_schedules(resources.database, NIGHT + 2 * DAY, UNLIMITED)

    outcomes = [(outcome, reason) for *_, outcome, reason in await _runs(resources, admin)]
    assert outcomes == [("started", ""), ("skipped", "still_running"), ("started", "")]


async def test_queue_starts_when_the_running_scan_ends_and_only_one_waits(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    schedule_id = await make_schedule(NIGHT, overlap=Overlap.QUEUE)

    for day in range(3):
        await start_due_schedules(resources.database, NIGHT + day * DAY, UNLIMITED)
    waiting = await start_due_schedules(resources.database, NIGHT + 2 * DAY + 5 * MINUTE, UNLIMITED)
    before = [outcome for *_, outcome, _ in await _runs(resources, admin)]
    await _end_scans(resources, admin)
    outcomes = await start_due_schedules(
        resources.database, NIGHT + 2 * DAY + 6 * MINUTE, UNLIMITED
    )

    assert (waiting, before) == ([], ["started", "queued", "skipped"])
    assert outcomes == [RunOutcome.STARTED]
    assert [outcome for *_, outcome, _ in await _runs(resources, admin)] == [
        "started",
        "started",
        "skipped",
    ]
    assert len(await _scans(resources, admin)) == 2
    schedule = await _schedule(resources, admin, schedule_id)
    assert schedule.last_run_at == NIGHT + 2 * DAY + 6 * MINUTE


async def test_a_run_that_waits_is_dropped_with_a_reason_when_the_schedule_is_paused(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    await make_schedule(NIGHT, overlap=Overlap.QUEUE)
    for day in range(2):
        await start_due_schedules(resources.database, NIGHT + day * DAY, UNLIMITED)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(update(Schedule).values(is_active=False, next_run_at=None))
    await _end_scans(resources, admin)

    outcomes = await start_due_schedules(resources.database, NIGHT + 3 * DAY, UNLIMITED)

    assert outcomes == [RunOutcome.SKIPPED]
    assert (await _runs(resources, admin))[1][2:] == ("skipped", "paused")


async def test_cancel_running_stops_the_old_scan_for_the_new_one(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    await make_schedule(NIGHT, overlap=Overlap.CANCEL_RUNNING)

    for day in range(2):
        await start_due_schedules(resources.database, NIGHT + day * DAY, UNLIMITED)

    statuses = [scan.status for scan in await _scans(resources, admin)]
    assert statuses == [ScanStatus.CANCELLED, ScanStatus.PENDING]


async def test_cancel_running_lets_the_old_scan_go_on_when_the_new_one_cannot_start(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    await make_schedule(NIGHT, overlap=Overlap.CANCEL_RUNNING)
    await start_due_schedules(resources.database, NIGHT, UNLIMITED)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(update(Asset).values(is_active=False))

    await start_due_schedules(resources.database, NIGHT + DAY, UNLIMITED)

    (scan,) = await _scans(resources, admin)
    assert scan.status is ScanStatus.PENDING


async def test_a_schedule_whose_assets_are_off_fails_with_a_reason_and_goes_on(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    schedule_id = await make_schedule(NIGHT)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(update(Asset).values(is_active=False))

    outcomes = await start_due_schedules(resources.database, NIGHT, UNLIMITED)

    assert outcomes == [RunOutcome.FAILED]
    assert await _runs(resources, admin) == [(NIGHT, NIGHT, "failed", "no_usable_asset")]
    schedule = await _schedule(resources, admin, schedule_id)
    assert (schedule.is_active, schedule.next_run_at) == (True, NIGHT + DAY)
    assert schedule.last_reason == "no_usable_asset"


async def test_a_schedule_whose_assets_were_purged_is_paused(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    schedule_id = await make_schedule(NIGHT)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(delete(Asset))

    await start_due_schedules(resources.database, NIGHT, UNLIMITED)

    schedule = await _schedule(resources, admin, schedule_id)
    assert (schedule.is_active, schedule.paused_reason) == (False, PauseReason.NO_ASSET_LEFT)
    assert (schedule.last_outcome, schedule.next_run_at) == (RunOutcome.FAILED, None)


async def test_two_people_who_delete_the_last_two_assets_at_once_leave_it_paused(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    schedule_id = await make_schedule(NIGHT)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            text(
                "insert into assets select (jsonb_populate_record(a, jsonb_build_object('id',"
                " gen_random_uuid(), 'target_value', 'two.example'))).* from assets a"
            )
        )
        await work.session.execute(
            text(
                "insert into schedule_assets (schedule_id, organization_id, position, asset_id)"
                " select s.id, s.organization_id, 1, a.id from schedules s, assets a"
                " where a.target_value = 'two.example'"
            )
        )
    async with resources.database.read(admin.scope) as session:
        first, second = (await session.scalars(select(Asset.id))).all()
    has_deleted = asyncio.Event()

    async def delete_first() -> None:
        async with resources.database.transaction(admin.scope) as work:
            await delete_asset(work, admin.actor, first)
            await work.session.flush()
            has_deleted.set()
            await _somebody_waits(resources)

    async def delete_second() -> None:
        await has_deleted.wait()
        async with resources.database.transaction(admin.scope) as work:
            await delete_asset(work, admin.actor, second)

    async with asyncio.TaskGroup() as group:
        group.create_task(delete_first())
        group.create_task(delete_second())

    schedule = await _schedule(resources, admin, schedule_id)
    assert (schedule.is_active, schedule.paused_reason) == (False, PauseReason.NO_ASSET_LEFT)


async def _somebody_waits(resources: Resources) -> None:
    """Until a transaction of this database waits for the lock of another."""
    async with asyncio.timeout(10):
        while True:
            async with resources.database.read(Scope()) as session:
                if await session.scalar(text("select count(*) from pg_locks where not granted")):
                    return
            await asyncio.sleep(0.01)


async def test_a_zone_that_no_longer_exists_pauses_the_schedule_and_holds_up_nobody(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    broken = await make_schedule(NIGHT - MINUTE)
    await make_schedule(NIGHT)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(
            update(Schedule).where(Schedule.id == broken).values(timezone="Middle/Earth")
        )

    outcomes = await start_due_schedules(resources.database, NIGHT, UNLIMITED)

    assert sorted(outcomes) == [RunOutcome.FAILED, RunOutcome.STARTED]
    schedule = await _schedule(resources, admin, broken)
    assert (schedule.is_active, schedule.paused_reason) == (False, PauseReason.INVALID)


async def test_a_schedule_outlives_its_creators_account(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    await make_schedule(NIGHT)
    async with resources.database.transaction(admin.scope) as work:
        await work.session.execute(update(Schedule).values(created_by=None))

    outcomes = await start_due_schedules(resources.database, NIGHT, UNLIMITED)

    (scan,) = await _scans(resources, admin)
    assert (outcomes, scan.created_by) == ([RunOutcome.STARTED], None)


async def test_a_rollback_starts_nothing_and_leaves_the_slot_due(
    resources: Resources, admin: Member, stranger: Member, make_schedule: MakeSchedule
) -> None:
    """One organization's trouble is told at the end, and the others were served."""
    broken = await make_schedule(NIGHT - MINUTE)
    await make_schedule(NIGHT)
    async with resources.database.transaction(admin.scope) as work:
        # The features of a version that never was: not a refusal, a bug.
        await work.session.execute(
            update(Schedule).where(Schedule.id == broken).values(features={"moon_phase": True})
        )

    with pytest.raises(ExceptionGroup) as group:
        await start_due_schedules(resources.database, NIGHT, UNLIMITED)

    assert len(group.value.exceptions) == 1
    assert len(await _scans(resources, admin)) == 1
    schedule = await _schedule(resources, admin, broken)
    assert (schedule.next_run_at, schedule.last_outcome) == (NIGHT - MINUTE, None)
