"""Scans: planned into batches, worked by whoever is free, finished once."""

from services.scans.finalizer import finalize_scan
from services.scans.material import ScanMaterial, report_material
from services.scans.models import BatchStatus, Scan, ScanBatch, ScanResult, ScanStatus, ScanTarget
from services.scans.planner import RUN_BATCH, plan_scan
from services.scans.runner import FINALIZE_SCAN, Worker, run_batch
from services.scans.service import (
    PLAN_SCAN,
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

__all__ = [
    "FINALIZE_SCAN",
    "PLAN_SCAN",
    "RUN_BATCH",
    "BatchStatus",
    "Scan",
    "ScanBatch",
    "ScanMaterial",
    "ScanRequest",
    "ScanResult",
    "ScanStatus",
    "ScanTarget",
    "Worker",
    "cancel_scan",
    "create_scan",
    "delete_scan",
    "finalize_scan",
    "get_scan",
    "list_results",
    "list_scan_findings",
    "list_scans",
    "plan_scan",
    "report_material",
    "run_batch",
    "sweep_scans",
]
