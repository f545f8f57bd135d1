"""Words that strangers put into names, banners and certificates."""

from dataclasses import replace

from services.rendering.document import (
    Branding,
    NotTested,
    ReportAsset,
    ReportLoss,
    ReportOptions,
    ReportRows,
)
from services.scanner.check import Severity
from tests.unit.rendering.samples import CHECKS, Sample, a_finding, a_report

HOSTILE = (
    '=HYPERLINK("http://127.0.0.1/x","y") <script>alert(1)</script> '
    '<img src="file:///etc/passwd"> {{ 7*7 }} {% raw %} @import url(http://127.0.0.1/x.css); '
    "Łódź ě Москва Ελλάδα \x00\x07 \u202ereversed "
)
ENDLESS = "W" * 10_000


def a_hostile_report() -> Sample:
    """Every field that a stranger can fill, filled."""
    text = HOSTILE + ENDLESS
    findings = tuple(
        a_finding(
            check_id,
            text,
            title=text,
            message=text,
            remediation=text,
            rationale=text,
            reference=text,
            status="accepted_risk" if check_id == CHECKS[0] else text,
            cvss_vector=text,
            annex_point=text,
            compliance_article=text,
            protocol=HOSTILE,
            evidence={text: text},
            resolution_note=text,
        )
        for check_id in CHECKS
    )
    base = a_report(())
    document = replace(
        base.document,
        organization_name=text,
        executive_summary=text,
        options=ReportOptions(title=text),
        branding=Branding(footer=text, classification=text),
        scan=replace(
            base.document.scan,
            name=text,
            scan_type=text,
            status=text,
            config={text: [text, {text: text}]},
        ),
        score=replace(
            base.document.score,
            score=50,
            score_lower=30,
            grade="F",
            top_losses=(ReportLoss(text, text, 1, Severity.LOW, 1.0, text),),
        ),
        counts={Severity.HIGH: len(findings)},
    )
    rows = ReportRows(
        findings,
        (ReportAsset(text, text, text, open_ports=tuple(range(1, 5_000)), reason=text),),
        (NotTested(text, text, text),),
    )
    return Sample(document, rows, base.facts)
