"""How findings and scores went over time."""

import datetime as dt
from typing import Annotated, Self
from uuid import UUID

import strawberry

from graphql_schema.context import Info
from graphql_schema.finding_stats import SeverityCount, StatusCount
from graphql_schema.ids import Kind, global_id, key_of
from services import findings, scans
from services.errors import InvalidInput
from services.findings import FindingTrend, Span, TrendDay
from services.scans import Difference, ScorePoint

_LETTERS = frozenset("abcdefghij")


@strawberry.type(
    name="TrendDay",
    description="How things stood at the end of a day (UTC), or stand now, and what happened.",
)
class TrendDayType:
    date: dt.date = strawberry.field(description="The day.")
    unresolved: list[SeverityCount] = strawberry.field(description="By severity.")
    by_status: list[StatusCount] = strawberry.field(description="All findings by state.")
    appeared: int = strawberry.field(description="Seen for the first time, or back.")
    fixed: int = strawberry.field(description="Resolved by a scan or a person.")
    fixed_late: int = strawberry.field(description="Of these, after their due date.")

    @classmethod
    def of(cls, day: TrendDay) -> Self:
        return cls(
            date=day.day,
            unresolved=[SeverityCount(severity=s, count=n) for s, n in day.unresolved.items()],
            by_status=[StatusCount(status=s, count=n) for s, n in day.by_status.items()],
            appeared=day.flow.appeared,
            fixed=day.flow.fixed,
            fixed_late=day.flow.fixed_late,
        )


@strawberry.type(name="ScorePoint", description="The score of one completed scan.")
class ScorePointType:
    scan_id: strawberry.ID = strawberry.field(description="The scan, for node.")
    database_id: UUID = strawberry.field(description="What REST calls scan_id.")
    completed_at: dt.datetime = strawberry.field(description="When it ended.")
    score: int | None = strawberry.field(description="0 to 100; null: nothing was evaluated.")
    score_lower: int | None = strawberry.field(description="As if all that did not run had failed.")
    grade: str | None = strawberry.field(description="A to D, or F.")
    breaks: list[Difference] = strawberry.field(
        description="Why the line may not be drawn on from the scan before; empty: it may."
    )

    @classmethod
    def of(cls, point: ScorePoint) -> Self:
        return cls(
            scan_id=global_id(Kind.SCAN, point.scan_id),
            database_id=point.scan_id,
            completed_at=point.completed_at,
            score=point.score,
            score_lower=point.score_lower,
            grade=point.grade,
            breaks=list(point.breaks),
        )


@strawberry.type(name="FindingTrend", description="What stood on a day stays as it was then.")
class FindingTrendType:
    appeared: int = strawberry.field(description="In the whole span.")
    fixed: int = strawberry.field(description="In the whole span.")
    fixed_late: int = strawberry.field(description="Breaches of the organization's own days.")
    mean_seconds_to_resolve: int | None = strawberry.field(
        description="Null: nothing was fixed in the span."
    )
    days: list[TrendDayType] = strawberry.field(description="Every day, oldest first.")
    scores: list[ScorePointType] = strawberry.field(
        description="Of the organization's scans, oldest first; empty for an asset or a letter."
    )

    @classmethod
    def of(cls, trend: FindingTrend, scores: list[ScorePoint]) -> Self:
        return cls(
            appeared=trend.flow.appeared,
            fixed=trend.flow.fixed,
            fixed_late=trend.flow.fixed_late,
            mean_seconds_to_resolve=trend.flow.mean_seconds_to_resolve,
            days=[TrendDayType.of(day) for day in trend.days],
            scores=[ScorePointType.of(point) for point in scores],
        )


@strawberry.type
class TrendQuery:
    @strawberry.field(description="Findings by day, and the scores of scans.")
    async def finding_trend(
        self,
        info: Info,
        first_day: Annotated[
            dt.date | None, strawberry.argument(description="90 days unless given.")
        ] = None,
        last_day: Annotated[
            dt.date | None, strawberry.argument(description="Today (UTC) unless given.")
        ] = None,
        asset_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Of one asset.")
        ] = None,
        letter: Annotated[
            str | None, strawberry.argument(description="Of one letter, a to j.")
        ] = None,
    ) -> FindingTrendType:
        if letter is not None and letter not in _LETTERS:
            raise InvalidInput("letter must be a to j", field="letter")
        actor, span = info.context.actor, Span.of(first_day, last_day)
        key = key_of(Kind.ASSET, asset_id) if asset_id is not None else None
        async with info.context.read() as session:
            trend = await findings.finding_trend(session, actor, span, asset_id=key, letter=letter)
            is_whole = key is None and letter is None
            scores = (
                await scans.score_trend(session, actor, span.first, span.last) if is_whole else []
            )
        return FindingTrendType.of(trend, scores)
