"""Words that strangers put into names, banners and certificates."""

from dataclasses import replace

from services.rendering.document import (
    NotTested,
    ReportAsset,
    ReportDocument,
    ReportLoss,
    ReportScan,
)
from services.scanner.check import Severity
from tests.unit.rendering.samples import CHECKS, a_document, a_finding

HOSTILE = (
    '=HYPERLINK("http://127.0.0.1/x","y") <script>alert(1)</script> '
    '<img src="file:///etc/passwd"> {{ 7*7 }} {% raw %} @import url(http://127.0.0.1/x.css); '
    "Łódź ě Москва Ελλάδα \x00\x07 \u202ereversed "
)
ENDLESS = "W" * 5_000


def a_hostile_document() -> ReportDocument:
    """Every field that a stranger can fill, filled."""
    text = HOSTILE + ENDLESS
    findings = tuple(
        a_finding(
            check_id,
            "a" * 300 + ".example",
            title=text,
            message=text,
            remediation=text,
            rationale=text,
            status="accepted_risk",
            cvss_vector=text,
            annex_point=text,
            compliance_article=text,
            protocol=HOSTILE,
            evidence={text: text},
            resolution_note=text,
        )
        for check_id in CHECKS
    )
    base = a_document(())
    return replace(
        base,
        organization_name=text,
        executive_summary=text,
        scan=ReportScan(text, text, text, text, config={text: [text, {text: text}]}),
        score=replace(
            base.score,
            score=50,
            score_lower=30,
            grade="F",
            top_losses=(ReportLoss(text, text, 1, Severity.LOW, 1.0, text),),
        ),
        counts={Severity.HIGH: len(findings)},
        findings=findings,
        assets=(ReportAsset(text, text, text, open_ports=tuple(range(1, 5_000)), reason=text),),
        not_tested=(NotTested(text, text, text),),
    )
