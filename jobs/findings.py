"""Cron: what the clock does to findings."""

import structlog

from jobs.context import Ctx, JobContext
from services import findings

log = structlog.get_logger()


async def keep_up_findings(ctx: Ctx) -> None:
    """Open what was accepted until now, tell what ends soon, fold the counts."""
    database = JobContext.of(ctx).resources.database
    opened = await findings.keep_up_findings(database)
    folded = await findings.fold_counts(database)
    if opened or folded:
        log.info("findings_kept_up", opened=opened, folded=folded)
