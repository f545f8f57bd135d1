"""Findings of a test, filed as a scan would file them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.database import utcnow
from services.findings import Sighting, record_findings
from services.identifiers import uuid7
from services.resources import Resources
from services.scanner.check import CheckResult
from services.scanner.profile import ScanType
from services.scans import Scan, ScanStatus
from tests.members import Member


async def see(
    resources: Resources,
    member: Member,
    results: Sequence[CheckResult],
    *,
    asset_id: UUID | None = None,
    name: str = "test",
) -> UUID:
    """A completed scan that saw this; gives back its id."""
    async with resources.database.transaction(member.scope) as work:
        scan = Scan(
            organization_id=member.organization_id,
            created_by=member.user_id,
            name=name,
            scan_type=ScanType.FULL,
            config_snapshot={"asset_ids": []},
            deadline_at=utcnow() + timedelta(hours=1),
            status=ScanStatus.COMPLETED,
        )
        work.session.add(scan)
        await work.session.flush()
        sighting = Sighting(member.organization_id, scan.id, uuid7(), asset_id, utcnow())
        await record_findings(work.session, sighting, results)
        return scan.id
