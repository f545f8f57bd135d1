"""Fonts and page furniture that both parts of the PDF share (the report and its annex)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from svglib.fonts import register_font

from services.rendering.document import Paper, ReportDocument
from services.rendering.presentation import printable
from services.translations import N_, Translator, translator

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

FONT_FOLDER = Path(__file__).parent / "fonts"
"""Bundled, so that no report depends on what a machine has installed."""

REGULAR, BOLD = "NIS2SansRegular", "NIS2SansBold"
MARGIN = 1.8 * cm
PAPERS: Mapping[Paper, tuple[float, float]] = {Paper.A4: A4, Paper.LETTER: LETTER}

_MUTED = HexColor("#4b5965")
_RULE = HexColor("#c3cdd6")
_FOOTER_SIZE = 7
_LONGEST_LABEL = 400


@dataclass(frozen=True, slots=True)
class Furniture:
    """What stands on every page but the cover."""

    paper: Paper
    classification: str
    label: str
    """Whose report of what it is."""
    footer: str
    """The organization's own line; may be empty."""
    language: Translator

    @classmethod
    def of(cls, document: ReportDocument) -> "Furniture":
        language = translator(document.options.locale)
        name = document.options.title or document.scan.name
        label = (language.text(N_("NIS2 exposure report")), document.organization_name, name)
        return cls(
            paper=document.options.paper,
            classification=_one_line(document.branding.classification or ""),
            label=_one_line(" · ".join(label)),
            footer=_one_line(document.branding.footer or ""),
            language=language,
        )

    @property
    def size(self) -> tuple[float, float]:
        return PAPERS[self.paper]

    def draw(self, canvas: "Canvas", page: int, pages: int) -> None:
        """Classification at the top; label, footer and ``Page x of y`` below, under a hairline."""
        width, height = self.size
        right = width - MARGIN
        number = self.language.text(N_("Page %(page)s of %(pages)s"), page=page, pages=pages)
        room = right - MARGIN - stringWidth(number, REGULAR, _FOOTER_SIZE) - 10
        canvas.saveState()
        canvas.setStrokeColor(_RULE)
        canvas.setLineWidth(0.4)
        canvas.line(MARGIN, 1.55 * cm, right, 1.55 * cm)
        canvas.setFillColor(_MUTED)
        canvas.setFont(REGULAR, _FOOTER_SIZE)
        canvas.drawString(MARGIN, 1.15 * cm, _fitting(self.label, room))
        canvas.drawRightString(right, 1.15 * cm, number)
        if self.footer:
            canvas.drawString(MARGIN, 0.75 * cm, _fitting(self.footer, right - MARGIN))
        if self.classification:
            canvas.drawRightString(right, height - 1.2 * cm, self.classification)
        canvas.restoreState()


@cache
def register_fonts() -> None:
    """Once per process, for ReportLab and for the texts of SVG charts."""
    for name, file, weight in (
        (REGULAR, "DejaVuSans.ttf", "normal"),
        (BOLD, "DejaVuSans-Bold.ttf", "bold"),
    ):
        pdfmetrics.registerFont(TTFont(name, str(FONT_FOLDER / file)))  # pyright: ignore[reportUnknownMemberType] - no types
        register_font("DejaVu Sans", str(FONT_FOLDER / file), weight, "normal", name)


def _one_line(text: str) -> str:
    return " ".join(printable(text, _LONGEST_LABEL).split())


def _fitting(text: str, room: float) -> str:
    """Cut to the width of a line, whatever the names are."""
    if stringWidth(text, REGULAR, _FOOTER_SIZE) <= room:
        return text
    while text and stringWidth(f"{text}…", REGULAR, _FOOTER_SIZE) > room:
        text = text[:-1]
    return f"{text}…"
