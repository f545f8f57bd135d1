"""Jobs of scans. A job carries ids as text and nothing else."""

from uuid import UUID

from jobs.context import Ctx, JobContext
from services import scans


async def plan_scan(ctx: Ctx, organization_id: str, scan_id: str) -> None:
    """Cut a pending scan into batches."""
    context = JobContext.of(ctx)
    await scans.plan_scan(
        context.resources.database,
        UUID(organization_id),
        UUID(scan_id),
        batch_size=context.resources.settings.scan_batch_size,
    )


async def run_batch(ctx: Ctx, organization_id: str, batch_id: str) -> None:
    """Scan the targets of one batch."""
    await scans.run_batch(JobContext.of(ctx).worker, UUID(organization_id), UUID(batch_id))


async def finalize_scan(ctx: Ctx, organization_id: str, scan_id: str) -> None:
    """Complete a scan whose batches are done."""
    database = JobContext.of(ctx).resources.database
    await scans.finalize_scan(database, UUID(organization_id), UUID(scan_id))
