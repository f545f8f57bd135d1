"""``make benchmark``: what reports cost in processor time and memory.

Each format is rendered by the real child, fed as the worker feeds it. The last rows are the naive
way, one table of all findings through xhtml2pdf, for as many findings as it can bear.
"""

import asyncio
import os
import resource
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from psutil import Process
from rich.console import Console
from rich.table import Table

from services.rendering.formats import ReportFormat
from services.rendering.render import RenderLimits, render_in_child
from services.rendering.rows import Row
from tests.unit.rendering.samples import Sample, a_report, findings_of

_BLOCK = 1_000
_SIZES = (1_000, 10_000, 100_000)
_NAIVE_SIZES = (1_000, 2_000, 4_000)


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_s: float
    memory_mib: int
    """Resident, at its highest."""
    size: int


async def _blocks(sample: Sample) -> AsyncGenerator[Sequence[Row]]:
    for rows in (sample.rows.findings, sample.rows.assets, sample.rows.not_tested):
        stream = iter(rows)
        while block := list(islice(stream, _BLOCK)):
            yield block


async def _render(sample: Sample, format: ReportFormat) -> tuple[int, int]:
    """Size of the file, and the highest memory of the renderer in kB."""
    highest = 0

    async def watch() -> None:
        nonlocal highest
        while True:
            highest = max(highest, *map(_highest_kb, Process().children()), 0)
            await asyncio.sleep(0.02)

    with TemporaryFile() as file:
        out = cast("BinaryIO", file)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch())
            rendered = await render_in_child(
                sample.document, format, _blocks(sample), out, limits=RenderLimits(600)
            )
            watching.cancel()
    return rendered.size, highest


def _highest_kb(process: Process) -> int:
    """Of this program alone: the counters of ``getrusage`` remember the one that started it."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def _naive(count: int) -> int:
    """One table with every finding in a row, as most reports are made."""
    from io import BytesIO  # noqa: PLC0415 - in the measured process alone

    from xhtml2pdf import pisa  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs] - as above

    rows = "".join(
        f"<tr><td>{f.severity}</td><td>{f.title}</td><td>{f.endpoint}</td><td>{f.message}</td>"
        f"<td>{f.status}</td><td>{f.remediation}</td></tr>"
        for f in findings_of(count)
    )
    out = BytesIO()
    pisa.CreatePDF(f"<table repeat='1'>{rows}</table>", dest=out)  # pyright: ignore[reportUnknownMemberType] - no types
    return len(out.getvalue())


def _measured(size: int, format: ReportFormat | None) -> Cost:
    """In a process of its own: the highest memory of a process never goes down again."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        if format is None:
            made = _naive(size)
            usage = resource.getrusage(resource.RUSAGE_SELF)
            memory_kb = usage.ru_maxrss
        else:
            made, memory_kb = asyncio.run(_render(a_report(findings_of(size)), format))
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = usage.ru_utime + usage.ru_stime
        os.write(writing, f"{seconds} {memory_kb // 1024} {made}".encode())
        os._exit(0)
    os.close(writing)
    answer = os.read(reading, 200)
    os.waitpid(child, 0)
    os.close(reading)
    if not answer:
        sys.exit(f"{format or 'the naive PDF'} of {size} findings failed")
    cpu, memory, made = answer.split()
    return Cost(float(cpu), int(memory), int(made))


def main() -> None:
    table = Table("format", "findings", "CPU [s]", "memory [MiB]", "file [kB]", title="Reports")
    naive: list[float] = []
    for kind in ReportFormat:
        for size in _SIZES:
            cost = _measured(size, kind)
            table.add_row(kind.value, f"{size:,}", *_figures(cost))
    for size in _NAIVE_SIZES:
        cost = _measured(size, None)
        naive.append(cost.cpu_s)
        table.add_row("one table", f"{size:,}", *_figures(cost))
    console = Console()
    console.print(table)
    growth = naive[-1] / naive[-2]
    console.print(f"One table: twice the findings cost {growth:.1f} times as much.")


def _figures(cost: Cost) -> tuple[str, str, str]:
    return f"{cost.cpu_s:.1f}", str(cost.memory_mib), f"{cost.size // 1000:,}"


if __name__ == "__main__":
    main()
