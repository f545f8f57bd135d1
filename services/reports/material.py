"""From the rows of a scan to the plain values of a report."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from services import findings, scans
from services.compliance import (
    LEGAL_DATA_VERSION,
    Assessment,
    Grade,
    ProblemCount,
    SummaryFacts,
    TopLoss,
    executive_summary,
)
from services.findings import FindingStatus, FindingView
from services.rendering.document import (
    Branding,
    ChangedFinding,
    NotTested,
    ReportAsset,
    ReportChanges,
    ReportDocument,
    ReportFinding,
    ReportLoss,
    ReportOptions,
    ReportScan,
    ReportScore,
    ReportVersions,
    TrendPoint,
)
from services.rendering.rows import Row
from services.scanner.check import Severity
from services.scanner.engine import CATALOGUE
from services.scans import LOOKED_AT, ComparedFinding, Comparison, Scan, ScanMaterial, ScanStatus
from services.translations import DEFAULT_LOCALE
from services.version import PRODUCT

_CHANGES_LISTED = 5
_LEFT_OUT = (FindingStatus.ACCEPTED_RISK, FindingStatus.FALSE_POSITIVE)


def report_document(
    material: ScanMaterial,
    options: ReportOptions,
    *,
    organization_name: str,
    branding: Branding,
    worst: Sequence[ProblemCount],
    omitted: int,
    generated_at: datetime,
) -> ReportDocument:
    """Everything but the long lists. ``worst`` is for a summary in another language."""
    scan = material.scan
    return ReportDocument(
        organization_name=organization_name,
        generated_at=generated_at,
        options=options,
        branding=branding,
        scan=ReportScan(
            id=str(scan.id),
            name=scan.name,
            scan_type=scan.scan_type.value,
            status=scan.status.value,
            started_at=scan.started_at,
            completed_at=scan.completed_at,
            duration_seconds=scan.duration_seconds,
            config=scan.config_snapshot,
            is_partial=scan.partial or scan.status is not ScanStatus.COMPLETED,
        ),
        score=_score(scan),
        hosts_scanned=scan.hosts_scanned,
        hosts_alive=scan.hosts_alive,
        counts=_counts(scan),
        omitted=omitted,
        passed=dict(material.passed),
        executive_summary=_summary(material, options.locale, worst),
        compliance_matrix=scan.compliance_matrix or {},
        trend=tuple(_trend(material.series)),
        changes=_changes(material.comparison) if material.comparison else None,
        versions=ReportVersions(
            product=PRODUCT,
            scoring=scan.scoring_version or "",
            catalog=scan.catalog_version or "",
            legal_data=LEGAL_DATA_VERSION,
        ),
    )


async def stream_rows(
    session: AsyncSession, scan: Scan, options: ReportOptions
) -> AsyncGenerator[Sequence[Row]]:
    """Findings, then targets, then what was not tested; a block at a time."""
    key = (session, scan.organization_id, scan.id)
    async for views in findings.stream_views_of_scan(*key, scan.name):
        yield [_finding(view) for view in views if options.include_accepted or not _is_out(view)]
    async for targets in scans.stream_targets(*key):
        yield [
            ReportAsset(
                target=row.target,
                status=row.status.value,
                ip=row.ip,
                is_alive=row.is_alive,
                open_ports=tuple(row.open_ports or ()),
                reason=row.reason,
            )
            for row in targets
        ]
    async for untested in scans.stream_untested(*key):
        yield [NotTested(row.target, row.check_id, row.reason) for row in untested]


async def count_omitted(session: AsyncSession, scan_id: UUID, organization_id: UUID) -> int:
    """Findings that ``include_accepted=False`` leaves out."""
    return await findings.count_of_scan(session, organization_id, scan_id, statuses=_LEFT_OUT)


def _is_out(view: FindingView) -> bool:
    return view.status in _LEFT_OUT


def _counts(scan: Scan) -> dict[Severity, int]:
    return {severity: getattr(scan, f"findings_{severity.value}") for severity in Severity}


def _summary(material: ScanMaterial, locale: str, worst: Sequence[ProblemCount]) -> str:
    """As it was stored; composed again for another language."""
    scan = material.scan
    if locale == DEFAULT_LOCALE or not scan.compliance_matrix:
        return scan.executive_summary or ""
    not_tested = Counter[str]()
    for (status, reason), count in material.examined.items():
        if status not in LOOKED_AT:
            not_tested[reason or status.value] += count
    facts = SummaryFacts(
        assessment=_assessment(scan),
        hosts_scanned=sum(material.examined.values()),
        hosts_alive=scan.hosts_alive,
        findings=_counts(scan),
        worst=worst,
        not_tested=not_tested,
        is_partial=scan.partial,
    )
    return executive_summary(facts, locale)


def _assessment(scan: Scan) -> Assessment:
    """As it was when the scan was completed."""
    companions: dict[str, Any] = scan.assessment or {}  # Any: a JSON object
    return Assessment(
        score=scan.total_score,
        score_exact=scan.score_exact,
        score_lower=scan.score_lower,
        grade=Grade(scan.grade) if scan.grade else None,
        scoring_version=scan.scoring_version or "",
        matrix=scan.compliance_matrix or {},
        coverage=companions.get("coverage", {}),
        hosts_by_grade=companions.get("hosts_by_grade", {}),
        mean_host_score=companions.get("mean_host_score"),
        top_losses=msgspec.convert(companions.get("top_losses", []), list[TopLoss]),
    )


def _score(scan: Scan) -> ReportScore:
    assessment = _assessment(scan)
    return ReportScore(
        score=assessment.score,
        score_exact=assessment.score_exact,
        score_lower=assessment.score_lower,
        grade=scan.grade,
        mean_host_score=assessment.mean_host_score,
        hosts_by_grade=dict(assessment.hosts_by_grade),
        coverage=dict(assessment.coverage),
        top_losses=tuple(
            ReportLoss(
                check_id=loss.check_id,
                host=loss.host,
                port=loss.port,
                severity=loss.severity,
                points=loss.points,
                title=_title(loss.check_id),
            )
            for loss in assessment.top_losses
        ),
    )


def _trend(series: Iterable[Scan]) -> Iterable[TrendPoint]:
    for scan in series:
        if scan.completed_at is not None:
            yield TrendPoint(
                scan_id=str(scan.id),
                completed_at=scan.completed_at,
                score=scan.total_score,
                scoring_version=scan.scoring_version or "",
                catalog_version=scan.catalog_version or "",
            )


def _changes(comparison: Comparison) -> ReportChanges:
    return ReportChanges(
        baseline_name=comparison.baseline.name,
        baseline_date=scans.date_of(comparison.baseline),
        score_delta=comparison.score_delta,
        new=comparison.new.count,
        resolved=comparison.resolved.count,
        persistent=comparison.persistent_count,
        not_rescanned=comparison.not_rescanned.count,
        severity_changed=comparison.severity_changed.count,
        reasons=tuple(reason.value for reason in comparison.reasons),
        new_listed=_some(comparison.new.listed),
        resolved_listed=_some(comparison.resolved.listed),
    )


def _some(listed: Sequence[ComparedFinding]) -> tuple[ChangedFinding, ...]:
    return tuple(
        ChangedFinding(one.severity, _title(one.check_id), one.target)
        for one in listed[:_CHANGES_LISTED]
    )


def _finding(view: FindingView) -> ReportFinding:
    return ReportFinding(
        fingerprint=view.fingerprint,
        severity=view.severity,
        category=view.finding.category,
        check_id=view.finding.check_id,
        title=view.title,
        message=view.message,
        target=view.finding.host,
        status=view.status.value,
        port=view.finding.port,
        protocol=view.finding.protocol,
        remediation=view.remediation,
        rationale=view.rationale,
        cvss_base_score=view.cvss_base_score,
        cvss_vector=view.cvss_vector,
        compliance_article=view.compliance_article,
        annex_point=view.annex_point,
        first_seen_at=view.first_seen_at,
        reference=view.reference,
        evidence=dict(view.evidence),
        resolution_note=view.finding.resolution_note,
        accepted_until=view.finding.accepted_until,
    )


def _title(check_id: str) -> str:
    return CATALOGUE[check_id].title if check_id in CATALOGUE else check_id
