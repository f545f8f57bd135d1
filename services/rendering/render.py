"""Rendering in a process of its own, which can be killed, is capped in memory and holds no secret.

A report is made of words that strangers chose (banners, titles, names): whatever they do to the
engine, the worker lives on. Rows go in and the file comes out as streams, so that the worker needs
no more memory for 100,000 findings than for ten.
"""

import asyncio
import hashlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from services.rendering.document import ReportDocument
from services.rendering.formats import ReportFormat
from services.rendering.rows import Row, encode_rows

_ROOT = Path(__file__).resolve().parents[2]
_LONGEST_ERROR = 500
_BLOCK_BYTES = 256 * 1024
MEMORY_LIMIT_BYTES = 1536 * 1024 * 1024
"""Of address space, which is more than what is resident (a PDF of 10,000 findings: 130 MB)."""
SIZE_LIMIT_BYTES = 512 * 1024 * 1024
"""Of a finished file: it is kept in the database."""
PROGRESS_MARK = b"progress "

Progress = Callable[[int], Awaitable[None]]
"""Is told the percent of rendering that is done."""


class RenderError(Exception):
    """The report could not be rendered; the words are for the log."""


class RenderJob(msgspec.Struct, frozen=True):
    """What the child reads first from its standard input; the rows follow."""

    format: ReportFormat
    document: ReportDocument
    cpu_limit_s: int
    memory_limit_bytes: int


@dataclass(frozen=True, slots=True)
class RenderLimits:
    time_s: float
    memory_bytes: int = MEMORY_LIMIT_BYTES
    size_bytes: int = SIZE_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class RenderedFile:
    size: int
    """Bytes."""
    sha256: str


async def render_in_child(
    document: ReportDocument,
    format: ReportFormat,
    rows: AsyncIterable[Iterable[Row]],
    out: BinaryIO,
    *,
    limits: RenderLimits,
    progress: Progress | None = None,
) -> RenderedFile:
    """Write the finished file to ``out``; ``rows`` is read as fast as the child takes it.

    Raises RenderError when the child fails, or takes more time, memory or room than it may.
    Cancelling kills the child.
    """
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
    head = RenderJob(format, document, int(limits.time_s) + 1, limits.memory_bytes)
    try:
        async with asyncio.timeout(limits.time_s), asyncio.TaskGroup() as group:
            group.create_task(_feed(process, msgspec.json.encode(head) + b"\n", rows))
            file = group.create_task(_collect(process, out, limits.size_bytes))
            words = group.create_task(_listen(process, progress))
        await process.wait()
    except TimeoutError as error:
        raise RenderError(f"rendering took longer than {limits.time_s:g} s") from error
    except ExceptionGroup as errors:
        # One of the three failed and the others were cancelled for it.
        raise errors.exceptions[0] from None
    finally:
        await _kill(process)
    if process.returncode != 0:
        raise RenderError(f"the renderer ended with {process.returncode}: {words.result()}")
    return file.result()


async def _feed(process: Process, head: bytes, rows: AsyncIterable[Iterable[Row]]) -> None:
    assert process.stdin is not None  # noqa: S101 - asked for above
    # A child that has died says why on its standard error; that its pipe broke says less.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(head)
        async for some in rows:
            process.stdin.write(encode_rows(some))
            await process.stdin.drain()
        process.stdin.close()


async def _collect(process: Process, out: BinaryIO, size_limit: int) -> RenderedFile:
    assert process.stdout is not None  # noqa: S101 - asked for above
    digest, size = hashlib.sha256(), 0
    while block := await process.stdout.read(_BLOCK_BYTES):
        size += len(block)
        if size > size_limit:
            raise RenderError(f"the file is larger than {size_limit:,} bytes")
        digest.update(block)
        await asyncio.to_thread(out.write, block)
    return RenderedFile(size, digest.hexdigest())


async def _listen(process: Process, progress: Progress | None) -> str:
    """The last words of the child, without what it says of its progress."""
    assert process.stderr is not None  # noqa: S101 - asked for above
    words = b""
    async for line in process.stderr:
        if line.startswith(PROGRESS_MARK):
            if progress is not None:
                await progress(int(line.removeprefix(PROGRESS_MARK)))
        else:
            words = (words + line)[-_LONGEST_ERROR:]
    return words.decode("utf-8", "replace").strip()


async def _kill(process: Process) -> None:
    """Nothing is left behind, and nothing waits for ever."""
    if process.returncode is None:
        process.kill()
        await process.wait()
