"""The report as PDF: what a person reads by xhtml2pdf, endless lists as an annex by ReportLab."""

import io
import logging
import sys
from collections.abc import Callable, Sequence
from typing import BinaryIO, Protocol

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import ArrayObject, ByteStringObject
from reportlab import rl_config
from reportlab.graphics.shapes import STATE_DEFAULTS
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus.tables import CellStyle
from xhtml2pdf import pisa  # pyright: ignore[reportMissingTypeStubs] - none exist
from xhtml2pdf.config.resources import (  # pyright: ignore[reportMissingTypeStubs] - none exist
    ResourceAccessPolicy,
)

from services.rendering.annex_pdf import MOST_ROWS, render_annex
from services.rendering.digest import Digest, DigestLimits, read_digest
from services.rendering.document import ReportDocument, ReportRows, Template
from services.rendering.pdf_pages import FONT_FOLDER, REGULAR, Furniture, register_fonts
from services.rendering.render import PROGRESS_MARK
from services.rendering.render_html import template_parts

_LIMITS = DigestLimits(rows_per_group=25, rows=500, listed=MOST_ROWS)
_ASSET_ROWS = 100
"""xhtml2pdf is quadratic in the rows of a table; beyond these, rows stand in the annex."""

_MAX_RENDER_S = 120
_MAX_SOURCE_BYTES = 8 * 1024 * 1024

logging.getLogger("xhtml2pdf").setLevel(logging.ERROR)
# No clock and no chance in the files: the stamp is the document's.
rl_config.invariant = 1
# Pages, cells of tables and drawings name a font before anything is set: ours, which is embedded.
rl_config.canvas_basefontname = REGULAR
CellStyle.fontname = REGULAR
STATE_DEFAULTS["fontName"] = REGULAR


class RenderFailed(Exception):
    """The engine refused the document; its words are for the log, not for a user."""


class _Outcome(Protocol):
    """What we read of xhtml2pdf's context."""

    err: int
    log: Sequence[object]


def render_pdf(document: ReportDocument, rows: ReportRows, out: BinaryIO) -> None:
    """Fonts embedded, bookmarks, links inside, page x of y. Reads nothing but the bundled fonts.

    The same document and rows give the same bytes. Raises RenderFailed. Takes seconds of CPU: call
    it in a process that can be killed.
    """
    register_fonts()
    digest = read_digest(rows, _LIMITS)
    _tell_progress(20)
    furniture = Furniture.of(document)
    body = PdfReader(io.BytesIO(_render_body(document, digest)))
    _tell_progress(70)
    annex, pages = None, len(body.pages)
    if document.options.template is Template.FULL and (
        digest.listed or digest.assets_total > _ASSET_ROWS
    ):
        annex, pages = render_annex(
            document,
            digest,
            furniture,
            has_assets=digest.assets_total > _ASSET_ROWS,
            first_page=pages + 1,
        )
    _tell_progress(90)
    out.write(_assemble(document, body, annex, furniture, pages))


def _tell_progress(percent: int) -> None:
    sys.stderr.write(f"{PROGRESS_MARK.decode()}{percent}\n")
    sys.stderr.flush()


def _render_body(document: ReportDocument, digest: Digest) -> bytes:
    extra = {"assets_shown": _ASSET_ROWS}
    source = "".join(template_parts("report_pdf.html", document, digest, extra))
    out = io.BytesIO()
    policy = ResourceAccessPolicy.server(
        FONT_FOLDER,
        allow_remote=False,
        max_render_seconds=_MAX_RENDER_S,
        max_document_bytes=_MAX_SOURCE_BYTES,
    )
    create: Callable[..., _Outcome] = pisa.CreatePDF  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAssignmentType] - none
    outcome = create(
        source,
        dest=out,
        path=str(FONT_FOLDER / "report.html"),
        resource_policy=policy,
        # In memory: beyond the default 100 kB it leaves temporary files open.
        capacity=-1,
    )
    if outcome.err:
        raise RenderFailed(f"{outcome.err} errors: {outcome.log[:3]}")
    return out.getvalue()


def _assemble(
    document: ReportDocument,
    body: PdfReader,
    annex: bytes | None,
    furniture: Furniture,
    pages: int,
) -> bytes:
    writer = PdfWriter(clone_from=body)
    # The cover has no furniture.
    drawn = zip(writer.pages, _furniture_pages(furniture, len(body.pages), pages), strict=True)
    for page, layer in list(drawn)[1:]:
        page.merge_page(layer)
    if annex is not None:
        writer.append(io.BytesIO(annex), import_outline=True)
    writer.compress_identical_objects()
    stamp = f"{document.generated_at:D:%Y%m%d%H%M%SZ}"
    writer.add_metadata({"/CreationDate": stamp, "/ModDate": stamp})
    writer.add_metadata({"/Producer": document.versions.product})
    # PDF 32000-1, 14.4: made of what the file is about, where others take the clock.
    identity = ByteStringObject(document.scan.id.encode()[:32])
    writer._ID = ArrayObject((identity, identity))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - it has no other way
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _furniture_pages(furniture: Furniture, count: int, pages: int) -> list[PageObject]:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=furniture.size)
    for number in range(1, count + 1):
        furniture.draw(canvas, number, pages)
        canvas.showPage()
    canvas.save()
    return list(PdfReader(out).pages)
