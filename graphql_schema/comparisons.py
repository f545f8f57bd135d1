"""Two scans side by side."""

from typing import Annotated, Self
from uuid import UUID

import strawberry

from graphql_schema.context import Info
from graphql_schema.ids import Kind, global_id, key_of
from graphql_schema.scans import ScanType
from services import scans
from services.scanner.check import Severity
from services.scans import ComparedFinding, Comparison, Difference, FindingSet


@strawberry.type(
    name="ComparedFinding",
    description="A finding as the scan saw it, or as the baseline did where the scan saw nothing.",
)
class ComparedFindingType:
    finding_id: strawberry.ID = strawberry.field(description="The finding, for node.")
    database_id: UUID = strawberry.field(description="What REST calls id.")
    fingerprint: str = strawberry.field(description="The same problem at the same place, in hex.")
    check_id: str = strawberry.field(description="The check that found it.")
    severity: Severity = strawberry.field(description="How bad it was.")
    baseline_severity: Severity | None = strawberry.field(
        description="As the baseline saw it; null where it did not."
    )
    category: str = strawberry.field(description="The area: tls, http, dns, mail, …")
    message: str = strawberry.field(description="What was wrong.")
    target: str = strawberry.field(description="Host and port.")

    @classmethod
    def of(cls, finding: ComparedFinding) -> Self:
        return cls(
            finding_id=global_id(Kind.FINDING, finding.id),
            database_id=finding.id,
            fingerprint=finding.fingerprint,
            check_id=finding.check_id,
            severity=finding.severity,
            baseline_severity=finding.baseline_severity,
            category=finding.category,
            message=finding.message,
            target=finding.target,
        )


@strawberry.type(name="FindingSet", description="Some findings of a comparison.")
class FindingSetType:
    count: int = strawberry.field(description="How many, whole also where the list is cut.")
    is_truncated: bool = strawberry.field(description="Whether only the worst 1000 are listed.")
    findings: list[ComparedFindingType] = strawberry.field(description="Worst first.")

    @classmethod
    def of(cls, found: FindingSet) -> Self:
        return cls(
            count=found.count,
            is_truncated=found.is_truncated,
            findings=[ComparedFindingType.of(finding) for finding in found.listed],
        )


@strawberry.type(
    name="ScanComparison", description="What came, went and stayed between a baseline and a scan."
)
class ScanComparisonType:
    scan: ScanType = strawberry.field(description="The newer view.")
    baseline: ScanType = strawberry.field(description="What it is held against.")
    is_chronological: bool = strawberry.field(description="Whether the scan ended later.")
    score_delta: int | None = strawberry.field(
        description="Scan less baseline; null where either has no score."
    )
    score_delta_same_scope: int | None = strawberry.field(
        description="Over the targets that both looked at; null where there are none."
    )
    differences: list[Difference] = strawberry.field(
        description="Why they cannot be compared without a word of caution; empty if they can."
    )
    new: FindingSetType = strawberry.field(description="Seen by the scan alone.")
    resolved: FindingSetType = strawberry.field(
        description="Looked for again at the same endpoint, and gone."
    )
    not_rescanned: FindingSetType = strawberry.field(
        description="Seen by the baseline and not looked for again: neither there nor gone."
    )
    severity_changed: FindingSetType = strawberry.field(description="Seen by both, differently.")
    persistent_count: int = strawberry.field(description="How many both saw.")

    @classmethod
    def of(cls, found: Comparison) -> Self:
        return cls(
            scan=ScanType.of(found.scan),
            baseline=ScanType.of(found.baseline),
            is_chronological=found.is_chronological,
            score_delta=found.score_delta,
            score_delta_same_scope=found.score_delta_same_scope,
            differences=list(found.reasons),
            new=FindingSetType.of(found.new),
            resolved=FindingSetType.of(found.resolved),
            not_rescanned=FindingSetType.of(found.not_rescanned),
            severity_changed=FindingSetType.of(found.severity_changed),
            persistent_count=found.persistent_count,
        )


@strawberry.type
class ComparisonQuery:
    @strawberry.field(
        description="Two completed scans of the active organization side by side; an error, and"
        " null, when either is unknown, foreign or not completed."
    )
    async def compare_scans(
        self,
        info: Info,
        scan_id: Annotated[strawberry.ID, strawberry.argument(description="The newer view.")],
        baseline_id: Annotated[
            strawberry.ID, strawberry.argument(description="What to hold it against.")
        ],
    ) -> ScanComparisonType | None:
        keys = key_of(Kind.SCAN, scan_id), key_of(Kind.SCAN, baseline_id)
        async with info.context.read() as session:
            found = await scans.compare_scans(session, info.context.actor, *keys)
        return ScanComparisonType.of(found)
