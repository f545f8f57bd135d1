"""SQL of what happened to findings and of what was said about them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.database.base import as_json
from services.findings.history_models import FindingComment, FindingEvent, FindingEventKind
from services.identifiers import uuid7
from services.keyset import Ordering, Window
from services.pagination import PageRequest
from services.users import User

NEWEST_EVENT_FIRST = Ordering((FindingEvent.id,), is_descending=True)
OLDEST_COMMENT_FIRST = Ordering((FindingComment.id,))
"""Keys are time-ordered. Positions are ``(id,)``, of both."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One step to be written down."""

    finding_id: UUID
    kind: FindingEventKind
    before: str | None
    after: str | None
    note: str | None = None


async def store_events(
    session: AsyncSession,
    organization_id: UUID,
    events: Sequence[EventRow],
    now: datetime,
    *,
    actor_id: UUID | None = None,
    scan_id: UUID | None = None,
) -> None:
    """Append steps of many findings' histories, all in one statement."""
    if not events:
        return
    await session.execute(
        _STORE_EVENTS,
        {
            "organization_id": organization_id,
            "actor_id": actor_id,
            "scan_id": scan_id,
            "now": now,
            "rows": as_json([{"id": uuid7(), **asdict(event)} for event in events]),
        },
    )


_STORE_EVENTS = text(
    """
insert into finding_events (id, created_at, updated_at, organization_id, finding_id, kind,
                            actor_id, scan_id, before, after, note)
select event.id, :now, :now, :organization_id, event.finding_id, event.kind, :actor_id, :scan_id,
       event.before, event.after, event.note
  from jsonb_to_recordset(cast(:rows as jsonb))
    as event(id uuid, finding_id uuid, kind text, before text, after text, note text)
    """
)


def _events(organization_id: UUID, finding_id: UUID) -> Select[FindingEvent, str]:
    """Each with its actor's name; none where there is no actor."""
    return (
        select(FindingEvent, User.full_name)
        .outerjoin(User, User.id == FindingEvent.actor_id)
        .where(
            FindingEvent.organization_id == organization_id,
            FindingEvent.finding_id == finding_id,
        )
    )


def _comments(organization_id: UUID, finding_id: UUID) -> Select[FindingComment, str]:
    """Each with its author's name; none where there is no author."""
    return (
        select(FindingComment, User.full_name)
        .outerjoin(User, User.id == FindingComment.author_id)
        .where(
            FindingComment.organization_id == organization_id,
            FindingComment.finding_id == finding_id,
        )
    )


async def list_events(
    session: AsyncSession, organization_id: UUID, finding_id: UUID, page: PageRequest
) -> tuple[Sequence[tuple[FindingEvent, str | None]], int]:
    """Newest first, and the number of all."""
    statement = _events(organization_id, finding_id).order_by(FindingEvent.id.desc())
    rows = await session.execute(statement.offset(page.offset).limit(page.page_size))
    return rows.all(), await count_events(session, organization_id, finding_id)


async def slice_events(
    session: AsyncSession, organization_id: UUID, finding_id: UUID, window: Window
) -> Sequence[tuple[FindingEvent, str | None]]:
    """Newest first, one more than the window holds."""
    statement = NEWEST_EVENT_FIRST.window(_events(organization_id, finding_id), window)
    return (await session.execute(statement)).all()


async def count_events(session: AsyncSession, organization_id: UUID, finding_id: UUID) -> int:
    return await _count(session, _events(organization_id, finding_id))


async def list_comments(
    session: AsyncSession, organization_id: UUID, finding_id: UUID, page: PageRequest
) -> tuple[Sequence[tuple[FindingComment, str | None]], int]:
    """Oldest first, as a conversation is read, and the number of all."""
    statement = _comments(organization_id, finding_id).order_by(FindingComment.id)
    rows = await session.execute(statement.offset(page.offset).limit(page.page_size))
    return rows.all(), await count_comments(session, organization_id, finding_id)


async def slice_comments(
    session: AsyncSession, organization_id: UUID, finding_id: UUID, window: Window
) -> Sequence[tuple[FindingComment, str | None]]:
    """Oldest first, one more than the window holds."""
    statement = OLDEST_COMMENT_FIRST.window(_comments(organization_id, finding_id), window)
    return (await session.execute(statement)).all()


async def count_comments(session: AsyncSession, organization_id: UUID, finding_id: UUID) -> int:
    return await _count(session, _comments(organization_id, finding_id))


async def _count(session: AsyncSession, statement: Select[Any, str]) -> int:  # Any: a row
    rows = statement.with_only_columns(literal(1)).subquery()
    return await session.scalar(select(func.count()).select_from(rows)) or 0


async def name_of(session: AsyncSession, user_id: UUID) -> str | None:
    return await session.scalar(select(User.full_name).where(User.id == user_id))
