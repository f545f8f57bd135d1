"""Long lists of a report, set by ReportLab directly: linear time, thousands of rows a second.

xhtml2pdf needs milliseconds for each row; here a row is plain strings that we wrap ourselves.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import IO, Any, TypeVar

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from services.rendering.document import ReportAsset, ReportFinding
from services.rendering.pdf_pages import (
    BOLD,
    MARGIN,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    REGULAR,
    draw_footer,
    register_fonts,
)
from services.rendering.presentation import DASH, day, in_words, printable

# ReportLab splits a table at each page break and copies the style of all rows left: quadratic.
_ROWS_PER_TABLE = 200
MOST_ROWS = 20_000
"""Of each list: some 600 pages. Nobody reads more on paper, and time and memory are bounded."""
_FONT_SIZE = 6.5
_LEADING = 8.0
_PADDING = 3.0
_MOST_LINES = 6
"""Of one cell; a longer text is cut, the JSON report has it whole."""

_NAVY = HexColor("#14344f")
_STYLE = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), REGULAR, _FONT_SIZE, _LEADING),
        ("FONT", (0, 0), (-1, 0), BOLD, _FONT_SIZE, _LEADING),
        ("TEXTCOLOR", (0, 0), (-1, -1), HexColor("#16222e")),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor("#dfe6ec")),
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#c3cdd6")),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, _NAVY),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
)

_FINDING_COLUMNS = (
    ("Severity", 40.0),
    ("Cause", 118.0),
    ("Where", 118.0),
    ("What was seen", 126.0),
    ("Status", 46.0),
    ("First seen", 45.0),
)
_ASSET_COLUMNS = (("Target", 170.0), ("Address", 110.0), ("Result", 113.0), ("Open ports", 100.0))


_Row = TypeVar("_Row")


class _Heading(Paragraph):
    """A heading that stands among the document's bookmarks."""

    def draw(self) -> None:
        title = self.getPlainText()
        self.canv.bookmarkPage(title)  # pyright: ignore[reportUnknownMemberType] - no types
        self.canv.addOutlineEntry(title, title, 0)  # pyright: ignore[reportUnknownMemberType] - no types
        super().draw()


def render_annex(
    findings: Sequence[ReportFinding],
    assets: Sequence[ReportAsset],
    *,
    label: str,
    first_page: int,
) -> tuple[bytes, int]:
    """The lists as PDF, and how many pages the whole document has with them.

    ``first_page`` is the number printed on its first page; ``label`` stands in the footer.
    """
    register_fonts()
    out = io.BytesIO()
    canvases: list[_NumberedCanvas] = []

    def canvas_maker(filename: str | IO[bytes], **options: Any) -> Canvas:  # noqa: ANN401 - ReportLab's
        canvases.append(_NumberedCanvas(filename, label, first_page, options))
        return canvases[-1]

    document = BaseDocTemplate(out, pagesize=A4, title="Annex")
    frame = Frame(
        MARGIN - 6, 2.0 * cm, PAGE_WIDTH - 2 * MARGIN + 12, PAGE_HEIGHT - 4.0 * cm, id="body"
    )
    document.addPageTemplates([PageTemplate(id="page", frames=[frame])])
    document.build(list(_story(findings, assets)), canvasmaker=canvas_maker)
    return out.getvalue(), canvases[-1].pages


class _NumberedCanvas(Canvas):
    """Keeps its pages until the end, when their number is known, and then draws the footers."""

    def __init__(
        self,
        filename: str | IO[bytes],
        label: str,
        first_page: int,
        options: dict[str, Any],  # Any: ReportLab's own arguments
    ) -> None:
        super().__init__(filename, **options)  # pyright: ignore[reportUnknownMemberType] - no types
        self._label = label
        self._first_page = first_page
        self._kept: list[dict[str, Any]] = []  # Any: the canvas's own state

    @property
    def pages(self) -> int:
        """Of the whole document."""
        return self._first_page - 1 + len(self._kept)

    def showPage(self) -> None:  # noqa: N802 - ReportLab's name
        self._kept.append(dict(self.__dict__))
        self._startPage()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue] - untyped; what showPage itself ends with

    def save(self) -> None:
        kept, pages = self._kept, self.pages
        for number, state in enumerate(kept, start=self._first_page):
            self.__dict__.update(state)
            draw_footer(self, self._label, number, pages)
            super().showPage()
        self._kept = kept
        super().save()


