"""Everything a report needs of a scan, read in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import findings
from services.findings import FindingView
from services.scans import queries
from services.scans.models import Scan, ScanResult


@dataclass(frozen=True, slots=True)
class ScanMaterial:
    scan: Scan
    results: Sequence[ScanResult]
    findings: Sequence[FindingView]


async def report_material(
    session: AsyncSession, organization_id: UUID, scan_id: UUID
) -> ScanMaterial | None:
    """The scan with results and findings; None when it was deleted."""
    scan = await queries.find_scan(session, organization_id, scan_id)
    if scan is None:
        return None
    return ScanMaterial(
        scan,
        await queries.all_results(session, organization_id, scan_id),
        await findings.views_of_scan(session, organization_id, scan_id, scan.name),
    )
