"""The scores of completed scans over time, and where their line breaks."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only

from services.actor import Actor, Permission
from services.scans.comparison import Difference, differences
from services.scans.models import Scan, ScanStatus

_MOST_POINTS = 1000


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """One completed scan."""

    scan_id: UUID
    name: str
    completed_at: datetime
    score: int | None
    score_exact: float | None
    score_lower: int | None
    grade: str | None
    breaks: tuple[Difference, ...]
    """Why it cannot be compared with the scan before it; empty: it can, or is the first."""


async def score_trend(
    session: AsyncSession, actor: Actor, first: date, last: date
) -> list[ScorePoint]:
    """Oldest first, days in UTC and inclusive; the newest 1000 at most. One statement."""
    actor.require(Permission.SCANS_READ)
    begin = datetime.combine(first, time(), UTC)
    end = datetime.combine(last + timedelta(days=1), time(), UTC)
    statement = (
        select(Scan)
        .options(
            load_only(
                Scan.name,
                Scan.completed_at,
                Scan.total_score,
                Scan.score_exact,
                Scan.score_lower,
                Scan.grade,
                Scan.scan_type,
                Scan.config_snapshot,
                Scan.catalog_version,
                Scan.scoring_version,
            )
        )
        .where(
            Scan.organization_id == actor.organization_id,
            Scan.status == ScanStatus.COMPLETED,
            Scan.completed_at >= begin,
            Scan.completed_at < end,
        )
        .order_by(Scan.completed_at.desc(), Scan.id.desc())
        .limit(_MOST_POINTS)
    )
    newest_first = (await session.scalars(statement)).all()
    points: list[ScorePoint] = []
    before: Scan | None = None
    for scan in reversed(newest_first):
        points.append(_point(scan, before))
        before = scan
    return points


def _point(scan: Scan, before: Scan | None) -> ScorePoint:
    return ScorePoint(
        scan_id=scan.id,
        name=scan.name,
        completed_at=scan.completed_at or scan.created_at,
        score=scan.total_score,
        score_exact=scan.score_exact,
        score_lower=scan.score_lower,
        grade=scan.grade,
        breaks=tuple(differences(scan, before)) if before else (),
    )
