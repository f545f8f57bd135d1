"""Rendering in a process of its own: the same bytes, and limits that hold."""

import asyncio
import io
import json
import time

import msgspec
import psutil
import pytest
from pypdf import PdfReader

from services.rendering.formats import ReportFormat
from services.rendering.render import RenderError, RenderJob, render_in_child
from services.rendering.render_child import render
from tests.unit.rendering.hostile import a_hostile_document
from tests.unit.rendering.samples import a_document, findings_of


@pytest.mark.parametrize("format", [ReportFormat.CSV, ReportFormat.JSON, ReportFormat.HTML])
async def test_the_child_renders_what_this_process_would(format: ReportFormat) -> None:
    document = a_document(findings_of(12))

    assert await render_in_child(document, format, time_limit_s=60) == render(document, format)


async def test_the_child_renders_a_pdf_of_hostile_words() -> None:
    content = await render_in_child(a_hostile_document(), ReportFormat.PDF, time_limit_s=60)

    assert len(PdfReader(io.BytesIO(content)).pages) > 5


async def test_a_child_that_takes_too_long_is_killed() -> None:
    start = time.monotonic()

    with pytest.raises(RenderError, match="longer than"):
        await render_in_child(a_document(findings_of(3_000)), ReportFormat.PDF, time_limit_s=0.3)

    assert time.monotonic() - start < 10


async def test_a_child_that_wants_too_much_memory_fails_alone() -> None:
    # Its interpreter and its fonts already need more than this.
    limit = 16 * 1024 * 1024

    with pytest.raises(RenderError, match="ended with"):
        await render_in_child(
            a_document(findings_of(3_000)),
            ReportFormat.PDF,
            time_limit_s=60,
            memory_limit_bytes=limit,
        )


async def test_a_cancelled_render_leaves_no_child() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await render_in_child(a_document(findings_of(3_000)), ReportFormat.PDF, time_limit_s=60)

    assert not [child for child in psutil.Process().children() if _renders(child)]


def test_every_value_survives_the_way_to_the_child() -> None:
    job = RenderJob(ReportFormat.PDF, a_hostile_document(), 1, 1)

    assert msgspec.json.decode(msgspec.json.encode(job), type=RenderJob) == job
    assert json.loads(msgspec.json.encode(job))["format"] == "pdf"


def _renders(process: psutil.Process) -> bool:
    return "services.rendering.render_child" in process.cmdline()
