"""The findings as CSV for spreadsheets: nothing in a cell is ever taken for a formula."""

from datetime import datetime
from typing import BinaryIO

from services.rendering.document import ReportDocument, ReportFinding, ReportRows
from services.spreadsheet import stream_csv

HEADER = (
    "Severity",
    "Category",
    "Message",
    "Target",
    "Remediation",
    "CVSS Score",
    "CVSS Vector",
    "Compliance Article",
    "Status",
    # The nine above are the documented ones; ours follow.
    "Check ID",
    "Title",
    "Port",
    "Protocol",
    "Annex Point",
    "First Seen",
    "Rationale",
    "Resolution Note",
    "Accepted Until",
    "Fingerprint",
)

# C0, DEL and C1 without tab and line breaks: no spreadsheet shows them, some stop at NUL.
_CONTROLS = dict.fromkeys(n for n in (*range(32), *range(127, 160)) if chr(n) not in "\t\r\n")


def render_csv(_document: ReportDocument, rows: ReportRows, out: BinaryIO) -> None:
    """RFC 4180 with every cell quoted, UTF-8 with a byte order mark."""
    stream_csv(
        out,
        HEADER,
        ([cell.translate(_CONTROLS) for cell in _row(finding)] for finding in rows.findings),
    )


def _row(finding: ReportFinding) -> tuple[str, ...]:
    return (
        finding.severity.value,
        finding.category,
        finding.message,
        finding.target,
        finding.remediation or "",
        "" if finding.cvss_base_score is None else f"{finding.cvss_base_score:.1f}",
        finding.cvss_vector or "",
        finding.compliance_article or "",
        finding.status,
        finding.check_id,
        finding.title,
        "" if finding.port is None else str(finding.port),
        finding.protocol or "",
        finding.annex_point or "",
        _time(finding.first_seen_at),
        finding.rationale or "",
        finding.resolution_note or "",
        _time(finding.accepted_until),
        finding.fingerprint,
    )


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
