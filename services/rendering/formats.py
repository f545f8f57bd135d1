"""The formats a report comes in, and what the file is called."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class ReportFormat(StrEnum):
    PDF = "pdf"
    JSON = "json"
    CSV = "csv"
    HTML = "html"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    JUNIT = "junit"
    OSCAL = "oscal"


@dataclass(frozen=True, slots=True)
class FileType:
    content_type: str
    extension: str


REPORT_FORMATS: dict[ReportFormat, FileType] = {
    ReportFormat.PDF: FileType("application/pdf", "pdf"),
    ReportFormat.JSON: FileType("application/json", "json"),
    ReportFormat.CSV: FileType("text/csv; charset=utf-8", "csv"),
    ReportFormat.HTML: FileType("text/html; charset=utf-8", "html"),
    ReportFormat.MARKDOWN: FileType("text/markdown; charset=utf-8", "md"),
    ReportFormat.SARIF: FileType("application/sarif+json", "sarif"),
    ReportFormat.JUNIT: FileType("application/xml", "junit.xml"),
    ReportFormat.OSCAL: FileType("application/oscal+json", "oscal.json"),
}

_LONGEST_NAME = 80


def filename(scan_name: str, now: datetime, format: ReportFormat) -> str:
    """``nis2_report_<scan name, safe>_<YYYYmmdd_HHMMSS>.<ext>``, in ASCII; the time is UTC.

    Safe means letters, digits, dot, dash and underscore: no path, no quote, no header break.
    """
    plain = unicodedata.normalize("NFKD", scan_name).encode("ascii", "ignore").decode("ascii")
    safe = re.sub(r"[^A-Za-z0-9.-]+", "_", plain)[:_LONGEST_NAME].strip("._-") or "scan"
    stamp = now.astimezone(UTC).strftime("%Y%m%d_%H%M%S")
    return f"nis2_report_{safe}_{stamp}.{REPORT_FORMATS[format].extension}"
