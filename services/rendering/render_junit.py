"""The report as JUnit XML, for pipelines that read test results.

A finding is a failed case, one that a person accepted or ruled out is skipped, and so is a check
that could not run; a check that passed wherever it ran is a passed case.
"""

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from xml.sax.saxutils import escape, quoteattr

from services.rendering.document import ReportDocument, ReportFinding, ReportRows
from services.rendering.presentation import evidence_text, printable
from services.scanner.check import Severity

_SUPPRESSED = ("accepted_risk", "false_positive")
_IN_MEMORY_BYTES = 8 * 1024 * 1024


@dataclass(slots=True)
class _Cases:
    """The test cases, written ahead of the header that has to count them."""

    out: BinaryIO
    counts: Counter[str] = field(default_factory=Counter[str])
    failed: set[str] = field(default_factory=set[str])
    """Check ids that have at least one finding."""

    def add(self, check_id: str, name: str, outcome: str = "") -> None:
        """``outcome`` is the element inside, ready to be written."""
        self.counts["tests"] += 1
        case = f"<testcase classname={_attribute(check_id)} name={_attribute(name)}"
        body = f">{outcome}</testcase>" if outcome else "/>"
        self.out.write(f"    {case}{body}\n".encode("utf-8", "replace"))


def render_junit(document: ReportDocument, rows: ReportRows, out: BinaryIO) -> None:
    """One suite, UTF-8. The cases wait in a temporary file until their number is known."""
    with SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
        # The stubs know it as no BinaryIO, which it is in all that counts.
        cases = _Cases(cast("BinaryIO", spool))
        for finding in rows.findings:
            _finding(finding, cases)
        _passed(document.passed, cases)
        for _ in rows.assets:
            pass
        for row in rows.not_tested:
            cases.counts["skipped"] += 1
            skipped = f"<skipped message={_attribute(row.reason)}/>"
            cases.add(row.check_id, f"{row.check_id} at {row.target}", skipped)
        spool.seek(0)
        out.write(_head(document, cases.counts))
        shutil.copyfileobj(spool, out)
    out.write(b"  </testsuite>\n</testsuites>\n")


def _head(document: ReportDocument, counts: Mapping[str, int]) -> bytes:
    tests, failures = counts["tests"], counts["failures"]
    scan = document.scan
    properties = {
        "organization": document.organization_name,
        "scan_id": scan.id,
        "score": document.score.score,
        "grade": document.score.grade,
        "generated_at": document.generated_at.isoformat(),
        "generator": document.versions.product,
        "catalog_version": document.versions.catalog,
    }
    totals = f'tests="{tests}" failures="{failures}" errors="0"'
    suite = {
        "name": scan.name,
        "id": scan.id,
        "skipped": counts["skipped"],
        "timestamp": scan.completed_at.isoformat() if scan.completed_at else "",
    }
    attributes = " ".join(f"{name}={_attribute(value)}" for name, value in suite.items())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="NIS2 Gateway" {totals}>',
        f"  <testsuite {totals} {attributes}>",
        "    <properties>",
        *(
            f"      <property name={_attribute(name)} value={_attribute(value)}/>"
            for name, value in properties.items()
            if value is not None
        ),
        "    </properties>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _finding(finding: ReportFinding, cases: _Cases) -> None:
    cases.failed.add(finding.check_id)
    name = f"{finding.title} at {finding.endpoint}"
    if finding.status in _SUPPRESSED:
        cases.counts["skipped"] += 1
        reason = f"{finding.status}: {finding.resolution_note or ''}"
        cases.add(finding.check_id, name, f"<skipped message={_attribute(reason)}/>")
    elif finding.severity is Severity.INFO:
        # Told, and nothing to mend: no pipeline should stop for it.
        cases.add(finding.check_id, name, f"<system-out>{_text(finding.message)}</system-out>")
    else:
        cases.counts["failures"] += 1
        details = (
            finding.message,
            evidence_text(finding.evidence),
            finding.rationale or "",
            finding.remediation or "",
            finding.compliance_article or "",
        )
        body = _text("\n".join(part for part in details if part))
        message, kind = _attribute(finding.message), finding.severity.value
        cases.add(
            finding.check_id, name, f'<failure type="{kind}" message={message}>{body}</failure>'
        )


def _passed(passed: Mapping[str, int], cases: _Cases) -> None:
    for check_id, endpoints in sorted(passed.items()):
        if check_id not in cases.failed:
            cases.add(check_id, f"{check_id}: passed at {endpoints}")


def _attribute(text: object) -> str:
    return quoteattr(printable(text))


def _text(text: str) -> str:
    return escape(printable(text))
