"""What a scan saw becomes findings and observations, in a handful of set-based statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.findings.fingerprint import fingerprint
from services.findings.models import Finding, FindingEvent, FindingStatus, Observation
from services.identifiers import uuid7
from services.scanner.check import CheckResult, Outcome, Severity


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where and when something was seen."""

    organization_id: UUID
    scan_id: UUID
    scan_result_id: UUID
    asset_id: UUID | None
    seen_at: datetime


async def record_findings(
    session: AsyncSession, sighting: Sighting, results: Sequence[CheckResult]
) -> None:
    """File every problem of one target: new, seen again or back.

    The caller holds the scan result's unique key, so that this happens once per target. Rows are
    locked in the order of their fingerprint: two targets with a problem in common cannot
    deadlock.
    """
    rows = _rows(sighting, results)
    if not rows:
        return
    known = await _lock_known(session, sighting.organization_id, list(rows))
    ids = await _upsert(session, list(rows.values()))
    await session.execute(
        insert(Observation)
        .values(
            [
                {
                    "organization_id": sighting.organization_id,
                    "scan_id": sighting.scan_id,
                    "finding_id": ids[key],
                    "scan_result_id": sighting.scan_result_id,
                    "severity": row["severity"],
                    "message": row["message"],
                    "evidence": row["evidence"],
                    "seen_at": sighting.seen_at,
                }
                for key, row in rows.items()
            ]
        )
        .on_conflict_do_nothing()
    )
    session.add_all(
        _event(sighting.organization_id, sighting.scan_id, ids[key], status, FindingStatus.OPEN)
        for key, status in known.items()
        if status is FindingStatus.RESOLVED
    )


async def resolve_gone(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, now: datetime
) -> int:
    """Resolve what a finished scan looked for at the same endpoint and did not see any more.

    A target that was dead, blocked or skipped evaluated nothing, so it resolves nothing. Gives
    back how many.
    """
    gone = await session.execute(
        _GONE, {"organization_id": organization_id, "scan_id": scan_id, "now": now}
    )
    rows = gone.all()
    session.add_all(
        _event(
            organization_id,
            scan_id,
            finding_id,
            FindingStatus(status),
            FindingStatus.RESOLVED,
            note="fixed_verified",
        )
        for finding_id, status in rows
    )
    return len(rows)


def _event(
    organization_id: UUID,
    scan_id: UUID,
    finding_id: UUID,
    from_status: FindingStatus,
    to_status: FindingStatus,
    note: str | None = None,
) -> FindingEvent:
    return FindingEvent(
        organization_id=organization_id,
        finding_id=finding_id,
        actor_id=None,
        from_status=from_status,
        to_status=to_status,
        note=note,
        scan_id=scan_id,
    )


Row = dict[str, Any]  # Any: column values of one row


def _rows(sighting: Sighting, results: Sequence[CheckResult]) -> Mapping[bytes, Row]:
    """One row per fingerprint, sorted by it; of two problems with one identity the worse."""
    rows: dict[bytes, Row] = {}
    for result in results:
        if result.verdict.outcome is not Outcome.FAILED:
            continue
        for problem in result.verdict.problems:
            key = fingerprint(result.check.id, result.endpoint, problem.discriminator)
            severity = problem.severity or result.check.severity
            twin = rows.get(key)
            if twin is not None and twin["severity"].rank <= severity.rank:
                continue
            rows[key] = _row(sighting, result, key, severity) | {
                "discriminator": problem.discriminator,
                "message": problem.message,
                "evidence": dict(problem.evidence),
            }
    return dict(sorted(rows.items()))


def _row(sighting: Sighting, result: CheckResult, key: bytes, severity: Severity) -> Row:
    return {
        "id": uuid7(),
        "organization_id": sighting.organization_id,
        "fingerprint": key,
        "check_id": result.check.id,
        "category": result.check.category,
        "asset_id": sighting.asset_id,
        "host": result.endpoint.host,
        "port": result.endpoint.port,
        "protocol": result.endpoint.protocol,
        "severity": severity,
        "status": FindingStatus.OPEN,
        "first_seen_at": sighting.seen_at,
        "last_seen_at": sighting.seen_at,
        "last_scan_id": sighting.scan_id,
        "occurrences": 1,
        "reopened_count": 0,
        "created_at": sighting.seen_at,
        "updated_at": sighting.seen_at,
    }


