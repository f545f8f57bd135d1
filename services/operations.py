"""What an operator wants to know of the work: how much waits, who works, what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from services.database import Scope
from services.queue import HEALTH_KEY, QUEUE_NAME
from services.resources import Resources

_FAILED_SHOWN = 10


@dataclass(frozen=True, slots=True)
class FailedJob:
    kind: str
    id: UUID
    reason: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class BusyWorker:
    """A worker that holds leases now."""

    name: str
    batches: int


@dataclass(frozen=True, slots=True)
class JobsOverview:
    queued: int
    """Messages in Redis."""
    worker_status: str | None
    """The health line of the worker that reported last; None when none lives."""
    counts: dict[str, int]
    """Rows by state: ``scans pending``, ``batches running`` and so on."""
    oldest_pending_s: float | None
    workers: Sequence[BusyWorker]
    failed: Sequence[FailedJob]


async def jobs_overview(resources: Resources) -> JobsOverview:
    """Over all organizations; only counts, ids and reasons."""
    status = await resources.redis.get(HEALTH_KEY)
    async with resources.database.read(Scope(is_sweep=True)) as session:
        counts = (await session.execute(_COUNTS)).all()
        oldest = await session.scalar(_OLDEST)
        workers = (await session.execute(_WORKERS)).all()
        failed = (await session.execute(_FAILED, {"most": _FAILED_SHOWN})).all()
    return JobsOverview(
        queued=await resources.redis.zcard(QUEUE_NAME),
        worker_status=status.decode() if isinstance(status, bytes) else status,
        counts={f"{row.kind} {row.status}": row.number for row in counts},
        oldest_pending_s=float(oldest) if oldest is not None else None,
        workers=[BusyWorker(row.name, row.batches) for row in workers],
        failed=[FailedJob(row.kind, row.id, row.reason, row.ended_at) for row in failed],
    )


_COUNTS = text(
    """
select 'scans' as kind, status, count(*) as number from scans
 where status in ('pending', 'running') group by status
union all
select 'batches', status, count(*) from scan_batches
 where status in ('pending', 'running') group by status
union all
select 'reports', status, count(*) from reports
 where status in ('pending', 'started') group by status
 order by 1, 2
    """
)
_OLDEST = text(
    """
select extract(epoch from clock_timestamp() - min(created_at)) from (
  select created_at from scans where status = 'pending'
  union all select created_at from reports where status = 'pending') waiting
    """
)
_WORKERS = text(
    """
select lease_owner as name, count(*) as batches
  from scan_batches where status = 'running' and lease_until > clock_timestamp()
 group by lease_owner order by lease_owner
    """
)
_FAILED = text(
    """
select * from (
  select 'scan' as kind, id, coalesce(error_code, '') || ': ' || coalesce(error_message, '')
         as reason, updated_at as ended_at from scans where status = 'failed'
  union all
  select 'report', id, coalesce(error_code, '') || ': ' || coalesce(error, ''), updated_at
    from reports where status = 'failure') failed
 order by ended_at desc limit :most
    """
)
