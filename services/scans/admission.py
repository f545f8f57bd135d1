"""Which scans may begin: so many of an organization at once, people's before the clock's.

Everything here is about one organization and decided under its lock: two scans that are asked for,
or could begin, at the same moment are counted one after the other.
"""

from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from sqlalchemy import Select, func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.database import UnitOfWork, utcnow
from services.errors import TooManyRequests
from services.queue import Job
from services.scans.models import Scan, ScanStatus
from services.settings import Settings

PLAN_SCAN: Final = "plan_scan"
_RETRY_AFTER_S: Final = 60


@dataclass(frozen=True, slots=True)
class ScanQuota:
    """The most scans one organization may have running, and waiting. None: no limit."""

    running: int | None = None
    pending: int | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        if settings.rate_limits == "off":
            return cls()
        return cls(settings.quota_running_scans, settings.quota_pending_scans)


UNLIMITED: Final = ScanQuota()


async def require_room_to_wait(
    session: AsyncSession, organization_id: UUID, quota: ScanQuota
) -> None:
    """Raises TooManyRequests when as many scans of the organization wait as may."""
    if quota.pending is None:
        return
    await _lock(session, organization_id)
    if await _count(session, organization_id, _PENDING) >= quota.pending:
        raise TooManyRequests(
            f"{quota.pending} scans of your organization are waiting, which is the most there may"
            " be: try again when one of them has begun, or cancel one that is not needed",
            retry_after_s=_RETRY_AFTER_S,
            code="too_many_pending_scans",
        )


async def begin_next_scan(
    session: AsyncSession, organization_id: UUID, quota: ScanQuota
) -> Scan | None:
    """The pending scan whose turn it is, running from now on; None when there is none.

    Also None while as many run as may; the ones that wait say so then.
    """
    if quota.running is not None:
        await _lock(session, organization_id)
        if await _count(session, organization_id, _RUNNING) >= quota.running:
            await session.execute(_SAY_WHY, {"organization_id": organization_id})
            return None
    scan = await session.scalar(_next(organization_id).with_for_update(skip_locked=True))
    if scan is not None:
        scan.status = ScanStatus.RUNNING
        scan.attempt += 1
        scan.waits_for = None
        scan.started_at = utcnow()
        await session.flush()
    return scan


async def ring_for_next_scan(work: UnitOfWork, organization_id: UUID) -> None:
    """A scan ended or is gone: the next one that waits may begin."""
    following = await work.session.scalar(_next(organization_id))
    if following is not None:
        work.enqueue(Job(PLAN_SCAN, organization_id, following.id, following.attempt))


def _next(organization_id: UUID) -> Select[Scan]:
    """Of the scans that wait the one whose turn it is: people's before the clock's, by age."""
    return (
        select(Scan)
        .where(Scan.organization_id == organization_id, literal_column(_PENDING))
        .order_by(Scan.is_scheduled, Scan.id)
        .limit(1)
    )


async def _count(session: AsyncSession, organization_id: UUID, state: str) -> int:
    statement = select(func.count()).where(
        Scan.organization_id == organization_id, literal_column(state)
    )
    return await session.scalar(statement) or 0


async def _lock(session: AsyncSession, organization_id: UUID) -> None:
    """Not the organization's row: its members and settings have nothing to do with it."""
    await session.execute(_LOCK, {"key": f"scans of {organization_id}"})


_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
# Written out and not bound: only so does the planner see the partial index.
_PENDING = "scans.status = 'pending'"
_RUNNING = "scans.status = 'running'"
_SAY_WHY = text(
    "update scans set waits_for = 'running_scans', updated_at = clock_timestamp()"
    " where organization_id = :organization_id and status = 'pending' and waits_for is null"
)
