"""Everything a report needs of a scan: what stands once, and the long lists as streams."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.scanner.result import TargetStatus
from services.scans import queries
from services.scans.comparison import Comparison, compare
from services.scans.models import Scan, ScanResult
from services.scans.series import scan_series

_BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class ScanMaterial:
    scan: Scan
    series: Sequence[Scan]
    """Scans of the same scope, oldest first, this one last."""
    comparison: Comparison | None
    """With the scan before it; None for the first of its scope."""
    passed: Mapping[str, int]
    """At how many endpoints each check passed."""
    examined: Mapping[tuple[TargetStatus, str], int]
    """How many targets ended how, by status and reason."""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target of a scan, without what its servers answered."""

    target: str
    status: TargetStatus
    ip: str | None
    is_alive: bool
    open_ports: Sequence[int] | None
    reason: str


@dataclass(frozen=True, slots=True)
class UntestedRow:
    """An applicable check that came to no conclusion at a target."""

    target: str
    check_id: str
    reason: str


async def report_material(
    session: AsyncSession, organization_id: UUID, scan_id: UUID
) -> ScanMaterial | None:
    """None when the scan was deleted."""
    scan = await queries.find_scan(session, organization_id, scan_id)
    if scan is None:
        return None
    series = await scan_series(session, organization_id, scan)
    baseline = series[-2] if len(series) > 1 else None
    comparison = await compare(session, organization_id, scan, baseline) if baseline else None
    key = {"organization_id": organization_id, "scan_id": scan_id}
    passed = dict((await session.execute(_PASSED, key)).all())
    return ScanMaterial(
        scan, series, comparison, passed, await _examined(session, organization_id, scan_id)
    )


async def stream_targets(
    session: AsyncSession, organization_id: UUID, scan_id: UUID
) -> AsyncGenerator[Sequence[TargetRow]]:
    """By target, block by block."""
    statement = (
        select(
            ScanResult.target,
            ScanResult.status,
            ScanResult.ip,
            ScanResult.is_alive,
            ScanResult.open_ports,
            ScanResult.reason,
        )
        .where(ScanResult.organization_id == organization_id, ScanResult.scan_id == scan_id)
        .order_by(ScanResult.target)
    )
    found = await session.stream(statement.execution_options(yield_per=_BLOCK))
    async for rows in found.partitions():
        yield [TargetRow(*row) for row in rows]


async def stream_untested(
    session: AsyncSession, organization_id: UUID, scan_id: UUID
) -> AsyncGenerator[Sequence[UntestedRow]]:
    """By target, block by block."""
    found = await session.stream(
        _UNTESTED.execution_options(yield_per=_BLOCK),
        {"organization_id": organization_id, "scan_id": scan_id},
    )
    async for rows in found.partitions():
        yield [UntestedRow(*row) for row in rows]


async def _examined(
    session: AsyncSession, organization_id: UUID, scan_id: UUID
) -> dict[tuple[TargetStatus, str], int]:
    statement = (
        select(ScanResult.status, ScanResult.reason, func.count())
        .where(ScanResult.organization_id == organization_id, ScanResult.scan_id == scan_id)
        .group_by(ScanResult.status, ScanResult.reason)
    )
    return {(row[0], row[1]): row[2] for row in await session.execute(statement)}


_PASSED = text(
    """
select item ->> 'id', count(*)
  from scan_results result, jsonb_array_elements(result.checks) item
 where result.organization_id = :organization_id and result.scan_id = :scan_id
   and item ->> 'outcome' = 'passed'
 group by 1 order by 1
    """
)
_UNTESTED = text(
    """
select result.target, item ->> 'id', item ->> 'reason'
  from scan_results result, jsonb_array_elements(result.checks) item
 where result.organization_id = :organization_id and result.scan_id = :scan_id
   and item ->> 'outcome' = 'not_evaluated' and (item ->> 'applicable')::boolean
 order by result.target, 2, 3
    """
)
