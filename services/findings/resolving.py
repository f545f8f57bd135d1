"""Findings that the platform resolves by itself, and what it forgets with a scan."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.actor import Actor, Permission
from services.database import UnitOfWork, utcnow
from services.findings.history_models import FindingEventKind
from services.findings.history_queries import EventRow, store_events
from services.findings.models import FindingStatus, Resolution


async def resolve_gone(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, now: datetime
) -> int:
    """Resolve what a finished scan looked for at the same endpoint and did not see any more.

    A target that was dead, blocked or skipped evaluated nothing, so it resolves nothing; nor does
    a look that is older than the last time the finding was seen. Gives back how many.
    """
    gone = await session.execute(
        _GONE, {"organization_id": organization_id, "scan_id": scan_id, "now": now}
    )
    events = _resolved(gone.all(), Resolution.FIXED_VERIFIED)
    await store_events(session, organization_id, events, now, scan_id=scan_id)
    return len(events)


async def resolve_for_removed_asset(work: UnitOfWork, actor: Actor, asset_id: UUID) -> None:
    """Take the findings of an asset that is no longer watched out of the counts.

    What was unresolved or accepted becomes resolved, and its history says why: nothing was fixed.
    """
    actor.require(Permission.ASSETS_WRITE)
    now = utcnow()
    retired = await work.session.execute(
        _RETIRE,
        {"organization_id": actor.organization_id, "asset_id": asset_id, "now": now},
    )
    await store_events(
        work.session,
        actor.organization_id,
        _resolved(retired.all(), Resolution.ASSET_REMOVED),
        now,
        actor_id=actor.user_id,
    )


def _resolved(rows: Sequence[tuple[UUID, str]], why: Resolution) -> list[EventRow]:
    """Steps from the status each finding had; a status that nothing changed is no step."""
    return [
        EventRow(finding_id, FindingEventKind.STATUS, status, FindingStatus.RESOLVED, note=why)
        for finding_id, status in rows
        if status not in {FindingStatus.RESOLVED, FindingStatus.FALSE_POSITIVE}
    ]


# A check that was evaluated at an endpoint names everything that is wrong there: what it knew
# before and did not name now is gone.
_GONE = text(
    """
with evaluated as (
  select checked.id, checked.host, checked.port, checked.protocol,
         max(result.created_at) as looked_at
    from scan_results result,
         jsonb_to_recordset(result.checks)
           as checked(id text, host text, port int, protocol text, outcome text)
   where result.organization_id = :organization_id and result.scan_id = :scan_id
     and checked.outcome in ('passed', 'failed')
   group by checked.id, checked.host, checked.port, checked.protocol
), gone as (
  select finding.id, finding.status
    from findings finding
    join evaluated on finding.check_id = evaluated.id and finding.host = evaluated.host
     and finding.port is not distinct from evaluated.port
     and finding.protocol = evaluated.protocol
     and finding.last_seen_at <= evaluated.looked_at
   where finding.organization_id = :organization_id
     and finding.status in ('open', 'acknowledged', 'in_progress', 'accepted_risk')
     and not exists (select 1 from observations seen
                      where seen.organization_id = :organization_id
                        and seen.scan_id = :scan_id and seen.finding_id = finding.id)
   order by finding.fingerprint
     for update of finding
)
update findings
   set status = 'resolved', resolution = 'fixed_verified', resolved_at = :now, updated_at = :now,
       resolution_note = 'fixed_verified', accepted_until = null, accepted_by = null,
       acceptance_notice = null
  from gone
 where findings.organization_id = :organization_id and findings.id = gone.id
returning findings.id, gone.status
    """
)
_RETIRE = text(
    """
with retired as (
  select id, status, status in ('open', 'acknowledged', 'in_progress', 'accepted_risk') as is_alive
    from findings
   where organization_id = :organization_id and asset_id = :asset_id
   order by fingerprint
     for update
)
update findings
   set is_retired = true, updated_at = :now,
       status = case when is_alive then 'resolved' else findings.status end,
       resolution = case when is_alive then 'asset_removed' else findings.resolution end,
       resolved_at = case when is_alive then :now else findings.resolved_at end,
       resolution_note =
         case when is_alive then 'asset_removed' else findings.resolution_note end,
       accepted_until = null, accepted_by = null, acceptance_notice = null
  from retired
 where findings.organization_id = :organization_id and findings.id = retired.id
returning findings.id, retired.status
    """
)


async def forget_scan(session: AsyncSession, organization_id: UUID, scan_id: UUID) -> None:
    """Before a scan is deleted: its own findings go, the others remember who saw them before.

    Locked in the order of fingerprints, as everybody else locks them: nobody can deadlock.
    """
    parameters = {"organization_id": organization_id, "scan_id": scan_id}
    await session.execute(_LOCK_SEEN_BY, parameters)
    await session.execute(_DELETE_ONLY_SEEN_BY, parameters)
    await session.execute(_RECOMPUTE_SEEN, parameters)


_LOCK_SEEN_BY = text(
    """
select 1 from findings
 where organization_id = :organization_id
   and id in (select finding_id from observations
               where organization_id = :organization_id and scan_id = :scan_id)
 order by fingerprint
   for update
    """
)
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
# The last state is what the last of the remaining scans saw; the clock of a finding that was never
# resolved starts with the first of them.
_RECOMPUTE_SEEN = text(
    """
update findings
   set first_seen_at = seen.first, last_seen_at = seen.last, occurrences = seen.scans,
       opened_at = case when opened_at = first_seen_at then seen.first else opened_at end,
       last_scan_id = newest.scan_id, severity = newest.severity, message = newest.message,
       evidence = newest.evidence
  from (select finding_id, min(seen_at) as first, max(seen_at) as last, count(*) as scans
          from observations
         where organization_id = :organization_id and scan_id <> :scan_id
           and finding_id in (select finding_id from observations
                               where organization_id = :organization_id and scan_id = :scan_id)
         group by finding_id) seen
  cross join lateral (select scan_id, severity, message, evidence from observations last
                       where last.organization_id = :organization_id
                         and last.finding_id = seen.finding_id and last.scan_id <> :scan_id
                       order by last.seen_at desc, last.scan_id desc limit 1) newest
 where findings.organization_id = :organization_id and findings.id = seen.finding_id
    """
)
