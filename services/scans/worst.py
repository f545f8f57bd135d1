"""The worst problems of a scan, for its summary."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.compliance import ProblemCount
from services.scanner.check import Severity
from services.scanner.engine import CATALOGUE

_WORST_NAMED = 5


async def worst_problems(
    session: AsyncSession, organization_id: UUID, scan_id: UUID
) -> list[ProblemCount]:
    """By severity, then by the number of hosts."""
    rows = await session.execute(
        _WORST, {"organization_id": organization_id, "scan_id": scan_id, "named": _WORST_NAMED}
    )
    return [
        ProblemCount(
            title=CATALOGUE[check_id].title if check_id in CATALOGUE else check_id,
            severity=Severity.of_rank(rank),
            hosts=hosts,
        )
        for check_id, rank, hosts in rows
    ]


_WORST = text(
    """
select finding.check_id, min(seen.severity) as severity, count(distinct finding.host) as hosts
  from observations seen
  join findings finding on finding.organization_id = seen.organization_id
   and finding.id = seen.finding_id
 where seen.organization_id = :organization_id and seen.scan_id = :scan_id
 group by finding.check_id
 order by severity, hosts desc, finding.check_id
 limit :named
    """
)
