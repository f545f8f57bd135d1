"""SQL of comparing two scans."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
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
# (services.findings.recording). Sets are made by grouping and windows, not by joins: right after a
# big scan the planner has no statistics of it, and would loop over one set for each of the other.
_COMPARE = text(
    """
with seen as (
  select finding_id,
         min(severity) filter (where scan_id = :scan_id) as here,
         min(severity) filter (where scan_id = :baseline_id) as there
    from observations
   where organization_id = :organization_id and scan_id in (:scan_id, :baseline_id)
   group by finding_id
), endpoints as (
  select seen.finding_id, seen.there, finding.check_id, finding.host, finding.port,
         finding.protocol
    from seen
    join findings finding
      on finding.organization_id = :organization_id and finding.id = seen.finding_id
   where seen.here is null
   union all
  select null, null, checked.id, checked.host, checked.port, checked.protocol
    from scan_results result,
         jsonb_to_recordset(result.checks)
           as checked(id text, host text, port int, protocol text, outcome text)
   where result.organization_id = :organization_id and result.scan_id = :scan_id
     and checked.outcome in ('passed', 'failed')
), missing as (
  select finding_id, there,
         bool_or(finding_id is null) over (partition by check_id, host, port, protocol) as is_gone
    from endpoints
), classified as (
  select finding_id, here as severity, there as baseline_severity,
         cast(:scan_id as uuid) as told_by,
         case when there is null then 'new'
              when there = here then 'persistent'
              else 'severity_changed' end as kind
    from seen
   where here is not null
   union all
  select finding_id, there, there, cast(:baseline_id as uuid),
         case when is_gone then 'resolved' else 'not_rescanned' end
    from missing
   where finding_id is not null
), ranked as (
  select classified.*, count(*) over (partition by kind) as total,
         row_number() over (partition by kind order by severity, finding_id) as place
    from classified
)
select ranked.kind, ranked.total, ranked.finding_id, ranked.severity, ranked.baseline_severity,
       told.message, finding.fingerprint, finding.check_id, finding.category, finding.host,
       finding.port
  from ranked
  join findings finding
    on finding.organization_id = :organization_id and finding.id = ranked.finding_id
  join observations told
    on told.organization_id = :organization_id and told.scan_id = ranked.told_by
   and told.finding_id = ranked.finding_id
 where ranked.place <= case ranked.kind when 'persistent' then 1 else :at_most end
 order by ranked.kind, ranked.place
    """
).bindparams(bindparam("scan_id", type_=Uuid()), bindparam("baseline_id", type_=Uuid()))


async def looked_at_the_same(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, baseline_id: UUID
) -> bool:
    """Whether every target that one of the two scans could judge, the other could judge, too."""
    pair = {scan_id, baseline_id}
    one_sided = (
        select(ScanResult.target)
        .where(
            ScanResult.organization_id == organization_id,
            ScanResult.scan_id.in_(pair),
            ScanResult.status.in_(LOOKED_AT),
        )
        .group_by(ScanResult.target)
        .having(func.count() < len(pair))
    )
    return not await session.scalar(select(one_sided.exists()))


async def common_verdicts(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, baseline_id: UUID
) -> Mapping[UUID, Sequence[StoredTarget]]:
    """The stored checks of the targets that two different scans looked at, by scan."""
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
            other.scan_id != ScanResult.scan_id,
        )
        .exists(),
    )
    found: dict[UUID, list[StoredTarget]] = defaultdict(list)
    for row_scan_id, target, status, checks in await session.execute(statement):
        found[row_scan_id].append(StoredTarget(target, status, checks))
    return found
