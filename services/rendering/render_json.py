"""The report as JSON: the keys that existing readers use, then ours.

Its schema is ``report.schema.json`` beside this module; ``GET /reports/schema`` serves it.
"""

from pathlib import Path
from typing import Any, BinaryIO

from services.compliance import DISCLAIMER
from services.rendering.document import (
    Json,
    ReportChanges,
    ReportDocument,
    ReportFinding,
    ReportRows,
)
from services.rendering.json_stream import JsonStream
from services.scanner.check import Severity
from services.translations import translator

REPORT_VERSION = "1.1"
"""Of this document's shape; a key is never removed or renamed within 1.x."""
SCHEMA_FILE = Path(__file__).parent / "report.schema.json"


def render_json(document: ReportDocument, rows: ReportRows, out: BinaryIO) -> None:
    """UTF-8, a row a line, one line feed at the end."""
    stream = JsonStream(out)
    with stream.object():
        stream.member("version", REPORT_VERSION)
        stream.member("metadata", _metadata(document))
        stream.member("summary", _summary(document))
        stream.member("compliance_matrix", document.compliance_matrix)
        stream.member("executive_summary", document.executive_summary)
        stream.member("trend", document.trend)
        stream.member("changes", _changes(document.changes))
        with stream.array("findings"):
            for finding in rows.findings:
                stream.item(_finding(finding))
        with stream.array("assets"):
            for asset in rows.assets:
                stream.item(asset)
        with stream.array("not_tested"):
            for row in rows.not_tested:
                stream.item(row)
        stream.member("disclaimer", translator(document.options.locale).text(DISCLAIMER))


def _metadata(document: ReportDocument) -> Json:
    scan, versions, options = document.scan, document.versions, document.options
    return {
        "scan_id": scan.id,
        "scan_name": scan.name,
        "generated_at": document.generated_at,
        "generator": versions.product,
        "organization": document.organization_name,
        "title": options.title,
        "locale": options.locale,
        "classification": document.branding.classification,
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
    }


def _summary(document: ReportDocument) -> Json:
    score = document.score
    return {
        "total_score": score.score,
        "hosts_scanned": document.hosts_scanned,
        "hosts_alive": document.hosts_alive,
        **{f"findings_{severity.value}": document.count(severity) for severity in Severity},
        "findings_total": document.findings_total,
        "findings_omitted": document.omitted,
        "score_exact": score.score_exact,
        "score_lower": score.score_lower,
        "grade": score.grade,
        "mean_host_score": score.mean_host_score,
        "hosts_by_grade": score.hosts_by_grade,
        "coverage": score.coverage,
        "top_losses": score.top_losses,
        "passed": document.passed,
    }


def _changes(changes: ReportChanges | None) -> Json | None:
    if changes is None:
        return None
    return {
        "baseline_name": changes.baseline_name,
        "baseline_date": changes.baseline_date,
        "score_delta": changes.score_delta,
        "new": changes.new,
        "resolved": changes.resolved,
        "persistent": changes.persistent,
        "not_rescanned": changes.not_rescanned,
        "severity_changed": changes.severity_changed,
        "reasons": changes.reasons,
    }


def _finding(finding: ReportFinding) -> dict[str, Any]:  # Any: a JSON object
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
        "reference": finding.reference,
        "annex_point": finding.annex_point,
        "first_seen_at": finding.first_seen_at,
        "resolution_note": finding.resolution_note,
        "accepted_until": finding.accepted_until,
        "evidence": finding.evidence,
        "fingerprint": finding.fingerprint,
    }
