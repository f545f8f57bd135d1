"""A scan as it goes on: the row first, then what workers say, until it has ended."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from services.actor import Actor, Permission
from services.database import Database, Scope
from services.errors import NotFound
from services.events import LOST, SCAN_COMPLETED, SCAN_PROGRESS, Event
from services.scans import queries
from services.scans.models import Scan, ScanStatus

_PAUSE_S: Final = 0.1
"""At most ten steps a second for each who watches; of those between, the last is told."""


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """One step of a scan."""

    scan_id: UUID
    status: ScanStatus
    progress: int
    """Percent of targets done; never less than in the step before."""
    target: str | None = None
    """The target that was finished just now."""
    score: int | None = None
    """Once it has completed."""

    @classmethod
    def of(cls, scan: Scan) -> Self:
        return cls(scan.id, scan.status, scan.progress, score=scan.total_score)

    @property
    def is_last(self) -> bool:
        return self.status not in (ScanStatus.PENDING, ScanStatus.RUNNING)


async def watch_scan(
    database: Database, actor: Actor, events: AsyncGenerator[Event], scan_id: UUID
) -> AsyncGenerator[ScanProgress]:
    """The steps of a scan until it has ended or is deleted. Raises NotFound for no such scan.

    ``events`` are those the caller may see; no transaction is open while it waits for one.
    """
    actor.require(Permission.SCANS_READ)
    last: ScanProgress | None = None
    async for event in events:
        step = await _step(database, actor, event, scan_id, last)
        if step is None:
            if last is not None:  # deleted meanwhile
                return
            raise NotFound("scan")
        if step != last:
            yield step
            last = step
            await asyncio.sleep(_PAUSE_S)
        if step.is_last:
            return


async def _step(
    database: Database, actor: Actor, event: Event, scan_id: UUID, last: ScanProgress | None
) -> ScanProgress | None:
    """Where the scan is after this event; None when it is no scan of this organization."""
    if last is not None and event.kind != LOST:
        if event.subject_id != scan_id or event.kind not in {SCAN_PROGRESS, SCAN_COMPLETED}:
            return last
        if event.kind == SCAN_PROGRESS:
            # What several workers say at once may arrive in any order.
            progress = max(last.progress, int(event.data.get("progress", 0)))
            target = event.data.get("target")
            return ScanProgress(scan_id, ScanStatus.RUNNING, progress, target)
    scope = Scope(organization_id=actor.organization_id, user_id=actor.user_id)
    async with database.read(scope) as session:
        scan = await queries.find_scan(session, actor.organization_id, scan_id)
    return ScanProgress.of(scan) if scan is not None else None
