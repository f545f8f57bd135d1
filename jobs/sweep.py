"""Cron: queue again what was lost, end what is overdue."""

import structlog

from jobs.context import Ctx, JobContext
from services import auth, organizations, reports, scans
from services.metrics import SWEPT
from services.queue import ArqQueue
from services.scans import ScanQuota

log = structlog.get_logger()


async def sweep(ctx: Ctx) -> None:
    """Find every row that waits for somebody and ring again; ringing twice does no harm."""
    resources = JobContext.of(ctx).resources
    due = await scans.sweep_scans(resources.database, ScanQuota.of(resources.settings))
    due += await reports.sweep_reports(resources.database)
    if resources.settings.sends_mail:
        due += await organizations.sweep_invitations(resources.database)
        due += await auth.sweep_password_resets(resources.database)
    queue = ArqQueue(resources.redis)
    for job in due:
        await queue.put(job)
        SWEPT.labels(job.name).inc()
    if due:
        log.info("swept", jobs=len(due))
