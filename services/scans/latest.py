"""Which completed scans looked at each asset last, and what they covered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.assets import Asset
from services.compliance import Looked
from services.scanner.profile import ScanType
from services.scans.models import Scan, ScanStatus

_MOST_SCANS = 500
"""Scans to go back through; assets that none of them looked at count as not scanned."""


@dataclass(frozen=True, slots=True)
class LatestScan:
    """A scan that no later one has replaced for at least one asset."""

    id: UUID
    name: str
    completed_at: datetime | None
    scan_type: ScanType
    catalog_version: str | None
    looked: Mapping[str, Looked]
    """By point of the annex."""
    targets_in_scope: int
    targets_evaluated: int


@dataclass(frozen=True, slots=True)
class LatestLooks:
    scans: Sequence[LatestScan]
    """Newest first."""
    active_assets: int
    scanned_assets: int
    """Of these, looked at by one of the scans."""

    @property
    def looked(self) -> Mapping[str, Looked]:
        """By point, of all the scans together."""
        total: dict[str, Looked] = {}
        for scan in self.scans:
            for point, looked in scan.looked.items():
                total[point] = total.get(point, Looked()) + looked
        return total


async def latest_looks(session: AsyncSession, organization_id: UUID) -> LatestLooks:
    """Three statements."""
    active = await session.scalars(
        select(Asset.id).where(
            Asset.organization_id == organization_id,
            Asset.is_active,
            Asset.deleted_at.is_(None),
        )
    )
    assets = {str(asset_id) for asset_id in active}
    scopes = await session.execute(
        select(Scan.id, Scan.config_snapshot["asset_ids"])
        .where(
            Scan.organization_id == organization_id,
            Scan.status == ScanStatus.COMPLETED,
        )
        .order_by(Scan.completed_at.desc(), Scan.id.desc())
        .limit(_MOST_SCANS)
    )
    waiting, chosen = set(assets), list[UUID]()
    for scan_id, asset_ids in scopes:
        covered = waiting.intersection(asset_ids or ())
        if covered:
            chosen.append(scan_id)
            waiting -= covered
    rows = await session.scalars(
        select(Scan)
        .where(Scan.organization_id == organization_id, Scan.id.in_(chosen))
        .order_by(Scan.completed_at.desc(), Scan.id.desc())
    )
    return LatestLooks([_latest(scan) for scan in rows], len(assets), len(assets) - len(waiting))


def _latest(scan: Scan) -> LatestScan:
    coverage = (scan.assessment or {}).get("coverage", {})
    return LatestScan(
        id=scan.id,
        name=scan.name,
        completed_at=scan.completed_at,
        scan_type=scan.scan_type,
        catalog_version=scan.catalog_version,
        looked=_looked(scan),
        targets_in_scope=coverage.get("targets_in_scope", 0),
        targets_evaluated=coverage.get("targets_evaluated", 0),
    )


def _looked(scan: Scan) -> Mapping[str, Looked]:
    """As the matrix of the scan has it; a manual point covers nothing."""
    return {
        point["point"]: Looked(
            point["coverage"]["checks_applicable"], point["coverage"]["checks_evaluated"]
        )
        for letter in (scan.compliance_matrix or {}).values()
        for point in letter["points"]
        if point["coverage"]["checks_applicable"]
    }
