"""Rendering in a process of its own, which can be killed, is capped in memory and holds no secret.

A report is made of words that strangers chose (banners, titles, names): whatever they do to the
engine, the worker lives on.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import msgspec

from services.rendering.document import ReportDocument
from services.rendering.formats import ReportFormat

_ROOT = Path(__file__).resolve().parents[2]
_LONGEST_ERROR = 500
MEMORY_LIMIT_BYTES = 1536 * 1024 * 1024
"""Of address space, which is more than what is resident (a PDF of 10,000 findings: 180 MB)."""


class RenderError(Exception):
    """The report could not be rendered; the words are for the log."""


class RenderJob(msgspec.Struct, frozen=True):
    """What the child reads from its standard input."""

    format: ReportFormat
    document: ReportDocument
    cpu_limit_s: int
    memory_limit_bytes: int


async def render_in_child(
    document: ReportDocument,
    format: ReportFormat,
    *,
    time_limit_s: float,
    memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
) -> bytes:
    """The finished file.

    Raises RenderError when the child fails, or takes longer than ``time_limit_s`` or more memory
    than it may. Cancelling kills the child.
    """
    job = RenderJob(format, document, int(time_limit_s) + 1, memory_limit_bytes)
    source = await asyncio.to_thread(msgspec.json.encode, job)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.rendering.render_child"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=_ROOT,
        # Not our environment: it holds the database's password and the signing secret.
        env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        async with asyncio.timeout(time_limit_s):
            output, errors = await process.communicate(source)
    except TimeoutError as error:
        raise RenderError(f"rendering took longer than {time_limit_s:g} s") from error
    finally:
        await _kill(process)
    if process.returncode != 0:
        words = errors.decode("utf-8", "replace").strip()[-_LONGEST_ERROR:]
        raise RenderError(f"the renderer ended with {process.returncode}: {words}")
    return output


async def _kill(process: Process) -> None:
    """Nothing is left behind, and nothing waits for ever."""
    if process.returncode is None:
        process.kill()
        await process.wait()
