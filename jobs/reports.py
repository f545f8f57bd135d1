"""Jobs of reports."""

from uuid import UUID

from jobs.context import Ctx, JobContext
from services import reports


async def run_report(ctx: Ctx, organization_id: str, report_id: str) -> None:
    """Make one pending report."""
    resources = JobContext.of(ctx).resources
    await reports.run_report(
        resources.database,
        UUID(organization_id),
        UUID(report_id),
        lifetime=resources.settings.report_lifetime,
    )
