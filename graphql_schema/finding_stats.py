"""Findings counted: by severity, by state, and by both."""

from typing import Self

import strawberry

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


@strawberry.type(name="FindingStats", description="Each problem counted once, zeros included.")
class FindingStatsType:
    total: int = strawberry.field(description="All of them.")
    by_severity: list[SeverityCount] = strawberry.field(description="By severity, worst first.")
    by_status: list[StatusCount] = strawberry.field(description="By state.")
    by_severity_and_status: list[SeverityStatusCount] = strawberry.field(
        description="By both, for a matrix."
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
        )
