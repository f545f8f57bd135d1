"""An address is probed by one scan at a time, whoever's scan it is.

A turn counts for as long as its batch is worked under the lease it was taken with: a dead worker's
turns end with its lease, and nothing has to clear them away. Whoever waits for a turn holds none,
so nobody waits for each other in a circle.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.scans.leases import LOCK_ADDRESSES, Lease


async def take_turn(
    session: AsyncSession, lease: Lease, target_id: UUID, addresses: Sequence[str]
) -> bool:
    """Whether no other scan is at any of the addresses, which are the target's turn from now on.

    Not while our own lease has lapsed: the turn would count for nothing.

    Reads across organizations and writes in one: the scope names the organization and is a sweep's.
    """
    parameters = {
        "organization_id": lease.organization_id,
        "scan_id": lease.scan_id,
        "batch_id": lease.batch_id,
        "attempt": lease.attempt,
        "target_id": target_id,
        "addresses": list(addresses),
    }
    await session.execute(_LOCK, {"addresses": list(addresses)})
    return (await session.execute(_TAKE, parameters)).first() is not None


async def end_turn(session: AsyncSession, lease: Lease, target_id: UUID) -> None:
    await session.execute(_END, {"organization_id": lease.organization_id, "target_id": target_id})


async def end_turns(session: AsyncSession, lease: Lease) -> None:
    """All of a batch that was worked under this lease."""
    await session.execute(
        _END_ALL,
        {
            "organization_id": lease.organization_id,
            "batch_id": lease.batch_id,
            "attempt": lease.attempt,
        },
    )


_LOCK = text(
    LOCK_ADDRESSES.format(
        addresses="select address from unnest(cast(:addresses as text[])) address"
    )
)
# A second longer than the lease, as in ``leases``.
_TAKE = text(
    """
insert into address_turns (organization_id, batch_id, attempt, scan_target_id, address)
select :organization_id, :batch_id, :attempt, :target_id, address
  from unnest(cast(:addresses as text[])) address
 where exists (
   select 1 from scan_batches ours
    where ours.organization_id = :organization_id and ours.id = :batch_id
      and ours.attempt = :attempt and ours.lease_until >= clock_timestamp())
   and not exists (
   select 1 from address_turns taken
     join scan_batches batch on batch.organization_id = taken.organization_id
      and batch.id = taken.batch_id and batch.attempt = taken.attempt
    where taken.address = any(cast(:addresses as text[])) and batch.scan_id <> :scan_id
      and batch.status = 'running' and batch.lease_until >= clock_timestamp() - interval '1 second')
on conflict (scan_target_id, address) do update
   set batch_id = excluded.batch_id, attempt = excluded.attempt
returning 1
    """
)
_END = text(
    "delete from address_turns"
    " where organization_id = :organization_id and scan_target_id = :target_id"
)
_END_ALL = text(
    "delete from address_turns where organization_id = :organization_id"
    " and batch_id = :batch_id and attempt = :attempt"
)
