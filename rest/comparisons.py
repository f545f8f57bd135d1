"""Two scans side by side."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from rest.dependencies import CurrentActor, ReadSession
from rest.schemas import Response, UtcTime, errors
from services import scans
from services.scanner.check import Severity
from services.scans import ComparedFinding, Comparison, Difference, FindingSet, Scan

router = APIRouter(prefix="/scans", tags=["Scans"])


class ComparedScanResponse(Response):
    id: UUID
    name: str
    score: int | None
    date: UtcTime

    @classmethod
    def of(cls, scan: Scan) -> Self:
        return cls(id=scan.id, name=scan.name, score=scan.total_score, date=scans.date_of(scan))


class ComparedFindingResponse(Response):
    """As scan A saw it, or as B did where A saw nothing."""

    id: UUID
    fingerprint: str
    check_id: str
    severity: Severity
    category: str
    message: str
    target: str

    @classmethod
    def of(cls, finding: ComparedFinding) -> Self:
        return cls.model_validate(finding)


class SeverityChangeResponse(ComparedFindingResponse):
    baseline_severity: Severity | None = Field(description="As scan B saw it.")


class ComparisonSummary(Response):
    """How many of each, whole also where a list is cut."""

    new: int
    resolved: int
    persistent: int
    not_rescanned: int
    severity_changed: int


class ComparisonResponse(Response):
    """Scan A is the newer view, scan B the baseline, whatever their dates."""

    scan_a: ComparedScanResponse
    scan_b: ComparedScanResponse
    chronological: bool = Field(description="Scan A ended after scan B, or they are the same.")
    score_delta: int | None = Field(description="A - B; null where either has no score.")
    score_delta_same_scope: int | None = Field(
        description="Over the targets that both looked at; null where there are none."
    )
    comparable: bool
    reasons: list[Difference] = Field(description="Why they are not comparable.")
    summary: ComparisonSummary
    new_findings: list[ComparedFindingResponse]
    resolved_findings: list[ComparedFindingResponse] = Field(
        description="Looked for again by A at the same endpoint, and gone."
    )
    persistent_findings: int
    not_rescanned: list[ComparedFindingResponse] = Field(
        description="Seen by B and not looked for by A: neither there nor gone."
    )
    severity_changed: list[SeverityChangeResponse]
    truncated: bool = Field(description="A list holds its worst 1,000 only.")

    @classmethod
    def of(cls, found: Comparison) -> Self:
        return cls(
            scan_a=ComparedScanResponse.of(found.scan),
            scan_b=ComparedScanResponse.of(found.baseline),
            chronological=found.is_chronological,
            score_delta=found.score_delta,
            score_delta_same_scope=found.score_delta_same_scope,
            comparable=not found.reasons,
            reasons=list(found.reasons),
            summary=ComparisonSummary(
                new=found.new.count,
                resolved=found.resolved.count,
                persistent=found.persistent_count,
                not_rescanned=found.not_rescanned.count,
                severity_changed=found.severity_changed.count,
            ),
            new_findings=_listed(found.new),
            resolved_findings=_listed(found.resolved),
            persistent_findings=found.persistent_count,
            not_rescanned=_listed(found.not_rescanned),
            severity_changed=[
                SeverityChangeResponse.of(finding) for finding in found.severity_changed.listed
            ],
            truncated=found.is_truncated,
        )


def _listed(findings: FindingSet) -> list[ComparedFindingResponse]:
    return [ComparedFindingResponse.of(finding) for finding in findings.listed]


@router.get("/{scan_id}/compare/{other_id}", responses=errors(400, 401, 404))
async def compare_scans(
    session: ReadSession, actor: CurrentActor, scan_id: UUID, other_id: UUID
) -> ComparisonResponse:
    """What came, went and stayed between a baseline (`other_id`) and a scan (`scan_id`)."""
    return ComparisonResponse.of(await scans.compare_scans(session, actor, scan_id, other_id))
