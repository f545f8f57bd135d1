"""Long lists of a report, set by ReportLab directly: linear time, thousands of rows a second.

xhtml2pdf needs milliseconds for each row; here a row is plain strings that we wrap ourselves.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any, TypeVar
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
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

from services.rendering.colors import Colors
from services.rendering.digest import Digest
from services.rendering.document import ReportAsset, ReportDocument, ReportFinding
from services.rendering.pdf_pages import BOLD, MARGIN, REGULAR, Furniture, register_fonts
from services.rendering.presentation import DASH, Words, printable
from services.rendering.sentences import Sentences
from services.translations import N_

# ReportLab splits a table at each page break and copies the style of all rows left: quadratic.
_ROWS_PER_TABLE = 200
MOST_ROWS = 20_000
"""Of each list: some 600 pages. Nobody reads more on paper, and time and memory are bounded."""
_FONT_SIZE = 6.5
_LEADING = 8.0
_PADDING = 3.0
_MOST_LINES = 6
"""Of one cell; a longer text is cut, the JSON report has it whole."""

_FINDING_COLUMNS = (
    (N_("Severity"), 45.0),
    (N_("Cause"), 113.0),
    (N_("Where"), 114.0),
    (N_("What was seen"), 120.0),
    (N_("Status"), 51.0),
    (N_("First seen"), 50.0),
)
_ASSET_COLUMNS = (
    (N_("Target"), 170.0),
    (N_("Address"), 110.0),
    (N_("Result"), 113.0),
    (N_("Open ports"), 100.0),
)

_Row = TypeVar("_Row")


class _Heading(Paragraph):
    """A heading that stands among the document's bookmarks."""

    def draw(self) -> None:
        title = self.getPlainText()
        self.canv.bookmarkPage(title)  # pyright: ignore[reportUnknownMemberType] - no types
        self.canv.addOutlineEntry(title, title, 0)  # pyright: ignore[reportUnknownMemberType] - no types
        super().draw()


def render_annex(
    document: ReportDocument,
    digest: Digest,
    furniture: Furniture,
    *,
    has_assets: bool,
    first_page: int,
) -> tuple[bytes, int]:
    """The lists as PDF, and how many pages the whole report has with them.

    ``first_page`` is the number printed on its first page.
    """
    register_fonts()
    out = io.BytesIO()
    canvases: list[_NumberedCanvas] = []

    def canvas_maker(filename: str | IO[bytes], **options: Any) -> Canvas:  # noqa: ANN401 - ReportLab's
        canvases.append(_NumberedCanvas(filename, furniture, first_page, options))
        return canvases[-1]

    width, height = furniture.size
    pages = BaseDocTemplate(out, pagesize=furniture.size, title="Annex")
    frame = Frame(MARGIN - 6, 2.0 * cm, width - 2 * MARGIN + 12, height - 4.0 * cm, id="body")
    pages.addPageTemplates([PageTemplate(id="page", frames=[frame])])
    story = _Story(document, digest, Words(furniture.language))
    pages.build(list(story.flowables(has_assets=has_assets)), canvasmaker=canvas_maker)
    return out.getvalue(), canvases[-1].pages


class _NumberedCanvas(Canvas):
    """Keeps its pages until the end, when their number is known, and then draws the footers."""

    def __init__(
        self,
        filename: str | IO[bytes],
        furniture: Furniture,
        first_page: int,
        options: dict[str, Any],  # Any: ReportLab's own arguments
    ) -> None:
        super().__init__(filename, **options)  # pyright: ignore[reportUnknownMemberType] - no types
        self._furniture = furniture
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
            self._furniture.draw(self, number, pages)
            super().showPage()
        self._kept = kept
        super().save()


@dataclass(frozen=True, slots=True)
class _Story:
    document: ReportDocument
    digest: Digest
    words: Words

    def flowables(self, *, has_assets: bool) -> Iterator[Flowable]:
        findings, assets = self.digest.listed, self.digest.assets if has_assets else ()
        if findings:
            yield self._heading(N_("Annex: all findings"))
            yield from self._cut_note(len(findings), self.digest.findings_total)
            yield from self._tables(_FINDING_COLUMNS, findings, self._finding_cells)
        if findings and assets:
            yield Spacer(1, 18)
        if assets:
            yield self._heading(N_("Annex: all targets"))
            yield from self._cut_note(len(assets), self.digest.assets_total)
            yield from self._tables(_ASSET_COLUMNS, assets, self._asset_cells)

    def _heading(self, text: str) -> Flowable:
        style = ParagraphStyle(
            "heading",
            fontName=BOLD,
            fontSize=15,
            leading=20,
            textColor=HexColor(self._colors.primary),
            spaceAfter=8,
        )
        return _Heading(self.words.language.text(text), style)

    def _cut_note(self, shown: int, total: int) -> Iterator[Flowable]:
        if total > shown:
            note = ParagraphStyle("note", fontName=REGULAR, fontSize=8, leading=11, spaceAfter=6)
            number = self.words.language.number
            cut = self.words.language.text(
                N_("The first %(shown)s of %(total)s."), shown=number(shown), total=number(total)
            )
            rest = Sentences(self.document, self.digest, self.words).more_elsewhere(total - shown)
            yield Paragraph(escape(printable(f"{cut} {rest}", 600)), note)

    def _tables(
        self,
        columns: Sequence[tuple[str, float]],
        rows: Sequence[_Row],
        cells: Callable[[_Row], Sequence[str]],
    ) -> Iterator[Flowable]:
        header = [_wrapped(self.words.language.text(name), width) for name, width in columns]
        widths = [width for _, width in columns]
        style = _table_style(self._colors)
        for start in range(0, len(rows), _ROWS_PER_TABLE):
            body = [
                [_wrapped(text, width) for text, width in zip(cells(row), widths, strict=True)]
                for row in rows[start : start + _ROWS_PER_TABLE]
            ]
            yield Table([header, *body], colWidths=widths, repeatRows=1, style=style)

    def _finding_cells(self, finding: ReportFinding) -> Sequence[str]:
        return (
            self.words.severity(finding.severity),
            finding.title,
            finding.endpoint,
            finding.message,
            self.words.finding_status(finding.status),
            self.words.day(finding.first_seen_at),
        )

    def _asset_cells(self, asset: ReportAsset) -> Sequence[str]:
        reason = f": {asset.reason}" if asset.reason else ""
        return (
            asset.target,
            asset.ip or DASH,
            f"{self.words.target_status(asset.status)}{reason}",
            ", ".join(map(str, asset.open_ports)) or DASH,
        )

    @property
    def _colors(self) -> Colors:
        return Colors.of(self.document.branding)


def _table_style(colors: Colors) -> TableStyle:
    primary = HexColor(colors.primary)
    return TableStyle(
        [
            ("FONT", (0, 0), (-1, -1), REGULAR, _FONT_SIZE, _LEADING),
            ("FONT", (0, 0), (-1, 0), BOLD, _FONT_SIZE, _LEADING),
            ("TEXTCOLOR", (0, 0), (-1, -1), HexColor("#16222e")),
            ("TEXTCOLOR", (0, 0), (-1, 0), primary),
            ("BACKGROUND", (0, 0), (-1, 0), HexColor("#dfe6ec")),
            ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#c3cdd6")),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, primary),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
            ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
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
