"""Findings: one problem of one organization, across scans."""

from services.findings.count_models import AssetFindingCount, FindingCount
from services.findings.exposure import LiveExposure, live_exposure
from services.findings.filtering import FindingFilter
from services.findings.history import (
    MAX_COMMENT_LENGTH,
    CommentView,
    EventView,
    comment_on_finding,
    list_finding_comments,
    list_finding_history,
)
from services.findings.history_models import FindingComment, FindingEvent, FindingEventKind
from services.findings.known import find_known
from services.findings.life_cycle import (
    MAX_BULK,
    BulkOutcome,
    bulk_update_findings,
    update_finding,
)
from services.findings.models import UNRESOLVED, Finding, FindingStatus, Observation, Resolution
from services.findings.queries import count_of_scan
from services.findings.recording import Sighting, record_findings
from services.findings.resolving import forget_scan, resolve_for_removed_asset, resolve_gone
from services.findings.service import (
    clear_assignments,
    count_open_by_asset,
    get_finding,
    list_findings,
    list_scan_findings,
    stream_views_of_scan,
)
from services.findings.stats import (
    FindingStats,
    FindingTrend,
    Flow,
    Span,
    TrendDay,
    finding_stats,
    finding_trend,
)
from services.findings.upkeep import fold_counts, keep_up_findings
from services.findings.views import FindingFlag, FindingView

__all__ = [
    "MAX_BULK",
    "MAX_COMMENT_LENGTH",
    "UNRESOLVED",
    "AssetFindingCount",
    "BulkOutcome",
    "CommentView",
    "EventView",
    "Finding",
    "FindingComment",
    "FindingCount",
    "FindingEvent",
    "FindingEventKind",
    "FindingFilter",
    "FindingFlag",
    "FindingStats",
    "FindingStatus",
    "FindingTrend",
    "FindingView",
    "Flow",
    "LiveExposure",
    "Observation",
    "Resolution",
    "Sighting",
    "Span",
    "TrendDay",
    "bulk_update_findings",
    "clear_assignments",
    "comment_on_finding",
    "count_of_scan",
    "count_open_by_asset",
    "find_known",
    "finding_stats",
    "finding_trend",
    "fold_counts",
    "forget_scan",
    "get_finding",
    "keep_up_findings",
    "list_finding_comments",
    "list_finding_history",
    "list_findings",
    "list_scan_findings",
    "live_exposure",
    "record_findings",
    "resolve_for_removed_asset",
    "resolve_gone",
    "stream_views_of_scan",
    "update_finding",
]
