"""How findings and scores went over time."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from rest.dependencies import CurrentActor, ReadSession
from rest.findings import Letter
from rest.schemas import Response, UtcTime, errors
from services import findings, scans
from services.findings import FindingStatus, FindingTrend, Flow, Span, TrendDay
from services.scanner.check import Severity
from services.scans import Difference, ScorePoint

router = APIRouter(prefix="/stats", tags=["Findings"])


class TrendDayResponse(Response):
    """How things stood at the end of a day (UTC), or stand now, and what happened in it."""

    date: date
    unresolved: int
    unresolved_by_severity: dict[Severity, int]
    by_status: dict[FindingStatus, int]
    appeared: int = Field(description="Seen for the first time, or back.")
    fixed: int = Field(description="Resolved by a scan or a person.")
    fixed_late: int = Field(description="Of these, after their due date.")

    @classmethod
    def of(cls, day: TrendDay) -> Self:
        return cls(
            date=day.day,
            unresolved=sum(day.unresolved.values()),
            unresolved_by_severity=dict(day.unresolved),
            by_status=dict(day.by_status),
            appeared=day.flow.appeared,
            fixed=day.flow.fixed,
            fixed_late=day.flow.fixed_late,
        )


class ScorePointResponse(Response):
    """The score of one completed scan."""

    scan_id: UUID
    name: str
    completed_at: UtcTime
    score: int | None
    score_exact: float | None
    score_lower: int | None
    grade: str | None
    breaks: list[Difference] = Field(
        description="Why the line may not be drawn on from the scan before; empty: it may."
    )

    @classmethod
    def of(cls, point: ScorePoint) -> Self:
        return cls.model_validate(point)


class TrendResponse(Response):
    """What stood on a day stays as it was then, also when a scan of that day is deleted."""

    appeared: int
    fixed: int
    fixed_late: int = Field(description="Breaches of the organization's own days.")
    mean_seconds_to_resolve: int | None = Field(description="null: nothing was fixed.")
    days: list[TrendDayResponse] = Field(description="Every day of the span, oldest first.")
    scores: list[ScorePointResponse] = Field(
        description="Of the organization's scans, oldest first; empty for an asset or a letter."
    )

    @classmethod
    def of(cls, trend: FindingTrend, scores: list[ScorePoint]) -> Self:
        flow: Flow = trend.flow
        return cls(
            appeared=flow.appeared,
            fixed=flow.fixed,
            fixed_late=flow.fixed_late,
            mean_seconds_to_resolve=flow.mean_seconds_to_resolve,
            days=[TrendDayResponse.of(day) for day in trend.days],
            scores=[ScorePointResponse.of(point) for point in scores],
        )


@router.get("/trends", responses=errors(401))
async def get_trends(
    session: ReadSession,
    actor: CurrentActor,
    first: Annotated[
        date | None, Query(alias="from", description="First day; 90 days unless given.")
    ] = None,
    last: Annotated[
        date | None, Query(alias="to", description="Last day; today (UTC) unless given.")
    ] = None,
    asset_id: Annotated[UUID | None, Query(description="Of one asset.")] = None,
    letter: Annotated[Letter | None, Query(description="Of one letter of Article 21(2).")] = None,
) -> TrendResponse:
    """Findings by day, the time they took to resolve, and the scores of scans."""
    span = Span.of(first, last)
    trend = await findings.finding_trend(session, actor, span, asset_id=asset_id, letter=letter)
    is_whole = asset_id is None and letter is None
    scores = await scans.score_trend(session, actor, span.first, span.last) if is_whole else []
    return TrendResponse.of(trend, scores)
