"""Whose batch is worked next: the organizations take turns, whoever's message rang.

A message only says that there is a batch for somebody to work; which one is decided here, at the
moment a worker is free. So an organization that asked for a large network an hour ago and one that
asks for a single host now get the same share of the workers.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_AT_MOST = 4
"""Batches named at once: another worker may take the first."""


async def next_batches(session: AsyncSession) -> Sequence[tuple[UUID, UUID]]:
    """``(organization, batch)`` of those nobody works at, whose turn it is first.

    The organization with the fewest batches being worked, of those the one served longest ago; in
    it, scans that a person started before those of the clock; of a scan, batches by number. Reads
    across organizations: only in the scope of a sweep.
    """
    rows = (await session.execute(_NEXT, {"most": _AT_MOST})).all()
    return [(row.organization_id, row.batch_id) for row in rows]


_NEXT = text(
    """
with shares as (
  select scan.organization_id, scan.id, scan.is_scheduled, scan.served_at,
         waiting.id as batch_id, held.number as held,
         sum(held.number) over of_organization as organization_held,
         max(scan.served_at) over of_organization as organization_served_at
    from scans scan
    cross join lateral (
      select count(*) as number from scan_batches batch
       where batch.scan_id = scan.id and batch.status = 'running'
         and batch.lease_until >= clock_timestamp()) held
    left join lateral (
      select batch.id from scan_batches batch
       where batch.scan_id = scan.id and batch.status in ('pending', 'running')
         and ((batch.status = 'pending' and batch.queued_at is not null)
              or (batch.status = 'running' and batch.lease_until < clock_timestamp()))
       order by batch.number limit 1) waiting on true
   where scan.status = 'running'
  window of_organization as (partition by scan.organization_id))
select organization_id, batch_id from shares
 where batch_id is not null
 order by organization_held, organization_served_at nulls first,
          is_scheduled, held, served_at nulls first, id
 limit :most
    """
)
