"""Jobs of scans. A job carries ids as text and nothing else.

Each may run twice, so each waits for a database that is away and begins again.
"""

from uuid import UUID

from jobs.context import Ctx, JobContext
from services import scans
from services.database import when_back
from services.scans import ScanQuota


async def plan_scan(ctx: Ctx, organization_id: str, _scan_id: str) -> None:
    """Begin the scan of the organization whose turn it is: not always the one that rang."""
    resources = JobContext.of(ctx).resources
    await when_back(
        lambda: scans.plan_next_scan(
            resources.database,
            UUID(organization_id),
            batch_size=resources.settings.scan_batch_size,
            quota=ScanQuota.of(resources.settings),
        )
    )


async def run_batch(ctx: Ctx, _organization_id: str, _batch_id: str) -> None:
    """Scan the targets of the batch whose turn it is: not always the one that rang."""
    worker = JobContext.of(ctx).worker
    await when_back(lambda: scans.run_next_batch(worker))


async def finalize_scan(ctx: Ctx, organization_id: str, scan_id: str) -> None:
    """Complete a scan whose batches are done."""
    database = JobContext.of(ctx).resources.database
    await when_back(lambda: scans.finalize_scan(database, UUID(organization_id), UUID(scan_id)))
