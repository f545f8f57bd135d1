"""Scans: planned into batches, worked by whoever is free, finished once."""

from services.scans.admission import PLAN_SCAN, UNLIMITED, ScanQuota
from services.scans.comparison import (
    ComparedFinding,
    Comparison,
    Difference,
    FindingSet,
    compare,
    compare_scans,
    date_of,
)
from services.scans.finalizer import finalize_scan
from services.scans.judged import LOOKED_AT
from services.scans.latest import LatestLooks, LatestScan, latest_looks
from services.scans.material import (
    ScanMaterial,
    TargetRow,
    UntestedRow,
    report_material,
    stream_targets,
    stream_untested,
)
from services.scans.models import (
    BatchStatus,
    Scan,
    ScanBatch,
    ScanResult,
    ScanStatus,
    ScanTarget,
    ScanWait,
)
from services.scans.planner import RUN_BATCH, plan_next_scan
from services.scans.queries import ScanFilter
from services.scans.runner import FINALIZE_SCAN, Worker, run_next_batch
from services.scans.score_trend import ScorePoint, score_trend
from services.scans.series import scan_series
from services.scans.service import (
    ScanRequest,
    cancel_scan,
    create_scan,
    delete_scan,
    get_scan,
    list_results,
    list_scan_findings,
    list_scans,
)
from services.scans.sweep import sweep_scans
from services.scans.watching import ScanProgress, watch_scan
from services.scans.worst import worst_problems

__all__ = [
    "FINALIZE_SCAN",
    "LOOKED_AT",
    "PLAN_SCAN",
    "RUN_BATCH",
    "UNLIMITED",
    "BatchStatus",
    "ComparedFinding",
    "Comparison",
    "Difference",
    "FindingSet",
    "LatestLooks",
    "LatestScan",
    "Scan",
    "ScanBatch",
    "ScanFilter",
    "ScanMaterial",
    "ScanProgress",
    "ScanQuota",
    "ScanRequest",
    "ScanResult",
    "ScanStatus",
    "ScanTarget",
    "ScanWait",
    "ScorePoint",
    "TargetRow",
    "UntestedRow",
    "Worker",
    "cancel_scan",
    "compare",
    "compare_scans",
    "create_scan",
    "date_of",
    "delete_scan",
    "finalize_scan",
    "get_scan",
    "latest_looks",
    "list_results",
    "list_scan_findings",
    "list_scans",
    "plan_next_scan",
    "report_material",
    "run_next_batch",
    "scan_series",
    "score_trend",
    "stream_targets",
    "stream_untested",
    "sweep_scans",
    "watch_scan",
    "worst_problems",
]
