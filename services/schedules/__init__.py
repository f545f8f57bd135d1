"""Schedules: what is scanned when, by which clock, and what became of each time it was due."""

from services.schedules.cron_expression import InvalidCron, parse_cron
from services.schedules.dispatch import start_due_schedules
from services.schedules.models import (
    Overlap,
    PauseReason,
    RunOutcome,
    RunReason,
    Schedule,
    ScheduleAsset,
    ScheduleRun,
)
from services.schedules.run_times import get_zone, latest_run, next_runs
from services.schedules.service import (
    ScheduleChanges,
    ScheduleRequest,
    ScheduleView,
    create_schedule,
    delete_schedule,
    list_schedules,
    run_schedule,
    update_schedule,
)

__all__ = [
    "InvalidCron",
    "Overlap",
    "PauseReason",
    "RunOutcome",
    "RunReason",
    "Schedule",
    "ScheduleAsset",
    "ScheduleChanges",
    "ScheduleRequest",
    "ScheduleRun",
    "ScheduleView",
    "create_schedule",
    "delete_schedule",
    "get_zone",
    "latest_run",
    "list_schedules",
    "next_runs",
    "parse_cron",
    "run_schedule",
    "start_due_schedules",
    "update_schedule",
]
