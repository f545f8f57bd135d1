"""Cron: start what the clock says."""

from collections import Counter

import structlog

from jobs.context import Ctx, JobContext
from services import schedules
from services.database import utcnow

log = structlog.get_logger()


async def tick(ctx: Ctx) -> None:
    """Decide about every slot that has come since the last tick, whoever made that one."""
    database = JobContext.of(ctx).resources.database
    outcomes = await schedules.start_due_schedules(database, utcnow())
    if outcomes:
        log.info("schedules_due", **Counter(outcome.value for outcome in outcomes))
