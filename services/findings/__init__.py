"""Findings: one problem of one organization, across scans."""

from services.findings.known import find_known
from services.findings.life_cycle import (
    MAX_BULK,
    BulkOutcome,
    bulk_update_findings,
    update_finding,
)
from services.findings.models import Finding, FindingEvent, FindingStatus, Observation
from services.findings.queries import FindingFilter, count_of_scan
from services.findings.recording import (
    Sighting,
    forget_scan,
    record_findings,
    resolve_gone,
)
from services.findings.service import (
    FindingStats,
    clear_assignments,
    count_open_by_asset,
    finding_stats,
    get_finding,
    list_findings,
    list_scan_findings,
    resolve_for_removed_asset,
    stream_views_of_scan,
)
from services.findings.views import FindingView

__all__ = [
    "MAX_BULK",
    "BulkOutcome",
    "Finding",
    "FindingEvent",
    "FindingFilter",
    "FindingStats",
    "FindingStatus",
    "FindingView",
    "Observation",
    "Sighting",
    "bulk_update_findings",
    "clear_assignments",
    "count_of_scan",
    "count_open_by_asset",
    "find_known",
    "finding_stats",
    "forget_scan",
    "get_finding",
    "list_findings",
    "list_scan_findings",
    "record_findings",
    "resolve_for_removed_asset",
    "resolve_gone",
    "stream_views_of_scan",
    "update_finding",
]
