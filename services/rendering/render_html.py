"""The report as HTML: one self-contained file for browsers, and the source of the PDF.

Every value is escaped by Jinja2 (autoescape); nothing is fetched, no script, charts are ``data:``
images.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.compliance import DISCLAIMER, EvidenceClass
from services.rendering import charts, presentation
from services.rendering.colors import Colors, ink_on
from services.rendering.digest import Digest, DigestLimits, read_digest
from services.rendering.document import ReportDocument, ReportRows, Template, matrix_rows
from services.rendering.logo import placed_logo
from services.rendering.presentation import Words
from services.rendering.sentences import STATUS_SIGNS, Sentences
from services.scanner.check import Severity
from services.translations import translator

_TEMPLATES = Path(__file__).parent / "templates"
_LIMITS = DigestLimits(rows_per_group=1_000, rows=20_000, listed=2_000)
"""More rows make a page that no browser likes."""


def render_html(document: ReportDocument, rows: ReportRows, out: BinaryIO) -> None:
    """One file; prints well from a browser."""
    digest = read_digest(rows, _LIMITS)
    out.writelines(
        part.encode("utf-8", "replace")
        for part in template_parts("report.html", document, digest, {})
    )


def template_parts(
    name: str, document: ReportDocument, digest: Digest, extra: Mapping[str, Any]
) -> list[str]:
    """A template with everything that both page formats show; ``extra`` adds to it.

    ``extra`` may hold whatever the template wants (hence Any).
    """
    language = translator(document.options.locale)
    words = Words(language)
    say = Sentences(document, digest, words)
    matrix = matrix_rows(document.compliance_matrix)
    context: dict[str, Any] = {  # Any: as above
        "_": language.text,
        "ngettext": language.count,
        "n": language.number,
        "signed": language.signed,
        "w": words,
        "say": say,
        "document": document,
        "options": document.options,
        "is_full": document.options.template is Template.FULL,
        "digest": digest,
        "colors": Colors.of(document.branding),
        "logo": placed_logo(document.branding),
        "headings": say.headings(),
        "matrix": matrix,
        "process_points": say.points_of_class(EvidenceClass.PROCESS),
        "manual_points": say.points_of_class(EvidenceClass.MANUAL),
        "severity_counts": [(severity, document.count(severity)) for severity in Severity],
        "score_scale": charts.score_scale(document.score.score, document.score.score_lower),
        "severity_bar": charts.severity_bar(document.counts, words),
        "trend_chart": charts.trend(document.trend, words),
        "letter_tiles": charts.letter_tiles(matrix),
        "disclaimer": language.text(DISCLAIMER),
        "status_signs": STATUS_SIGNS,
        "severity_colors": charts.SEVERITY_COLORS,
        "severity_ink": {
            severity: ink_on(color) for severity, color in charts.SEVERITY_COLORS.items()
        },
        **extra,
    }
    return list(_environment().get_template(name).generate(context))


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
    environment.filters.update(cut=presentation.printable)
    return environment


def _finalize(value: object) -> object:
    if value is None:
        return presentation.DASH
    return presentation.printable(value) if type(value) is str else value
