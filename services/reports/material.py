"""From the rows of a scan to the plain values of a report."""

from datetime import datetime
from typing import Any

from services.compliance import LEGAL_DATA_VERSION
from services.findings import FindingView
from services.rendering.document import (
    NotTested,
    ReportAsset,
    ReportDocument,
    ReportFinding,
    ReportLoss,
    ReportScan,
    ReportScore,
    ReportVersions,
)
from services.scanner.check import Outcome, Severity
from services.scanner.engine import CATALOGUE
from services.scans import Scan, ScanMaterial, ScanResult, ScanStatus
from services.version import PRODUCT


def report_document(
    material: ScanMaterial, organization_name: str, generated_at: datetime
) -> ReportDocument:
    scan = material.scan
    return ReportDocument(
        organization_name=organization_name,
        generated_at=generated_at,
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
        counts={severity: getattr(scan, f"findings_{severity.value}") for severity in Severity},
        executive_summary=scan.executive_summary or "",
        compliance_matrix=scan.compliance_matrix or {},
        findings=tuple(_finding(view) for view in material.findings),
        assets=tuple(_asset(result) for result in material.results),
        not_tested=tuple(
            not_tested for result in material.results for not_tested in _not_tested(result)
        ),
        versions=ReportVersions(
            product=PRODUCT,
            scoring=scan.scoring_version or "",
            catalog=scan.catalog_version or "",
            legal_data=LEGAL_DATA_VERSION,
        ),
    )


def _score(scan: Scan) -> ReportScore:
    companions: dict[str, Any] = scan.assessment or {}  # Any: a JSON object
    return ReportScore(
        score=scan.total_score,
        score_exact=scan.score_exact,
        score_lower=scan.score_lower,
        grade=scan.grade,
        mean_host_score=companions.get("mean_host_score"),
        hosts_by_grade=companions.get("hosts_by_grade", {}),
        coverage=companions.get("coverage", {}),
        top_losses=tuple(
            ReportLoss(
                check_id=loss["check_id"],
                host=loss["host"],
                port=loss["port"],
                severity=Severity(loss["severity"]),
                points=loss["points"],
                title=_title(loss["check_id"]),
            )
            for loss in companions.get("top_losses", [])
        ),
    )


def _finding(view: FindingView) -> ReportFinding:
    return ReportFinding(
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
        evidence=dict(view.evidence),
        resolution_note=view.finding.resolution_note,
        accepted_until=view.finding.accepted_until,
    )


def _asset(result: ScanResult) -> ReportAsset:
    return ReportAsset(
        target=result.target,
        status=result.status.value,
        ip=result.ip,
        is_alive=result.is_alive,
        open_ports=tuple(result.open_ports or ()),
        reason=result.reason,
    )


def _not_tested(result: ScanResult) -> list[NotTested]:
    """What should have been looked at and could not be."""
    return [
        NotTested(target=result.target, check_id=check["id"], reason=check["reason"])
        for check in result.checks
        if check["outcome"] == Outcome.NOT_EVALUATED.value and check["applicable"]
    ]


def _title(check_id: str) -> str:
    return CATALOGUE[check_id].title if check_id in CATALOGUE else check_id
