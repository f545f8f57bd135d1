"""Rendering in a process of its own: the same bytes, and limits that hold."""

import asyncio
import hashlib
import io
import json
import time
from collections.abc import AsyncGenerator, Iterable, Sequence

import msgspec
import psutil
import pytest
from pypdf import PdfReader

from services.rendering.document import ReportRows
from services.rendering.formats import ReportFormat
from services.rendering.render import RenderError, RenderJob, RenderLimits, render_in_child
from services.rendering.rows import Row, encode_rows, read_rows
from tests.unit.rendering.hostile import a_hostile_report
from tests.unit.rendering.samples import Sample, a_report, findings_of

_BLOCK = 100
_LIMITS = RenderLimits(60)


async def blocks(rows: ReportRows) -> AsyncGenerator[Sequence[Row]]:
    """As a database would give them."""
    lists: Iterable[Iterable[Row]] = (rows.findings, rows.assets, rows.not_tested)
    for some in lists:
        members = list(some)
        for start in range(0, len(members), _BLOCK):
            yield members[start : start + _BLOCK]


async def rendered(sample: Sample, format: ReportFormat, limits: RenderLimits = _LIMITS) -> bytes:
    out = io.BytesIO()
    file = await render_in_child(sample.document, format, blocks(sample.rows), out, limits=limits)
    content = out.getvalue()
    assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


@pytest.mark.parametrize("format", list(ReportFormat))
async def test_the_child_renders_what_this_process_would(format: ReportFormat) -> None:
    sample = a_report(findings_of(250))

    assert await rendered(sample, format) == sample.render(format)


async def test_the_child_renders_a_pdf_of_hostile_words() -> None:
    content = await rendered(a_hostile_report(), ReportFormat.PDF)

    assert len(PdfReader(io.BytesIO(content)).pages) > 5


async def test_progress_is_told() -> None:
    told: list[int] = []

    async def note(percent: int) -> None:
        told.append(percent)

    sample = a_report(findings_of(12))
    await render_in_child(
        sample.document,
        ReportFormat.PDF,
        blocks(sample.rows),
        io.BytesIO(),
        limits=_LIMITS,
        progress=note,
    )

    assert told == sorted(told)
    assert len(told) >= 3


async def test_a_child_that_takes_too_long_is_killed() -> None:
    start = time.monotonic()

    with pytest.raises(RenderError, match="longer than"):
        await rendered(a_report(findings_of(3_000)), ReportFormat.PDF, RenderLimits(0.3))

    assert time.monotonic() - start < 10


async def test_a_child_that_wants_too_much_memory_fails_alone() -> None:
    # Its interpreter and its fonts already need more than this.
    limits = RenderLimits(60, memory_bytes=16 * 1024 * 1024)

    with pytest.raises(RenderError, match="ended with"):
        await rendered(a_report(findings_of(3_000)), ReportFormat.PDF, limits)


async def test_a_file_that_grows_too_large_is_refused() -> None:
    with pytest.raises(RenderError, match="larger than"):
        await rendered(
            a_report(findings_of(3_000)), ReportFormat.CSV, RenderLimits(60, size_bytes=10_000)
        )


async def test_a_cancelled_render_leaves_no_child() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await rendered(a_report(findings_of(3_000)), ReportFormat.PDF)

    assert not [child for child in psutil.Process().children() if _renders(child)]


def test_every_value_survives_the_way_to_the_child() -> None:
    sample = a_hostile_report()
    job = RenderJob(ReportFormat.PDF, sample.document, 1, 1)
    rows = [*sample.rows.findings, *sample.rows.assets, *sample.rows.not_tested]

    arrived = read_rows(io.BytesIO(encode_rows(rows)))

    assert msgspec.json.decode(msgspec.json.encode(job), type=RenderJob) == job
    assert json.loads(msgspec.json.encode(job))["format"] == "pdf"
    assert [*arrived.findings, *arrived.assets, *arrived.not_tested] == rows


def _renders(process: psutil.Process) -> bool:
    return "services.rendering.render_child" in process.cmdline()
