"""The decision about due slots, over simulated years and without a database."""

from datetime import datetime, timedelta
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.schedules import InvalidCron
from services.schedules.slots import SlotPlan, plan_slots
from tests.services.schedules.expressions import Expected, expressions
from tests.services.schedules.simulation import (
    END,
    GRACE,
    MINUTE,
    START,
    Outages,
    all_slots,
    moments_to_tick,
    slots_covered,
)

_ZONES = ["UTC", "Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
_SKEWS = (timedelta(seconds=-90), timedelta(seconds=90))


def _live_a_year(
    expected: Expected, zone: str, first: datetime, outages: Outages, random: Random
) -> list[tuple[datetime, SlotPlan]]:
    """Each decision, and when it was made by the clock of the worker that made it."""
    decisions: list[tuple[datetime, SlotPlan]] = []
    due, real = first, START
    while due <= END:
        real = outages.over(moments_to_tick([due], real, max(_SKEWS)))
        now = real + random.choice(_SKEWS)
        if due <= now:
            plan = plan_slots(expected.text, zone, first=due, now=now, grace=GRACE)
            decisions.append((now, plan))
            due = plan.next_run_at
    return decisions


@given(expressions(), st.sampled_from(_ZONES), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_in_a_year_every_slot_is_decided_about_once_and_there_is_no_burst(
    expected: Expected, zone: str, random: Random
) -> None:
    assume(len(expected.text) <= 100)
    assume(len(expected.minutes) * len(expected.hours) <= 6)
    try:
        slots = all_slots(expected.text, zone)
    except InvalidCron:
        return
    assume(slots)

    decisions = _live_a_year(expected, zone, slots[0], Outages.random(random, 30), random)

    started = [(plan.due, now) for now, plan in decisions if plan.due]
    missed = [plan.missed for _, plan in decisions if plan.missed]
    entries = missed + [(slot, slot) for slot, _ in started]
    assert slots_covered(slots, entries) == [1] * len(slots)
    assert all(timedelta() <= now - slot < GRACE for slot, now in started)
    assert len({now for _, now in started}) == len(started)
    ends = {moment for entry in entries for moment in entry if moment <= END}
    assert ends <= set(slots)


def test_a_worker_that_is_there_each_minute_misses_nothing() -> None:
    due = START
    for _ in range(100):
        plan = plan_slots("@hourly", "UTC", first=due, now=due + MINUTE, grace=GRACE)
        assert (plan.missed, plan.due) == (None, due)
        due = plan.next_run_at
    assert due == START + timedelta(hours=100)
