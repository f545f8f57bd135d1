"""Findings counted: by severity, by state, and by both."""

from collections.abc import Mapping
from typing import Self
from uuid import UUID

import strawberry

from graphql_schema.ids import Kind, global_id
from services.findings import FindingStats, FindingStatus
from services.scanner.check import Severity


@strawberry.type(description="How many findings of a severity.")
class SeverityCount:
    severity: Severity = strawberry.field(description="The severity.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How many findings in a state.")
class StatusCount:
    status: FindingStatus = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How many findings of a severity in a state.")
class SeverityStatusCount:
    severity: Severity = strawberry.field(description="The severity.")
    status: FindingStatus = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How many findings under a name.")
class NamedCount:
    name: str = strawberry.field(description="The category or letter.")
    count: int = strawberry.field(description="How many.")

    @classmethod
    def each(cls, counts: Mapping[str, int]) -> list[Self]:
        return [cls(name=name, count=count) for name, count in counts.items()]


@strawberry.type(description="How many unresolved findings an asset has.")
class AssetCount:
    asset_id: strawberry.ID = strawberry.field(description="The asset, for node.")
    database_id: UUID = strawberry.field(description="What REST calls asset_id.")
    unresolved: int = strawberry.field(description="How many.")


@strawberry.type(name="FindingStats", description="Each problem counted once, zeros included.")
class FindingStatsType:
    total: int = strawberry.field(description="All of them.")
    by_severity: list[SeverityCount] = strawberry.field(description="By severity, worst first.")
    by_status: list[StatusCount] = strawberry.field(description="By state.")
    by_severity_and_status: list[SeverityStatusCount] = strawberry.field(
        description="By both, for a matrix."
    )
    by_category: list[NamedCount] = strawberry.field(description="By area, in alphabetical order.")
    by_letter: list[NamedCount] = strawberry.field(description="By letter of Article 21(2).")
    by_asset: list[AssetCount] = strawberry.field(
        description="The 20 assets with most unresolved findings, most first."
    )
    overdue: list[SeverityCount] = strawberry.field(
        description="Unresolved past the due date, as of now."
    )

    @classmethod
    def of(cls, stats: FindingStats) -> Self:
        return cls(
            total=stats.total,
            by_severity=[
                SeverityCount(severity=severity, count=count)
                for severity, count in stats.by_severity.items()
            ],
            by_status=[
                StatusCount(status=status, count=count) for status, count in stats.by_status.items()
            ],
            by_severity_and_status=[
                SeverityStatusCount(severity=severity, status=status, count=count)
                for severity, row in stats.matrix.items()
                for status, count in row.items()
            ],
            by_category=NamedCount.each(stats.by_category),
            by_letter=NamedCount.each(stats.by_letter),
            by_asset=[
                AssetCount(asset_id=global_id(Kind.ASSET, key), database_id=key, unresolved=count)
                for key, count in stats.by_asset.items()
            ],
            overdue=[
                SeverityCount(severity=severity, count=count)
                for severity, count in stats.overdue.items()
            ],
        )
