"""SQL of the life cycle: many findings in one statement each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.database.base import as_json
from services.findings.models import Finding

Row = dict[str, Any]  # Any: column values of one row


async def lock_life_states(
    session: AsyncSession, organization_id: UUID, finding_ids: Sequence[UUID]
) -> dict[UUID, Row]:
    """The life-cycle columns of those of the ids that there are, locked in the order of ids."""
    rows = await session.execute(
        select(
            Finding.id,
            Finding.status,
            Finding.resolved_at,
            Finding.accepted_until,
            Finding.resolution_note,
        )
        .where(Finding.organization_id == organization_id, Finding.id.in_(finding_ids))
        .order_by(Finding.id)
        .with_for_update()
    )
    return {row.pop("id"): row for row in map(dict, rows.mappings())}


async def store_life_states(
    session: AsyncSession, organization_id: UUID, rows: Sequence[Row], now: datetime
) -> None:
    """Write the life-cycle columns of many findings in one statement."""
    await session.execute(
        _STORE_LIFE_STATES,
        {"organization_id": organization_id, "now": now, "rows": as_json(rows)},
    )


async def store_events(
    session: AsyncSession,
    organization_id: UUID,
    actor_id: UUID,
    rows: Sequence[Row],
    now: datetime,
) -> None:
    """One step of each finding's history, all in one statement."""
    await session.execute(
        _STORE_EVENTS,
        {
            "organization_id": organization_id,
            "actor_id": actor_id,
            "now": now,
            "rows": as_json(rows),
        },
    )


_STORE_LIFE_STATES = text(
    """
update findings
   set status = changed.status, resolved_at = changed.resolved_at,
       accepted_until = changed.accepted_until, resolution_note = changed.resolution_note,
       updated_at = :now
  from jsonb_to_recordset(cast(:rows as jsonb))
    as changed(id uuid, status text, resolved_at timestamptz, accepted_until timestamptz,
               resolution_note text)
 where findings.organization_id = :organization_id and findings.id = changed.id
    """
)
_STORE_EVENTS = text(
    """
insert into finding_events
  (id, created_at, updated_at, organization_id, finding_id, actor_id, from_status, to_status, note)
select event.id, :now, :now, :organization_id, event.finding_id, :actor_id, event.from_status,
       event.to_status, event.note
  from jsonb_to_recordset(cast(:rows as jsonb))
    as event(id uuid, finding_id uuid, from_status text, to_status text, note text)
    """
)
