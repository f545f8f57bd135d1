"""What a worker looks for every few seconds: work whose message was lost, or whose worker was.

Redis may be emptied at any moment. These statements find every row that waits for somebody and
ring again; the jobs themselves decide whether there is anything left to do.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import TextClause, text

from services.database import Database, Scope
from services.queue import Job
from services.scans.admission import PLAN_SCAN, ScanQuota
from services.scans.finalizer import fail_scan
from services.scans.planner import RUN_BATCH
from services.scans.runner import FINALIZE_SCAN

QUIET = timedelta(seconds=10)
"""How long a row waits before somebody asks whether its message was lost."""
_AT_MOST = 500


async def sweep_scans(database: Database, quota: ScanQuota) -> list[Job]:
    """The jobs to queue again, and the end of scans past their deadline. Safe to run anywhere."""
    jobs: list[Job] = []
    async with database.read(Scope(is_sweep=True)) as session:
        parameters: dict[str, Any] = {  # Any: bind parameters
            "quiet": QUIET,
            "most": _AT_MOST,
            "running": quota.running,
        }
        for name, statement in _DUE:
            rows = (await session.execute(statement, parameters)).all()
            jobs.extend(Job(name, row[0], row[1], row[2]) for row in rows)
        overdue = (await session.execute(_OVERDUE, parameters)).all()
    for organization_id, scan_id in overdue:
        await fail_scan(
            database,
            organization_id,
            scan_id,
            code="time_limit",
            reason="The scan passed its time limit; the results so far were kept",
        )
    return jobs


_DUE: tuple[tuple[str, TextClause], ...] = (
    (
        PLAN_SCAN,
        text(
            """
select organization_id, id, attempt from (
  select organization_id, id, attempt, created_at,
         row_number() over (partition by organization_id order by is_scheduled, id) as turn,
         (select count(*) from scans running
           where running.organization_id = scan.organization_id
             and running.status = 'running') as running
    from scans scan
   where status = 'pending'
     and created_at < clock_timestamp() - cast(:quiet as interval)) waiting
 where turn + running <= cast(:running as integer) or cast(:running as integer) is null
 order by created_at limit :most
            """
        ),
    ),
    (
        RUN_BATCH,
        text(
            """
select batch.organization_id, batch.id, batch.attempt
  from scan_batches batch
  join scans scan on scan.organization_id = batch.organization_id and scan.id = batch.scan_id
 where scan.status = 'running'
   and ((batch.status = 'pending'
         and batch.queued_at < clock_timestamp() - cast(:quiet as interval))
        or (batch.status = 'running' and batch.lease_until < clock_timestamp()))
 order by batch.updated_at limit :most
            """
        ),
    ),
    (
        FINALIZE_SCAN,
        text(
            """
select scan.organization_id, scan.id, scan.attempt
  from scans scan
 where scan.status = 'running'
   and scan.updated_at < clock_timestamp() - cast(:quiet as interval)
   and not exists (select 1 from scan_batches batch
                    where batch.scan_id = scan.id and batch.status <> 'done')
 order by scan.updated_at limit :most
            """
        ),
    ),
)
_OVERDUE = text(
    "select organization_id, id from scans where status in ('pending', 'running')"
    " and deadline_at < clock_timestamp() order by deadline_at limit :most"
)
