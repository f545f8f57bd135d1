"""The report as HTML: one self-contained file for browsers, and the source of the PDF.

Every value is escaped by Jinja2 (autoescape); nothing is fetched, no script, charts are ``data:``
images.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.compliance import DISCLAIMER, EvidenceClass
from services.rendering import charts, presentation
from services.rendering.document import ReportDocument, matrix_rows

_TEMPLATES = Path(__file__).parent / "templates"


def render_html(document: ReportDocument) -> bytes:
    """One file; prints well from a browser."""
    groups = presentation.group_findings(document.findings)
    return render_template("report.html", document, {"groups": groups}).encode("utf-8", "replace")


def render_template(name: str, document: ReportDocument, extra: Mapping[str, Any]) -> str:
    """A template with everything that both page formats show; ``extra`` adds to it.

    ``extra`` may hold whatever the template wants (hence Any).
    """
    rows = matrix_rows(document.compliance_matrix)
    return (
        _environment()
        .get_template(name)
        .render(
            document=document,
            matrix=rows,
            process_points=presentation.points_of_class(EvidenceClass.PROCESS),
            manual_points=presentation.points_of_class(EvidenceClass.MANUAL),
            statuses=presentation.statuses(rows),
            severity_counts=presentation.severity_counts(document),
            untested=presentation.group_untested(document.not_tested),
            unevaluated=presentation.unevaluated_by_reason(document.assets),
            exceptions=presentation.exceptions(document),
            config_rows=presentation.config_rows(document.scan.config),
            score_scale=charts.score_scale(document.score.score, document.score.score_lower),
            severity_bar=charts.severity_bar(document.counts),
            letter_tiles=charts.letter_tiles(rows),
            disclaimer=DISCLAIMER,
            status_labels=presentation.STATUS_LABELS,
            status_signs=charts.STATUS_SIGNS,
            evidence_classes=presentation.EVIDENCE_CLASS_LABELS,
            severity_colors=charts.SEVERITY_COLORS,
            **extra,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Whatever is printed is cleaned, not only where a template remembers to.
        finalize=_finalize,
    )
    environment.filters.update(
        moment=presentation.moment,
        day=presentation.day,
        duration=presentation.duration,
        evidence=presentation.evidence_text,
        cut=presentation.printable,
        words=presentation.in_words,
    )
    return environment


def _finalize(value: object) -> object:
    if value is None:
        return presentation.DASH
    return presentation.printable(value) if type(value) is str else value