def _story(findings: Sequence[ReportFinding], assets: Sequence[ReportAsset]) -> Iterator[Flowable]:
    heading = ParagraphStyle(
        "heading", fontName=BOLD, fontSize=15, leading=20, textColor=_NAVY, spaceAfter=8
    )
    if findings:
        yield _Heading("Annex: all findings", heading)
        yield from _cut_note(len(findings))
        yield from _tables(_FINDING_COLUMNS, findings[:MOST_ROWS], _finding_cells)
    if findings and assets:
        yield Spacer(1, 18)
    if assets:
        yield _Heading("Annex: all targets", heading)
        yield from _cut_note(len(assets))
        yield from _tables(_ASSET_COLUMNS, assets[:MOST_ROWS], _asset_cells)


def _cut_note(rows: int) -> Iterator[Flowable]:
    if rows > MOST_ROWS:
        note = ParagraphStyle("note", fontName=REGULAR, fontSize=8, leading=11, spaceAfter=6)
        text = f"The first {MOST_ROWS:,} of {rows:,}; the CSV and JSON reports have them all."
        yield Paragraph(text, note)


def _tables(
    columns: Sequence[tuple[str, float]],
    rows: Sequence[_Row],
    cells: Callable[[_Row], Sequence[str]],
) -> Iterator[Flowable]:
    header = [name for name, _ in columns]
    widths = [width for _, width in columns]
    for start in range(0, len(rows), _ROWS_PER_TABLE):
        body = [
            [_wrapped(text, width) for text, width in zip(cells(row), widths, strict=True)]
            for row in rows[start : start + _ROWS_PER_TABLE]
        ]
        yield Table([header, *body], colWidths=widths, repeatRows=1, style=_STYLE)


def _finding_cells(finding: ReportFinding) -> Sequence[str]:
    return (
        finding.severity.value,
        finding.title,
        finding.endpoint,
        finding.message,
        in_words(finding.status),
        day(finding.first_seen_at),
    )


def _asset_cells(asset: ReportAsset) -> Sequence[str]:
    reason = f": {asset.reason}" if asset.reason else ""
    return (
        asset.target,
        asset.ip or DASH,
        f"{in_words(asset.status)}{reason}",
        ", ".join(map(str, asset.open_ports)) or DASH,
    )


@lru_cache(maxsize=4096)
def _wrapped(text: str, width: float) -> str:
    """Lines that fit a column; words longer than a line are broken, endless texts are cut."""
    room = width - 2 * _PADDING
    # No line holds more characters than its width in the narrowest glyph's points.
    words = printable(text, _MOST_LINES * int(room)).split()
    lines: list[str] = []
    line = ""
    for word in words:
        candidate = f"{line} {word}" if line else word
        if _width(candidate) <= room:
            line = candidate
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, room)
        lines += full
    lines.append(line)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"{lines[_MOST_LINES - 1][:-1]}…"]
    return "\n".join(lines)


def _broken(word: str, room: float) -> list[str]:
    pieces: list[str] = []
    while _width(word) > room:
        cut = max(1, int(len(word) * room / _width(word)))
        while cut > 1 and _width(word[:cut]) > room:
            cut -= 1
        pieces.append(word[:cut])
        word = word[cut:]
    return [*pieces, word]


def _width(text: str) -> float:
    return stringWidth(text, REGULAR, _FONT_SIZE)
