"""The lease protocol of batches: claim, heartbeat, fence (JOB-2, JOB-3).

The database's clock decides: clocks of workers may differ. ``attempt`` is the fencing token; a
worker whose attempt is not the row's has lost the batch, and nothing it writes is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

MOST_LOST_WORKERS = 3
"""Workers a batch may cost while none of its targets gets finished; after that those left are
written off, by name. A worker killed for another reason leaves finished targets behind."""


class LeaseLost(Exception):
    """Another worker has the batch, or the scan has ended: stop, and write nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed batch."""

    organization_id: UUID
    scan_id: UUID
    batch_id: UUID
    attempt: int
    owner: str
    lost_workers: int = 0

    @property
    def is_exhausted(self) -> bool:
        return self.lost_workers >= MOST_LOST_WORKERS


async def claim_batch(
    session: AsyncSession, organization_id: UUID, batch_id: UUID, *, owner: str, lease_s: float
) -> Lease | None:
    """The lease of a batch nobody else holds; None when somebody does or it has ended."""
    row = (
        await session.execute(
            _CLAIM,
            {
                "organization_id": organization_id,
                "batch_id": batch_id,
                "owner": owner,
                "lease_s": lease_s,
            },
        )
    ).first()
    if row is None:
        return None
    lease = Lease(organization_id, row.scan_id, batch_id, row.attempt, owner, row.lost_workers)
    await session.execute(_SERVE, _fence(lease))
    return lease


async def extend_lease(session: AsyncSession, lease: Lease, *, lease_s: float) -> bool:
    """Whether the batch is still ours and its scan still running.

    Also after the lease has ended, as after an outage of the database, if nobody has taken the
    batch or been given the turn at one of its addresses since. The scope is a sweep's, too.
    """
    parameters = _fence(lease) | {"lease_s": lease_s}
    if (await session.execute(_EXTEND, parameters)).first() is not None:
        return True
    # Nobody is given a turn at our addresses while we look whether somebody was.
    await session.execute(_LOCK_TURNS, _fence(lease))
    return (await session.execute(_REVIVE, parameters)).first() is not None


async def hold_lease(session: AsyncSession, lease: Lease) -> None:
    """Keep the batch ours until a transaction that finishes a target ends. Raises LeaseLost."""
    # Not first a shared lock and then an update: two targets that end at once would deadlock.
    statement = _HOLD_AND_FORGIVE if lease.lost_workers else _HOLD
    if (await session.execute(statement, _fence(lease))).first() is None:
        raise LeaseLost


async def count_target_done(session: AsyncSession, lease: Lease) -> int:
    """One more target done; gives back the percentage. Raises LeaseLost once the scan has ended.

    The last statement of its transaction: the scan's row is locked for as short as can be.
    """
    row = (await session.execute(_COUNT, _fence(lease))).first()
    if row is None:
        raise LeaseLost
    return int(row[0])


async def note_waiting(session: AsyncSession, lease: Lease) -> bool:
    """The scan says that it waits for an address; whether it did not before.

    The next target that is done takes that back.
    """
    return (await session.execute(_NOTE_WAITING, _fence(lease))).first() is not None


async def close_batch(session: AsyncSession, lease: Lease) -> bool:
    """Whether this was the last batch of the scan. Raises LeaseLost.

    Batches of a scan close one after the other: of two that close at once, each would still see
    the other running, and nobody would finish the scan.
    """
    await session.execute(_LOCK_SCAN, _fence(lease))
    closed = (await session.execute(_CLOSE, _fence(lease))).first()
    if closed is None:
        raise LeaseLost
    left = await session.scalar(_LEFT, _fence(lease))
    return not left


async def queue_batches(
    session: AsyncSession, organization_id: UUID, scan_id: UUID, *, most: int
) -> Sequence[UUID]:
    """Mark the next waiting batches of a scan as queued, in order; gives back their ids."""
    parameters = {"organization_id": organization_id, "scan_id": scan_id, "most": most}
    return (await session.scalars(_QUEUE, parameters)).all()


async def release_batch(session: AsyncSession, lease: Lease) -> None:
    """Hand an unfinished batch back at once: this worker was asked to stop, the batch is well."""
    await session.execute(_RELEASE, _fence(lease))


def _fence(lease: Lease) -> dict[str, object]:
    return {
        "organization_id": lease.organization_id,
        "scan_id": lease.scan_id,
        "batch_id": lease.batch_id,
        "attempt": lease.attempt,
    }


_OURS = (
    "batch.organization_id = :organization_id and batch.id = :batch_id"
    " and batch.attempt = :attempt and batch.status = 'running'"
)
_CLAIM = text(
    """
