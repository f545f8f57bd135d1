"""Cron: start what the clock says."""

from collections import Counter

import structlog

from jobs.context import Ctx, JobContext
from services import schedules
from services.database import utcnow
from services.scans import ScanQuota

log = structlog.get_logger()


async def tick(ctx: Ctx) -> None:
    """Decide about every slot that has come since the last tick, whoever made that one."""
    resources = JobContext.of(ctx).resources
    quota = ScanQuota.of(resources.settings)
    outcomes = await schedules.start_due_schedules(resources.database, utcnow(), quota)
    if outcomes:
        log.info("schedules_due", **Counter(outcome.value for outcome in outcomes))
