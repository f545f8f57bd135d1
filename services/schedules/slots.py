"""What is to be done about the times a schedule was due since somebody last looked. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.schedules.run_times import latest_run, next_runs

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """One decision for each slot up to now: at most one is run, never a burst."""

    missed: tuple[datetime, datetime] | None
    """The first and the last of the slots in a row for which it is too late."""
    due: datetime | None
    """The slot to run now."""
    next_run_at: datetime


def plan_slots(
    expression: str, zone: str, *, first: datetime, now: datetime, grace: timedelta
) -> SlotPlan:
    """Decide about every slot from ``first`` up to ``now``, of which there is one at least.

    The latest is run if it is less than ``grace`` ago, and all before it are missed: a scan made
    up for twice shows nothing new. Raises InvalidCron and InvalidInput when the rules of either
    have changed since the schedule was made.
    """
    # "or first": the zone's rules may have changed since that slot was written down.
    latest = latest_run(expression, zone, since=first, until=now) or first
    (following,) = next_runs(expression, zone, now, 1)
    if now - latest >= grace:
        return SlotPlan((first, latest), None, following)
    if latest == first:
        return SlotPlan(None, latest, following)
    before = latest_run(expression, zone, since=first, until=latest - _MINUTE) or first
    return SlotPlan((first, before), latest, following)
