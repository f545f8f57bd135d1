"""Reports of a scan: asked for, made by a worker, kept in the database until they expire."""

from services.rendering.formats import REPORT_FORMATS, ReportFormat
from services.reports.models import Report, ReportStatus
from services.reports.service import (
    RUN_REPORT,
    ReportDownload,
    ReportTicket,
    download_report,
    generate_report,
    get_report,
    run_report,
    sweep_reports,
)

__all__ = [
    "REPORT_FORMATS",
    "RUN_REPORT",
    "Report",
    "ReportDownload",
    "ReportFormat",
    "ReportStatus",
    "ReportTicket",
    "download_report",
    "generate_report",
    "get_report",
    "run_report",
    "sweep_reports",
]
