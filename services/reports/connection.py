"""Reports by key, many at a time."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission
from services.reports.models import Report


async def reports_by_id(
    session: AsyncSession, actor: Actor, report_ids: Sequence[UUID]
) -> dict[UUID, Report]:
    """Those of the ids that are reports of this organization."""
    actor.require(Permission.REPORTS_READ)
    rows = await session.scalars(
        select(Report).where(
            Report.organization_id == actor.organization_id, Report.id.in_(report_ids)
        )
    )
    return {report.id: report for report in rows}
