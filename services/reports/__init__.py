"""Reports of a scan: asked for, made by a worker, kept in the database until they expire."""

from services.rendering.document import Paper, ReportOptions, Template
from services.rendering.formats import REPORT_FORMATS, ReportFormat
from services.rendering.render_json import SCHEMA_FILE as REPORT_SCHEMA_FILE
from services.reports.making import run_report, sweep_reports
from services.reports.models import Report, ReportStatus
from services.reports.service import (
    RUN_REPORT,
    ReportRequest,
    ReportTicket,
    Verification,
    begin_download,
    generate_report,
    get_report,
    stream_report,
    verify_report,
)

__all__ = [
    "REPORT_FORMATS",
    "REPORT_SCHEMA_FILE",
    "RUN_REPORT",
    "Paper",
    "Report",
    "ReportFormat",
    "ReportOptions",
    "ReportRequest",
    "ReportStatus",
    "ReportTicket",
    "Template",
    "Verification",
    "begin_download",
    "generate_report",
    "get_report",
    "run_report",
    "stream_report",
    "sweep_reports",
    "verify_report",
]
