"""SQL of the life cycle: many findings in one statement each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.database.base import as_json
from services.findings.life_state import COLUMNS, Row
from services.findings.models import Finding


async def lock_life_states(
    session: AsyncSession, organization_id: UUID, finding_ids: Sequence[UUID]
) -> dict[UUID, Row]:
    """Severity and life of those of the ids that there are.

    Locked in the order of fingerprints, as scans lock them: the two cannot deadlock.
    """
    rows = await session.execute(
        select(Finding.id, Finding.severity, *(getattr(Finding, name) for name in COLUMNS))
        .where(Finding.organization_id == organization_id, Finding.id.in_(finding_ids))
        .order_by(Finding.fingerprint)
        .with_for_update()
    )
    return {row.pop("id"): row for row in map(dict, rows.mappings())}


async def store_life_states(
    session: AsyncSession, organization_id: UUID, rows: Sequence[Row], now: datetime
) -> None:
    """Write the life of many findings in one statement."""
    await session.execute(
        _STORE_LIFE_STATES,
        {"organization_id": organization_id, "now": now, "rows": as_json(rows)},
    )


_TYPES = {
    "resolved_at": "timestamptz",
    "due_at": "timestamptz",
    "accepted_until": "timestamptz",
    "assigned_to": "uuid",
    "accepted_by": "uuid",
    "is_due_fixed": "boolean",
    "needs_review": "boolean",
    "acceptance_notice": "integer",
}
_STORE_LIFE_STATES = text(
    f"""
update findings
   set {", ".join(f"{name} = changed.{name}" for name in COLUMNS)}, updated_at = :now
  from jsonb_to_recordset(cast(:rows as jsonb))
    as changed(id uuid, {", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in COLUMNS)})
 where findings.organization_id = :organization_id and findings.id = changed.id
    """  # noqa: S608 - column names of ours, no input
)


async def list_organizations_with_ending(
    session: AsyncSession, now: datetime, notices: Sequence[int], *, at_most: int
) -> Sequence[UUID]:
    """Organizations with an accepted risk that has ended, or whose notice is due."""
    rows = await session.scalars(_ENDING, {"now": now, "notices": list(notices), "most": at_most})
    return rows.all()


_ENDING = text(
    """
select distinct organization_id from findings
 where status = 'accepted_risk'
   and (accepted_until <= :now
        or exists (select 1 from unnest(cast(:notices as int[])) days
                    where accepted_until <= :now + make_interval(days => days)
                      and (acceptance_notice is null or acceptance_notice > days)))
 limit :most
    """
)


async def end_acceptances(
    session: AsyncSession, organization_id: UUID, now: datetime
) -> Sequence[tuple[UUID, datetime]]:
    """Open what was accepted until now; gives back which, and until when each was accepted."""
    rows = await session.execute(_END, {"organization_id": organization_id, "now": now})
    return rows.all()


_END = text(
    """
with ended as (
  select id, accepted_until from findings
   where organization_id = :organization_id and status = 'accepted_risk'
     and accepted_until <= :now
   order by fingerprint
     for update
)
update findings
   set status = 'open', accepted_until = null, accepted_by = null, acceptance_notice = null,
       updated_at = :now
  from ended
 where findings.organization_id = :organization_id and findings.id = ended.id
returning findings.id, ended.accepted_until
    """
)


async def note_ending(
    session: AsyncSession, organization_id: UUID, before: datetime, days: int
) -> Sequence[UUID]:
    """Remember that a notice of so many days is given; gives back whom it is about, once each."""
    rows = await session.scalars(
        _NOTICE, {"organization_id": organization_id, "before": before, "days": days}
    )
    return rows.all()


_NOTICE = text(
    """
with ending as (
  select id from findings
   where organization_id = :organization_id and status = 'accepted_risk'
     and accepted_until <= :before
     and (acceptance_notice is null or acceptance_notice > :days)
   order by fingerprint
     for update
)
update findings set acceptance_notice = :days
  from ending
 where findings.organization_id = :organization_id and findings.id = ending.id
returning findings.id
    """
)
