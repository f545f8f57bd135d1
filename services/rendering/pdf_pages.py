"""Fonts and page furniture that both parts of the PDF share (the report and its annex)."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from svglib.fonts import register_font

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

FONT_FOLDER = Path(__file__).parent / "fonts"
"""Bundled, so that no report depends on what a machine has installed."""

REGULAR, BOLD = "NIS2SansRegular", "NIS2SansBold"
PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 1.8 * cm

_MUTED = HexColor("#4b5965")
_RULE = HexColor("#c3cdd6")
_LONGEST_LABEL = 105


@cache
def register_fonts() -> None:
    """Once per process, for ReportLab and for the texts of SVG charts."""
    for name, file, weight in (
        (REGULAR, "DejaVuSans.ttf", "normal"),
        (BOLD, "DejaVuSans-Bold.ttf", "bold"),
    ):
        pdfmetrics.registerFont(TTFont(name, str(FONT_FOLDER / file)))  # pyright: ignore[reportUnknownMemberType] - no types
        register_font("DejaVu Sans", str(FONT_FOLDER / file), weight, "normal", name)


def draw_footer(canvas: "Canvas", label: str, page: int, pages: int) -> None:
    """``label`` left, ``Page x of y`` right, under a hairline."""
    canvas.saveState()
    canvas.setStrokeColor(_RULE)
    canvas.setLineWidth(0.4)
    canvas.line(MARGIN, 1.55 * cm, PAGE_WIDTH - MARGIN, 1.55 * cm)
    canvas.setFillColor(_MUTED)
    canvas.setFont(REGULAR, 7)
    canvas.drawString(MARGIN, 1.15 * cm, label)
    canvas.drawRightString(PAGE_WIDTH - MARGIN, 1.15 * cm, f"Page {page} of {pages}")
    canvas.restoreState()


def footer_label(organization_name: str, scan_name: str) -> str:
    """Short enough for one line, whatever the names are."""
    text = f"NIS2 exposure report · {organization_name} · {scan_name}"
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
