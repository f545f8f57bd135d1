"""The report as JSON: the keys that existing readers use, then ours."""

from typing import Any

import msgspec

from services.compliance import DISCLAIMER
from services.rendering.document import ReportDocument, ReportFinding
from services.scanner.check import Severity

REPORT_VERSION = "1.0"
"""Of this document's shape; a key is never removed or renamed within 1.x."""

Json = dict[str, Any]  # Any: a JSON object


def render_json(document: ReportDocument) -> bytes:
    """UTF-8, indented, one line feed at the end."""
    encoded = msgspec.json.encode(_report(document))
    return msgspec.json.format(encoded, indent=2) + b"\n"


def _report(document: ReportDocument) -> Json:
    scan, versions = document.scan, document.versions
    return {
        "version": REPORT_VERSION,
        "metadata": {
            "scan_id": scan.id,
            "scan_name": scan.name,
            "generated_at": document.generated_at,
            "generator": versions.product,
            "organization": document.organization_name,
            "scan_type": scan.scan_type,
            "scan_status": scan.status,
            "partial": scan.is_partial,
            "started_at": scan.started_at,
            "completed_at": scan.completed_at,
            "duration_seconds": scan.duration_seconds,
            "config_snapshot": scan.config,
            "scoring_version": versions.scoring,
            "catalog_version": versions.catalog,
            "legal_data_version": versions.legal_data,
        },
        "summary": _summary(document),
        "compliance_matrix": document.compliance_matrix,
        "executive_summary": document.executive_summary,
        "findings": [_finding(finding) for finding in document.findings],
        "assets": document.assets,
        "not_tested": document.not_tested,
        "disclaimer": DISCLAIMER,
    }


def _summary(document: ReportDocument) -> Json:
    score = document.score
    return {
        "total_score": score.score,
        "hosts_scanned": document.hosts_scanned,
        "hosts_alive": document.hosts_alive,
        **{f"findings_{severity.value}": document.count(severity) for severity in Severity},
        "findings_total": document.findings_total,
        "score_exact": score.score_exact,
        "score_lower": score.score_lower,
        "grade": score.grade,
        "mean_host_score": score.mean_host_score,
        "hosts_by_grade": score.hosts_by_grade,
        "coverage": score.coverage,
        "top_losses": score.top_losses,
    }


def _finding(finding: ReportFinding) -> Json:
    return {
        "severity": finding.severity,
        "category": finding.category,
        "message": finding.message,
        "target": finding.target,
        "remediation": finding.remediation,
        "cvss_base_score": finding.cvss_base_score,
        "cvss_vector": finding.cvss_vector,
        "compliance_article": finding.compliance_article,
        "status": finding.status,
        "check_id": finding.check_id,
        "title": finding.title,
        "port": finding.port,
        "protocol": finding.protocol,
        "rationale": finding.rationale,
        "annex_point": finding.annex_point,
        "first_seen_at": finding.first_seen_at,
        "resolution_note": finding.resolution_note,
        "accepted_until": finding.accepted_until,
        "evidence": finding.evidence,
    }
