"""The findings as CSV for spreadsheets: nothing in a cell is ever taken for a formula."""

import csv
import io
import unicodedata
from datetime import datetime

from services.rendering.document import ReportDocument, ReportFinding

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
)

_FORMULA_STARTS = frozenset("=+-@|%")
_LINE_STARTS = ("\t", "\r", "\n")
# C0, DEL and C1 without tab and line breaks.
_CONTROLS = dict.fromkeys(n for n in (*range(32), *range(127, 160)) if chr(n) not in _LINE_STARTS)


def render_csv(document: ReportDocument) -> bytes:
    """RFC 4180 with every cell quoted, UTF-8 with a byte order mark (else Excel guesses)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADER)
    for finding in document.findings:
        writer.writerow(map(formula_safe, _row(finding)))
    return text.getvalue().encode("utf-8-sig", "replace")


def formula_safe(value: str) -> str:
    """The cell with a leading apostrophe where a spreadsheet would calculate it.

    That is: where the first character that is neither blank nor control is one of ``= + - @ | %``,
    in its ASCII or full-width form, or where the cell starts with a tab or a line break. NUL and
    other control characters go, as no spreadsheet shows them; tab and line breaks stay.
    """
    clean = value.translate(_CONTROLS)
    if clean.startswith(_LINE_STARTS) or _first_visible(clean) in _FORMULA_STARTS:
        return f"'{clean}"
    return clean


def _first_visible(text: str) -> str:
    for character in text:
        # Cf: byte order marks and zero-width characters, skipped by some spreadsheets.
        if character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}:
            continue
        return unicodedata.normalize("NFKC", character)[:1]
    return ""


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
    )


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
