"""The end of a scan: score, matrix, counters and what is gone, all from the database (JOB-5)."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services import attestations, findings
from services.compliance import (
    Assessment,
    ProblemCount,
    SummaryFacts,
    assess,
    executive_summary,
)
from services.database import Database, Scope, utcnow
from services.database.base import Json
from services.events import SCAN_COMPLETED, Event
from services.findings import Observation
from services.scanner.check import CATALOGUE_VERSION, Severity
from services.scanner.result import TargetStatus
from services.scans import queries
from services.scans.admission import ring_for_next_scan
from services.scans.judged import LOOKED_AT, host_verdicts
from services.scans.models import BatchStatus, Scan, ScanBatch, ScanResult, ScanStatus
from services.scans.worst import worst_problems

log = structlog.get_logger()


async def finalize_scan(database: Database, organization_id: UUID, scan_id: UUID) -> None:
    """Complete a running scan whose batches are all done; do nothing otherwise. Idempotent."""
    scope = Scope(organization_id=organization_id)
    async with database.read(scope) as session:
        if await _has_open_batch(session, organization_id, scan_id):
            return
        results = await queries.all_results(session, organization_id, scan_id)
        problems = await worst_problems(session, organization_id, scan_id)
        counts = await _count_observations(session, organization_id, scan_id)
        attested = await attestations.current_attestations(session, organization_id)
    # Off the loop: the verdicts of 65,536 hosts take seconds to add up.
    assessment = await asyncio.to_thread(
        _assess, results, {subject: view.as_json() for subject, view in attested.items()}
    )
    async with database.transaction(scope) as work:
        scan = await queries.find_scan(work.session, organization_id, scan_id, lock=True)
        if scan is None or scan.status is not ScanStatus.RUNNING:
            return
        _complete(scan, results, assessment, counts, problems)
        resolved = await findings.resolve_gone(
            work.session, organization_id, scan_id, scan.completed_at or utcnow()
        )
        await ring_for_next_scan(work, organization_id)
        work.announce(
            Event(
                organization_id,
                SCAN_COMPLETED,
                scan_id,
                {"status": scan.status.value, "progress": 100, "score": scan.total_score},
            )
        )
    log.info("scan_completed", scan_id=str(scan_id), score=assessment.score, resolved=resolved)


async def fail_scan(
    database: Database, organization_id: UUID, scan_id: UUID, *, code: str, reason: str
) -> None:
    """End a scan that cannot go on; whatever results exist stay."""
    async with database.transaction(Scope(organization_id=organization_id)) as work:
        scan = await queries.find_scan(work.session, organization_id, scan_id, lock=True)
        if scan is None or not scan.is_active:
            return
        scan.status = ScanStatus.FAILED
        scan.completed_at = utcnow()
        scan.partial = True
        scan.error_code, scan.error_message = code, reason
        scan.waits_for = None
        await work.session.flush()
        await ring_for_next_scan(work, organization_id)
        work.announce(Event(organization_id, SCAN_COMPLETED, scan_id, {"status": "failed"}))


def _complete(
    scan: Scan,
    results: Sequence[ScanResult],
    assessment: Assessment,
    counts: Mapping[Severity, int],
    problems: Sequence[ProblemCount],
) -> None:
    scan.status = ScanStatus.COMPLETED
    scan.waits_for = None
    # The database may have been written by a clock ahead of ours.
    scan.completed_at = max(utcnow(), (scan.started_at or utcnow()) + timedelta(microseconds=1))
    scan.hosts_scanned = sum(result.status in LOOKED_AT for result in results)
    scan.hosts_alive = sum(result.is_alive for result in results)
    scan.targets_done = len(results)
    scan.partial = any(result.status is not TargetStatus.EVALUATED for result in results)
    for severity in Severity:
        setattr(scan, f"findings_{severity.value}", counts.get(severity, 0))
    scan.total_score = assessment.score
    scan.score_exact = assessment.score_exact
    scan.score_lower = assessment.score_lower
    scan.grade = assessment.grade.value if assessment.grade else None
    scan.scoring_version = assessment.scoring_version
    scan.catalog_version = CATALOGUE_VERSION
    scan.compliance_matrix = dict(assessment.matrix)
    scan.assessment = {
        "coverage": dict(assessment.coverage),
        "hosts_by_grade": dict(assessment.hosts_by_grade),
        "mean_host_score": assessment.mean_host_score,
        "top_losses": [asdict(loss) for loss in assessment.top_losses],
    }
    scan.executive_summary = executive_summary(
        SummaryFacts(
            assessment=assessment,
            hosts_scanned=len(results),
            hosts_alive=scan.hosts_alive,
            findings=counts,
            worst=problems,
            not_tested=Counter(
                result.reason or result.status.value
                for result in results
                if result.status not in LOOKED_AT
            ),
            is_partial=scan.partial,
        )
    )


def _assess(results: Sequence[ScanResult], attested: Mapping[str, Json]) -> Assessment:
    return assess(
        (host_verdicts(result.target, result.status, result.checks) for result in results),
        targets_in_scope=len(results),
        attestations=attested,
    )


async def _has_open_batch(session: AsyncSession, organization_id: UUID, scan_id: UUID) -> bool:
    statement = (
        select(ScanBatch.id)
        .where(
            ScanBatch.organization_id == organization_id,
            ScanBatch.scan_id == scan_id,
            ScanBatch.status != BatchStatus.DONE,
        )
        .limit(1)
    )
    return await session.scalar(statement) is not None


async def _count_observations(
    session: AsyncSession, organization_id: UUID, scan_id: UUID
) -> dict[Severity, int]:
    statement = (
        select(Observation.severity, func.count())
        .where(Observation.organization_id == organization_id, Observation.scan_id == scan_id)
        .group_by(Observation.severity)
    )
    rows = await session.execute(statement)
    return dict(rows.all())
