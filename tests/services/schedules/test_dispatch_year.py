"""A year of two workers whose clocks differ, in the database: issue 5, Done when 2."""

import asyncio
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import select, update

from services.resources import Resources
from services.scans import UNLIMITED, Scan, ScanStatus
from services.schedules import Overlap, RunOutcome, Schedule, ScheduleRun, start_due_schedules
from tests.members import Member
from tests.services.schedules.conftest import MakeSchedule
from tests.services.schedules.simulation import (
    END,
    START,
    Outages,
    all_slots,
    moments_to_tick,
    slots_covered,
)

_SKEWS = (timedelta(seconds=-90), timedelta(seconds=90))
_ZONES = ("UTC", "Europe/Rome", "America/New_York", "Australia/Lord_Howe", "America/Havana")


def _expression(random: Random) -> str:
    """Once or twice on some days: a year of it is some hundred slots, also at change of clocks."""
    hours = random.choice(["0", "1,13", "2", "2", "3"])
    days = random.choice(["* * MON,THU", "* * SUN", "*/4 * *", "1,15 */2 FRI", "* 3,10,11 *"])
    return f"{random.choice([0, 15, 30, 59])} {hours} {days}"


async def _end_some_scans(resources: Resources, member: Member, random: Random) -> None:
    """Most scans are done before the next slot."""
    if random.random() < 0.8:
        async with resources.database.transaction(member.scope) as work:
            await work.session.execute(
                update(Scan)
                .where(Scan.status == ScanStatus.PENDING)
                .values(status=ScanStatus.COMPLETED)
            )


async def _next_slots(resources: Resources, member: Member) -> list[Schedule]:
    async with resources.database.read(member.scope) as session:
        return list((await session.scalars(select(Schedule))).all())


async def test_in_a_year_each_slot_is_started_skipped_or_missed_and_never_twice(
    resources: Resources, admin: Member, make_schedule: MakeSchedule
) -> None:
    random = Random(1)  # noqa: S311 - a simulation
    outages = Outages.random(random, 30)
    slots = list[tuple[UUID, list[datetime]]]()
    for zone, overlap in zip(_ZONES, [*Overlap, *Overlap][:5], strict=True):
        expression = _expression(random)
        times = all_slots(expression, zone)
        schedule_id = await make_schedule(times[0], expression, timezone=zone, overlap=overlap)
        slots.append((schedule_id, times))

    real = START
    while True:
        pending = [row.next_run_at for row in await _next_slots(resources, admin)]
        due = [moment for moment in pending if moment is not None and moment <= END]
        if not due:
            break
        real = outages.over(moments_to_tick(due, real, max(_SKEWS)))
        await _end_some_scans(resources, admin, random)
        async with asyncio.TaskGroup() as group:
            for skew in _SKEWS:
                group.create_task(start_due_schedules(resources.database, real + skew, UNLIMITED))

    async with resources.database.read(admin.scope) as session:
        runs = (await session.scalars(select(ScheduleRun))).all()
        scans = (await session.scalars(select(Scan))).all()
    outcomes = {run.outcome for run in runs}
    assert outcomes >= {RunOutcome.STARTED, RunOutcome.SKIPPED, RunOutcome.MISSED}
    assert RunOutcome.FAILED not in outcomes
    for schedule_id, times in slots:
        own = [run for run in runs if run.schedule_id == schedule_id]
        assert slots_covered(times, [(run.slot_at, run.last_slot_at) for run in own]) == [1] * len(
            times
        )
        started = [run.scan_id for run in own if run.outcome is RunOutcome.STARTED]
        assert len(started) == len(set(started))
        assert set(started) == {scan.id for scan in scans if scan.schedule_id == schedule_id}
        assert all(run.reason for run in own if run.outcome is not RunOutcome.STARTED)
