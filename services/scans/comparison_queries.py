"""SQL of comparing two scans."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.scanner.check import Severity
from services.scanner.result import TargetStatus
from services.scans.judged import LOOKED_AT, StoredChecks
from services.scans.models import ScanResult


class Kind(StrEnum):
    """Where a finding that either scan saw belongs; each belongs to one."""

    NEW = "new"
    RESOLVED = "resolved"
    NOT_RESCANNED = "not_rescanned"
    SEVERITY_CHANGED = "severity_changed"
    PERSISTENT = "persistent"


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One finding of a set; ``count`` is how many the set holds."""

    kind: Kind
    count: int
    finding_id: UUID
    fingerprint: bytes
    check_id: str
    category: str
    message: str
    host: str
    port: int | None
    severity: Severity
    baseline_severity: Severity | None


@dataclass(frozen=True, slots=True)
class StoredTarget:
    target: str
    status: TargetStatus
    checks: StoredChecks


async def compare_observations(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, baseline_id: UUID, *, at_most: int
) -> list[ComparedRow]:
    """Each set worst first, cut to ``at_most``; of what persists unchanged one row, to count it."""
    rows = await session.execute(
        _COMPARE,
        {
            "organization_id": organization_id,
            "scan_id": scan_id,
            "baseline_id": baseline_id,
            "at_most": at_most,
        },
    )
    return [
        ComparedRow(
            kind=Kind(row.kind),
            count=row.total,
            finding_id=row.finding_id,
            fingerprint=row.fingerprint,
            check_id=row.check_id,
            category=row.category,
            message=row.message,
            host=row.host,
            port=row.port,
            severity=Severity.of_rank(row.severity),
            baseline_severity=(
                None if row.baseline_severity is None else Severity.of_rank(row.baseline_severity)
            ),
        )
        for row in rows
    ]


# A finding is gone only where its check came to a conclusion at its endpoint: as when a scan ends
# (services.findings.recording). A join, not EXISTS, so that it can be hashed.
_COMPARE = text(
    """
with here as (
  select finding_id, severity, message from observations
   where organization_id = :organization_id and scan_id = :scan_id
), there as (
  select finding_id, severity, message from observations
   where organization_id = :organization_id and scan_id = :baseline_id
), looked_for as (
  select distinct checked.id, checked.host, checked.port, checked.protocol
    from scan_results result,
         jsonb_to_recordset(result.checks)
           as checked(id text, host text, port int, protocol text, outcome text)
   where result.organization_id = :organization_id and result.scan_id = :scan_id
     and checked.outcome in ('passed', 'failed')
), missing as (
  select finding.id, looked_for.id is not null as is_gone
    from there
    join findings finding
      on finding.organization_id = :organization_id and finding.id = there.finding_id
    left join looked_for
      on looked_for.id = finding.check_id and looked_for.host = finding.host
     and looked_for.port is not distinct from finding.port
     and looked_for.protocol = finding.protocol
   where not exists (select 1 from here where here.finding_id = there.finding_id)
), classified as (
  select coalesce(here.finding_id, there.finding_id) as finding_id,
         coalesce(here.severity, there.severity) as severity,
         there.severity as baseline_severity,
         coalesce(here.message, there.message) as message,
         case when there.finding_id is null then 'new'
              when here.finding_id is not null and here.severity = there.severity then 'persistent'
              when here.finding_id is not null then 'severity_changed'
              when missing.is_gone then 'resolved'
              else 'not_rescanned' end as kind
    from here
    full join there on there.finding_id = here.finding_id
    left join missing on missing.id = there.finding_id
), ranked as (
  select classified.*, count(*) over (partition by kind) as total,
         row_number() over (partition by kind order by severity, finding_id) as place
    from classified
)
select ranked.kind, ranked.total, ranked.finding_id, ranked.severity, ranked.baseline_severity,
       ranked.message, finding.fingerprint, finding.check_id, finding.category, finding.host,
       finding.port
  from ranked
  join findings finding
    on finding.organization_id = :organization_id and finding.id = ranked.finding_id
 where ranked.place <= case ranked.kind when 'persistent' then 1 else :at_most end
 order by ranked.kind, ranked.place
    """
)


async def common_verdicts(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, baseline_id: UUID
) -> Mapping[UUID, Sequence[StoredTarget]]:
    """The stored checks of the targets that both scans looked at, by scan."""
    other = aliased(ScanResult)
    pair = (scan_id, baseline_id)
    statement = select(
        ScanResult.scan_id, ScanResult.target, ScanResult.status, ScanResult.checks
    ).where(
        ScanResult.organization_id == organization_id,
        ScanResult.scan_id.in_(pair),
        ScanResult.status.in_(LOOKED_AT),
        select(other.id)
        .where(
            other.organization_id == organization_id,
            other.scan_id.in_(pair),
            other.target == ScanResult.target,
            other.status.in_(LOOKED_AT),
            (other.scan_id != ScanResult.scan_id) | (scan_id == baseline_id),
        )
        .exists(),
    )
    found: dict[UUID, list[StoredTarget]] = defaultdict(list)
    for row_scan_id, target, status, checks in await session.execute(statement):
        found[row_scan_id].append(StoredTarget(target, status, checks))
    return found