update scan_batches batch
   set status = 'running', attempt = batch.attempt + 1, lease_owner = :owner,
       lost_workers = batch.lost_workers + case batch.status when 'running' then 1 else 0 end,
       lease_until = clock_timestamp() + make_interval(secs => :lease_s), updated_at = now()
  from scans scan
 where batch.organization_id = :organization_id and batch.id = :batch_id
   and (batch.status = 'pending'
        or (batch.status = 'running' and batch.lease_until < clock_timestamp()))
   and scan.organization_id = batch.organization_id and scan.id = batch.scan_id
   and scan.status = 'running'
returning batch.scan_id, batch.attempt, batch.lost_workers
    """
)
_SERVE = text(
    "update scans set served_at = clock_timestamp()"
    " where organization_id = :organization_id and id = :scan_id"
)
_EXTEND_SQL = f"""
update scan_batches batch
   set lease_until = clock_timestamp() + make_interval(secs => :lease_s)
  from scans scan
 where {_OURS} and scan.organization_id = batch.organization_id and scan.id = batch.scan_id
   and scan.status = 'running'
"""  # noqa: S608 - a constant of this module, no input
_EXTEND = text(_EXTEND_SQL + " and batch.lease_until >= clock_timestamp() returning 1")
# A second longer than the lease: an extension that came just in time may not be visible yet.
_TAKEN_SINCE = """
select 1 from address_turns ours
  join address_turns theirs on theirs.address = ours.address
  join scan_batches other on other.organization_id = theirs.organization_id
   and other.id = theirs.batch_id and other.attempt = theirs.attempt
 where ours.organization_id = batch.organization_id and ours.batch_id = batch.id
   and ours.attempt = batch.attempt and other.scan_id <> batch.scan_id
   and other.status = 'running'
   and other.lease_until >= clock_timestamp() - interval '1 second'
"""
_REVIVE = text(_EXTEND_SQL + f" and not exists ({_TAKEN_SINCE}) returning 1")
LOCK_ADDRESSES = (
    "select pg_advisory_xact_lock(hashtextextended('turn at ' || address, 0)) from ({addresses}"
    " order by address) ordered"
)
"""In one order everywhere: two that share several addresses would else deadlock."""
_LOCK_TURNS = text(
    LOCK_ADDRESSES.format(
        addresses="select address from address_turns where organization_id = :organization_id"
        " and batch_id = :batch_id and attempt = :attempt"
    )
)
_HOLD = text(
    f"select 1 from scan_batches batch where {_OURS} for share"  # noqa: S608 - as above
)
_HOLD_AND_FORGIVE = text(
    f"update scan_batches batch set lost_workers = 0 where {_OURS} returning 1"  # noqa: S608 - as above
)
_COUNT = text(
    """
update scans set targets_done = targets_done + 1, waits_for = null, updated_at = now()
 where organization_id = :organization_id and id = :scan_id and status = 'running'
returning least(99, 100 * targets_done / greatest(targets_total, 1))
    """
)
_NOTE_WAITING = text(
    "update scans set waits_for = 'address', updated_at = now()"
    " where organization_id = :organization_id and id = :scan_id and status = 'running'"
    " and waits_for is null returning 1"
)
_LOCK_SCAN = text(
    "select 1 from scans where organization_id = :organization_id and id = :scan_id"
    " for no key update"
)
_CLOSE = text(
    f"""
update scan_batches batch set status = 'done', lease_until = null, updated_at = now()
 where {_OURS} returning 1
    """  # noqa: S608 - as above
)
# The rows are chosen once: in a subquery of the update, a nested loop would choose again for each
# row and mark more than it was told to.
_QUEUE = text(
    """
with next as materialized (
  select id from scan_batches
   where organization_id = :organization_id and scan_id = :scan_id
     and status = 'pending' and queued_at is null
   order by number limit :most for update skip locked)
update scan_batches batch set queued_at = clock_timestamp(), updated_at = now()
  from next where batch.organization_id = :organization_id and batch.id = next.id
returning batch.id
    """
)
_LEFT = text(
    """
select 1 from scan_batches where organization_id = :organization_id and scan_id = :scan_id
   and status <> 'done' limit 1
    """
)
_RELEASE = text(
    f"""
update scan_batches batch
   set status = 'pending', lease_owner = null, lease_until = null
 where {_OURS}
    """  # noqa: S608 - as above
)
