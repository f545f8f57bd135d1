"""SQL of the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.models import AuditEntry
from services.pagination import PageRequest


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What an entry has to be to be listed; each empty part asks for nothing."""

    actions: Sequence[str] = ()
    user_id: UUID | None = None
    subject_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


def conditions(organization_id: UUID, filter_: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [AuditEntry.organization_id == organization_id]
    if filter_.actions:
        found.append(AuditEntry.action.in_(filter_.actions))
    if filter_.user_id is not None:
        found.append(AuditEntry.user_id == filter_.user_id)
    if filter_.subject_id is not None:
        found.append(AuditEntry.subject_id == filter_.subject_id)
    if filter_.since is not None:
        found.append(AuditEntry.at >= filter_.since)
    if filter_.until is not None:
        found.append(AuditEntry.at < filter_.until)
    return found


async def find_head(session: AsyncSession, organization_id: UUID) -> tuple[int, bytes] | None:
    """Number and hash of the last entry of a chain; None for an empty one."""
    statement = (
        select(AuditEntry.sequence, AuditEntry.hash)
        .where(AuditEntry.organization_id == organization_id)
        .order_by(AuditEntry.sequence.desc())
        .limit(1)
    )
    row = (await session.execute(statement)).first()
    return (row[0], row[1]) if row else None


async def list_entries(
    session: AsyncSession, organization_id: UUID, filter_: AuditFilter, page: PageRequest
) -> Sequence[AuditEntry]:
    """Newest first."""
    statement = (
        select(AuditEntry)
        .where(*conditions(organization_id, filter_))
        .order_by(AuditEntry.sequence.desc())
        .offset(page.offset)
        .limit(page.page_size)
    )
    return (await session.scalars(statement)).all()


async def count_entries(session: AsyncSession, organization_id: UUID, filter_: AuditFilter) -> int:
    if filter_ == AuditFilter():  # the chain has no gap: its head is its length
        head = await find_head(session, organization_id)
        return head[0] if head else 0
    statement = select(func.count()).where(*conditions(organization_id, filter_))
    return await session.scalar(statement) or 0


async def read_chain(
    session: AsyncSession,
    organization_id: UUID,
    filter_: AuditFilter,
    *,
    after: int,
    at_most: int,
) -> Sequence[AuditEntry]:
    """Oldest first, beginning behind the entry with this number."""
    statement = (
        select(AuditEntry)
        .where(*conditions(organization_id, filter_), AuditEntry.sequence > after)
        .order_by(AuditEntry.sequence)
        .limit(at_most)
    )
    return (await session.scalars(statement)).all()


async def list_chains(session: AsyncSession) -> Sequence[UUID]:
    """Every organization with a log; sees all of them in the scope of a sweep only."""
    statement = select(AuditEntry.organization_id).where(AuditEntry.sequence == 1)
    return (await session.scalars(statement.order_by(AuditEntry.organization_id))).all()