async def _lock_known(
    session: AsyncSession, organization_id: UUID, keys: Sequence[bytes]
) -> dict[bytes, FindingStatus]:
    statement = (
        select(Finding.fingerprint, Finding.status)
        .where(Finding.organization_id == organization_id, Finding.fingerprint.in_(keys))
        .order_by(Finding.fingerprint)
        .with_for_update()
    )
    rows = await session.execute(statement)
    return dict(rows.all())


async def _upsert(session: AsyncSession, rows: Sequence[Row]) -> dict[bytes, UUID]:
    """The findings' ids by fingerprint, new and known alike."""
    statement = insert(Finding).values(list(rows))
    new, was_resolved = statement.excluded, Finding.status == FindingStatus.RESOLVED
    stored = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id", "fingerprint"],
            set_={
                "asset_id": new.asset_id,
                "severity": new.severity,
                "message": new.message,
                "evidence": new.evidence,
                "last_seen_at": new.last_seen_at,
                "last_scan_id": new.last_scan_id,
                "updated_at": new.updated_at,
                "occurrences": Finding.occurrences + 1,
                "status": case((was_resolved, FindingStatus.OPEN.value), else_=Finding.status),
                "reopened_count": case(
                    (was_resolved, Finding.reopened_count + 1), else_=Finding.reopened_count
                ),
                "resolved_at": None,
                "resolution_note": case((was_resolved, None), else_=Finding.resolution_note),
            },
        ).returning(Finding.fingerprint, Finding.id)
    )
    return dict(stored.all())


# A check that was evaluated at an endpoint names everything that is wrong there: what it knew
# before and did not name now is gone.
_GONE = text(
    """
with evaluated as (
  select distinct checked.id, checked.host, checked.port, checked.protocol
    from scan_results result,
         jsonb_to_recordset(result.checks)
           as checked(id text, host text, port int, protocol text, outcome text)
   where result.organization_id = :organization_id and result.scan_id = :scan_id
     and checked.outcome in ('passed', 'failed')
), gone as (
  select finding.id, finding.status
    from findings finding
    join evaluated on finding.check_id = evaluated.id and finding.host = evaluated.host
     and finding.port is not distinct from evaluated.port
     and finding.protocol = evaluated.protocol
   where finding.organization_id = :organization_id
     and finding.status in ('open', 'acknowledged', 'in_progress', 'accepted_risk')
     and not exists (select 1 from observations seen
                      where seen.organization_id = :organization_id
                        and seen.scan_id = :scan_id and seen.finding_id = finding.id)
   order by finding.fingerprint
     for update of finding
)
update findings
   set status = 'resolved', resolved_at = :now, updated_at = :now,
       resolution_note = 'fixed_verified'
  from gone
 where findings.organization_id = :organization_id and findings.id = gone.id
returning findings.id, gone.status
    """
)


async def forget_scan(session: AsyncSession, organization_id: UUID, scan_id: UUID) -> None:
    """Before a scan is deleted: its own findings go, the others remember who saw them before."""
    parameters = {"organization_id": organization_id, "scan_id": scan_id}
    await session.execute(_DELETE_ONLY_SEEN_BY, parameters)
    await session.execute(_RECOMPUTE_SEEN, parameters)


_DELETE_ONLY_SEEN_BY = text(
    """
delete from findings
 where organization_id = :organization_id
   and id in (select finding_id from observations
               where organization_id = :organization_id and scan_id = :scan_id)
   and not exists (select 1 from observations other
                    where other.organization_id = :organization_id
                      and other.finding_id = findings.id and other.scan_id <> :scan_id)
    """
)
_RECOMPUTE_SEEN = text(
    """
update findings
   set first_seen_at = seen.first, last_seen_at = seen.last, last_scan_id = seen.last_scan,
       occurrences = seen.scans
  from (select finding_id, min(seen_at) as first, max(seen_at) as last, count(*) as scans,
               (array_agg(scan_id order by seen_at desc, scan_id desc))[1] as last_scan
          from observations
         where organization_id = :organization_id and scan_id <> :scan_id
           and finding_id in (select finding_id from observations
                               where organization_id = :organization_id and scan_id = :scan_id)
         group by finding_id) seen
 where findings.organization_id = :organization_id and findings.id = seen.finding_id
    """
)
