"""The report as PDF: what a person reads by xhtml2pdf, endless lists as an annex by ReportLab."""

import io
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from pypdf import PageObject, PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas
from xhtml2pdf import pisa  # pyright: ignore[reportMissingTypeStubs] - none exist
from xhtml2pdf.config.resources import (  # pyright: ignore[reportMissingTypeStubs] - none exist
    ResourceAccessPolicy,
)

from services.rendering.annex_pdf import render_annex
from services.rendering.document import ReportAsset, ReportDocument, ReportFinding
from services.rendering.pdf_pages import (
    FONT_FOLDER,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    draw_footer,
    footer_label,
    register_fonts,
)
from services.rendering.presentation import FindingGroup, exceptions, group_findings, printable
from services.rendering.render_html import render_template

_ROWS_PER_GROUP = 25
_FINDING_ROWS = 500
_ASSET_ROWS = 100
"""xhtml2pdf is quadratic in the rows of a table; beyond these, rows stand in the annex."""

_MAX_RENDER_S = 120
_MAX_SOURCE_BYTES = 8 * 1024 * 1024

logging.getLogger("xhtml2pdf").setLevel(logging.ERROR)


class RenderFailed(Exception):
    """The engine refused the document; its words are for the log, not for a user."""


class _Outcome(Protocol):
    """What we read of xhtml2pdf's context."""

    err: int
    log: Sequence[object]


def render_pdf(document: ReportDocument) -> bytes:
    """Fonts embedded, bookmarks, links inside, page x of y. Reads nothing but the bundled fonts.

    Raises RenderFailed. Takes seconds of CPU: call it in a process that can be killed.
    """
    register_fonts()
    groups = group_findings(document.findings, rows_per_group=_ROWS_PER_GROUP, rows=_FINDING_ROWS)
    is_cut = any(group.hidden for group in groups)
    listed = sorted(document.findings, key=_worst_first) if is_cut else []
    # A network is mostly empty addresses: those that answered come first.
    assets = sorted(document.assets, key=lambda asset: not asset.is_alive)
    listed_assets = assets if len(assets) > _ASSET_ROWS else []
    body = PdfReader(io.BytesIO(_render_body(document, groups, assets, has_annex=bool(listed))))
    label = footer_label(
        printable(document.organization_name, 60), printable(document.scan.name, 60)
    )
    annex, pages = None, len(body.pages)
    if listed or listed_assets:
        annex, pages = render_annex(listed, listed_assets, label=label, first_page=pages + 1)
    return _assemble(body, annex, label, pages)


def _worst_first(finding: ReportFinding) -> tuple[int, str, str]:
    return (finding.severity.rank, finding.title, finding.endpoint)


def _render_body(
    document: ReportDocument,
    groups: Sequence[FindingGroup],
    assets: Sequence[ReportAsset],
    *,
    has_annex: bool,
) -> bytes:
    source = render_template(
        "report_pdf.html",
        document,
        {
            "groups": groups,
            "assets": assets,
            "has_annex": has_annex,
            "assets_shown": _ASSET_ROWS,
            "contents": _contents(document),
        },
    )
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


def _contents(document: ReportDocument) -> list[tuple[str, str]]:
    chapters = [
        ("management", "For management"),
        ("matrix", "NIS2 Article 21(2), letter by letter"),
        ("points", "The points of the annex"),
        ("findings", "Findings"),
        ("scope", "Scope and what was not tested"),
        ("method", "Method"),
    ]
    if exceptions(document):
        chapters.insert(4, ("exceptions", "Accepted risks"))
    return chapters


def _assemble(body: PdfReader, annex: bytes | None, label: str, pages: int) -> bytes:
    writer = PdfWriter(clone_from=body)
    footers = _footers(len(body.pages), label, pages)
    # The cover has none.
    for page, footer in list(zip(writer.pages, footers, strict=True))[1:]:
        page.merge_page(footer)
    if annex is not None:
        writer.append(io.BytesIO(annex), import_outline=True)
    writer.compress_identical_objects()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _footers(count: int, label: str, pages: int) -> list[PageObject]:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(PAGE_WIDTH, PAGE_HEIGHT))
    for number in range(1, count + 1):
        draw_footer(canvas, label, number, pages)
        canvas.showPage()
    canvas.save()
    return list(PdfReader(out).pages)
